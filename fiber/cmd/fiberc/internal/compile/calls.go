package compile

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// many holds the results of calls with several.
func (l *lowering) many() map[*ast.CallExpr][]*variable {
	if l.tuples == nil {
		l.tuples = map[*ast.CallExpr][]*variable{}
	}
	return l.tuples
}

// arguments spells the arguments of a call to a second body: the receiver first.
func (l *lowering) arguments(call *ast.CallExpr) string {
	args := l.captured(call)
	fun := ast.Unparen(call.Fun)
	operands := l.operands(call)
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		switch s := l.info.Selections[sel]; {
		case s == nil:
		case s.Kind() == types.MethodVal:
			args = append(args, l.receiver(sel, s))
		case s.Kind() == types.MethodExpr:
			args, operands = append(args, convert(l.file.typ(s.Recv(), call), operands[0].text)), operands[1:]
		}
	}
	for _, a := range operands {
		args = append(args, a.text)
	}
	text := strings.Join(args, ", ")
	if call.Ellipsis.IsValid() {
		text += "..."
	}
	return text
}

// An operand is an argument of a call.
type operand struct {
	text  string
	typ   types.Type
	fixed bool // a constant, or nil
}

// operands spells the arguments of a call, those that are the results of another too.
func (l *lowering) operands(call *ast.CallExpr) []operand {
	var list []operand
	if len(call.Args) == 1 {
		if inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr); ok && l.many()[inner] != nil {
			for _, v := range l.many()[inner] {
				l.use(v)
				list = append(list, operand{text: v.name, typ: v.typ})
			}
			return list
		}
	}
	for _, a := range call.Args {
		tv := l.info.Types[a]
		if _, tuple := tv.Type.(*types.Tuple); tuple {
			no(call, "a call with the results of another")
		}
		list = append(list, operand{l.text(a), tv.Type, tv.Value != nil || tv.IsNil()})
	}
	return list
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
	if !simple(sel.X) {
		text = "(" + text + ")"
	}
	path, t := fieldPath(l.info.TypeOf(sel.X), s.Index(), l.pkg.Types, sel)
	text += path
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
	if !ast.IsExported(name) || !l.pkg.mayImport(g.Pkg.PkgPath) {
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
	switch {
	case c.static != nil:
		p.callee = c.static.Title
		args = l.arguments(call)
		fun = l.second(call, c.static) + "(s_, nil" + l.flagArgs(call, c.static)
		if args != "" {
			fun += ", " + args
		}
		fun += ")"
	case c.slot != nil:
		p.callee = "method " + oneLine(l.source(call.Fun)) + " of an interface"
		p.slotted = true
		fun = l.slotCall(call, c.slot)
	default:
		p.callee = "function value " + oneLine(l.source(call.Fun))
		fun = l.offer(call, c, &text)
	}
	for _, t := range p.types {
		p.results = append(p.results, l.temp(t, call))
	}
	p.before, p.fun = text.String(), fun
	if c.static == nil && c.slot == nil {
		p.after = "\ns_.Withdraw()\n}"
	}
	l.emit(instr{pos: call.Pos(), park: p, defs: p.results, falls: true})
	return p.results
}

// flagArgs spells the flags in a call of the second body of g, see trust.go.
func (l *lowering) flagArgs(call *ast.CallExpr, g *Func) string {
	text := ""
	for _, i := range g.flags() {
		val := "false"
		switch a := l.p.argumentOf(l.f, call, i); {
		case a.lit != nil && a.lit.Compiled && a.lit.trusted && a.lit.bears < 0:
			val = "true"
		case a.param > 0 && l.flags[a.param-1] != nil:
			l.use(l.flags[a.param-1])
			val = l.flags[a.param-1].name
		}
		text += ", " + val
	}
	return text
}

// offer spells a call of a function value; what has to come before goes to text.
func (l *lowering) offer(call *ast.CallExpr, c callee, text *strings.Builder) string {
	lhs, rhs := []string{"fn_"}, []string{l.text(call.Fun)}
	var args []string
	operands := l.operands(call)
	for i, a := range operands {
		if a.fixed {
			args = append(args, a.text)
			continue
		}
		name := fmt.Sprintf("a%d_", i)
		lhs, rhs = append(lhs, name), append(rhs, convert(l.file.typ(a.typ, call), a.text))
		args = append(args, name)
	}
	text.WriteString("{\n")
	text.WriteString(strings.Join(lhs, ", ") + " := " + strings.Join(rhs, ", ") + "\n")
	offer := "s_.Offer(abi_.PC(fn_))\n"
	switch {
	case c.lit != nil:
		text.WriteString(offer)
	case c.param > 0:
		flag := l.flags[c.param-1]
		l.use(flag)
		text.WriteString("if " + flag.name + " {\n" + offer + "}\n")
	default:
		b := bearer(c.dynamic)
		if !operands[b].fixed {
			text.WriteString("if " + l.stackOf(c.dynamic.Params().At(b).Type(), args[b], call) + " == s_ {\n" + offer + "}\n")
		}
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
	return l.file.stackHelper(t, at) + "(" + val + ")"
}

func oneLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i] + "…"
	}
	return s
}
