package compile

import (
	"go/ast"
	"go/types"
	"strings"
)

// many holds the results of calls with several.
func (l *lowering) many() map[*ast.CallExpr][]*variable {
	if l.facts.many == nil {
		l.facts.many = map[*ast.CallExpr][]*variable{}
	}
	return l.facts.many
}

// arguments spells the arguments of a call to a second body: the receiver first.
func (l *lowering) arguments(call *ast.CallExpr) string {
	args := l.captured(call)
	fun := ast.Unparen(call.Fun)
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		if s := l.info.Selections[sel]; s != nil && s.Kind() == types.MethodVal {
			args = append(args, l.receiver(sel, s))
		}
	}
	if len(call.Args) == 1 {
		if inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr); ok {
			if list := l.many()[inner]; list != nil {
				for _, v := range list {
					l.use(v)
					args = append(args, v.name)
				}
				return strings.Join(args, ", ")
			}
			if _, tuple := l.info.TypeOf(inner).(*types.Tuple); tuple {
				no(call, "a call with the results of another")
			}
		}
	}
	for _, a := range call.Args {
		args = append(args, l.text(a))
	}
	text := strings.Join(args, ", ")
	if call.Ellipsis.IsValid() {
		text += "..."
	}
	return text
}

// unfold makes the call whose several results are the arguments of another one.
// What comes before it in the same expression is evaluated first.
func (l *lowering) unfold(call *ast.CallExpr, before ...ast.Expr) {
	if len(call.Args) != 1 {
		return
	}
	inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr)
	if !ok {
		return
	}
	if _, tuple := l.info.TypeOf(inner).(*types.Tuple); tuple && l.many()[inner] == nil {
		l.forced = inner
		l.spill(append(before, inner)...)
		l.forced = nil
	}
}

// receiver spells the receiver of a method call as the method declares it.
func (l *lowering) receiver(sel *ast.SelectorExpr, s *types.Selection) string {
	text := l.text(sel.X)
	t := l.info.TypeOf(sel.X)
	if !simple(sel.X) {
		text = "(" + text + ")"
	}
	for _, i := range s.Index()[:len(s.Index())-1] {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
		field := t.Underlying().(*types.Struct).Field(i)
		if !field.Exported() && field.Pkg() != l.pkg.Types {
			no(sel, "a method promoted from an unexported field of another package")
		}
		text += "." + field.Name()
		t = field.Type()
	}
	_, have := t.Underlying().(*types.Pointer)
	_, want := types.Unalias(s.Obj().(*types.Func).Signature().Recv().Type()).(*types.Pointer)
	switch {
	case have && !want:
		return "*" + text
	case !have && want:
		return "&" + text
	}
	return text
}

func simple(e ast.Expr) bool {
	switch e.(type) {
	case *ast.Ident, *ast.ParenExpr, *ast.SelectorExpr, *ast.CallExpr, *ast.IndexExpr:
		return true
	}
	return false
}

// resultTypes are those of a call.
func (l *lowering) resultTypes(call *ast.CallExpr) []types.Type {
	switch t := l.info.TypeOf(call).(type) {
	case *types.Tuple:
		var list []types.Type
		for i := range t.Len() {
			list = append(list, t.At(i).Type())
		}
		return list
	default:
		return []types.Type{t}
	}
}

// target spells the second body that a static call goes to.
func (l *lowering) second(call *ast.CallExpr, g *Func) string {
	name := g.name
	args := l.typeArgs(call, g)
	if g.Pkg == l.pkg {
		return name + args
	}
	if !ast.IsExported(name) || !importable(g.Pkg.PkgPath, l.pkg.PkgPath) {
		no(call, "a call of %s, which cannot be reached from here", g.Title)
	}
	return l.file.of(g.Pkg.Types) + "." + name + args
}

// typeArgs spells the type arguments with which a call instantiates g.
func (l *lowering) typeArgs(call *ast.CallExpr, g *Func) string {
	if g.typeParams().Len() == 0 {
		return ""
	}
	var list *types.TypeList
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && g.Sig.Recv() != nil {
		list = named(l.info.Selections[sel].Obj().(*types.Func).Signature().Recv().Type()).TypeArgs()
	} else {
		list = l.info.Instances[funcIdent(call.Fun)].TypeArgs
	}
	if list.Len() != g.typeParams().Len() {
		no(call, "a call of %s whose type arguments are not known", g.Title)
	}
	var args []string
	for t := range list.Types() {
		args = append(args, l.file.typ(t, call))
	}
	return "[" + strings.Join(args, ", ") + "]"
}

// parkAt makes a call that may park. Its nested calls were made before.
func (l *lowering) parkAt(call *ast.CallExpr) []*variable {
	c := l.parking[call]
	p := &park{pc: len(l.parks) + 1, call: call}
	l.parks = append(l.parks, p)
	p.types = l.resultTypes(call)
	var text strings.Builder
	args := ""
	var fun string
	if c.static != nil {
		p.callee = c.static.Title
		args = l.arguments(call)
		fun = l.second(call, c.static) + "(s_, nil"
		if args != "" {
			fun += ", " + args
		}
		fun += ")"
	} else {
		p.callee = "function value " + oneLine(l.source(call.Fun))
		fun = l.offer(call, c.dynamic, &text)
	}
	for _, t := range p.types {
		p.results = append(p.results, l.temp(t, call))
	}
	p.before, p.fun = text.String(), fun
	if c.dynamic != nil {
		p.after = "\ns_.Withdraw()\n}"
	}
	l.emit(instr{pos: call.Pos(), park: p, defs: p.results, falls: true})
	return p.results
}

// offer spells a call of a function value; what has to come before goes to text.
func (l *lowering) offer(call *ast.CallExpr, sig *types.Signature, text *strings.Builder) string {
	lhs, rhs := []string{"fn_"}, []string{l.text(call.Fun)}
	var args []string
	for i, a := range call.Args {
		if _, tuple := l.info.TypeOf(a).(*types.Tuple); tuple {
			no(call, "a call with the results of another")
		}
		if tv := l.info.Types[a]; tv.Value != nil || tv.IsNil() {
			args = append(args, l.text(a))
			continue
		}
		name := "a" + string(rune('0'+i%10)) + string(rune('0'+i/10)) + "_"
		lhs, rhs = append(lhs, name), append(rhs, l.file.typ(l.info.TypeOf(a), a)+"\x00"+l.text(a))
		args = append(args, name)
	}
	text.WriteString("{\n")
	for i := range lhs {
		if t, val, ok := strings.Cut(rhs[i], "\x00"); ok {
			rhs[i] = convert(t, val)
		}
	}
	text.WriteString(strings.Join(lhs, ", ") + " := " + strings.Join(rhs, ", ") + "\n")
	b := bearer(sig)
	if tv := l.info.Types[call.Args[b]]; tv.Value == nil && !tv.IsNil() {
		text.WriteString("if " + l.stackOf(sig.Params().At(b).Type(), args[b], call) + " == s_ {\ns_.Offer(abi_.PC(fn_))\n}\n")
	}
	return "fn_(" + strings.Join(args, ", ") + ")"
}

// convert spells a value of a type, even if it is an untyped bool.
func convert(t, val string) string {
	if strings.HasPrefix(t, "*") || strings.HasPrefix(t, "<-") || strings.HasPrefix(t, "func") || strings.HasPrefix(t, "chan") {
		t = "(" + t + ")"
	}
	return t + "(" + val + ")"
}

// stackOf spells the Stack that a value leads to, nil if none.
func (l *lowering) stackOf(t types.Type, val string, at ast.Node) string {
	return l.file.stackHelper(l.p, t, at) + "(" + val + ")"
}

func oneLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i] + "…"
	}
	return s
}
