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
	args := l.captured(call.Fun)
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

// second spells the second body that a call of fun, which is g, goes to.
func (l *lowering) second(fun ast.Expr, g *Func) string {
	name := g.name
	args := l.typeArgs(fun, g)
	if g.Pkg == l.pkg {
		return name + args
	}
	if !ast.IsExported(name) || !l.pkg.mayImport(g.Pkg.PkgPath) {
		no(fun, "a call of %s, which cannot be reached from here", g.Title)
	}
	return l.file.of(g.Pkg.Types) + "." + name + args
}

// typeArgs spells the type arguments with which fun instantiates g.
func (l *lowering) typeArgs(fun ast.Expr, g *Func) string {
	if g.typeParams().Len() == 0 {
		return ""
	}
	if g.inner() {
		return g.ownTypeArgs()
	}
	var list *types.TypeList
	if sel, ok := fun.(*ast.SelectorExpr); ok && g.Sig.Recv() != nil {
		list = named(l.info.Selections[sel].Obj().(*types.Func).Signature().Recv().Type()).TypeArgs()
	} else {
		list = l.info.Instances[funcIdent(fun)].TypeArgs
	}
	if list.Len() != g.typeParams().Len() {
		no(fun, "a call of %s whose type arguments are not known", g.Title)
	}
	var args []string
	for t := range list.Types() {
		args = append(args, l.visible(l.file.typ(t, fun), fun))
	}
	return "[" + strings.Join(args, ", ") + "]"
}

// ownTypeArgs spells the type parameters of the function around f as arguments.
func (f *Func) ownTypeArgs() string {
	var names []string
	for tp := range f.typeParams().TypeParams() {
		names = append(names, tp.Obj().Name())
	}
	if names == nil {
		return ""
	}
	return "[" + strings.Join(names, ", ") + "]"
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
		fun = l.second(ast.Unparen(call.Fun), c.static) + "(s_, nil" + l.flagArgs(c)
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

// flagArgs spells the flags in a call of a second body, see trust.go.
func (l *lowering) flagArgs(c callSite) string {
	text := ""
	for _, i := range l.p.flags(c.static) {
		text += ", " + l.flagOf(l.p.argument(l.f, c, i))
	}
	return text
}

// flagOf spells whether a value may be offered to.
func (l *lowering) flagOf(v value) string {
	switch {
	case v.lit != nil && v.lit.Loop != nil:
		return "true"
	case v.lit != nil && v.lit.Compiled && v.lit.trusted, v.maker != nil && v.maker.Compiled:
		return "true"
	case v.param != nil && l.flags[v.param] != nil:
		l.use(l.flags[v.param])
		return l.flags[v.param].name
	}
	return "false"
}

// makes returns the maker that a call is of, if its second body is to be called.
func (l *lowering) makes(call *ast.CallExpr) *Func {
	if g := l.p.makerOf(l.f, call); g != nil && g.Compiled && !l.p.escapes[call] {
		return g
	}
	return nil
}

// makeCall spells that call.
func (l *lowering) makeCall(call *ast.CallExpr, g *Func) string {
	text := l.second(ast.Unparen(call.Fun), g) + "(s_, nil" + l.flagArgs(callSite{call: call, callee: callee{static: g}})
	if len(call.Args) == 1 {
		inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr)
		if tuple, several := l.info.TypeOf(call.Args[0]).(*types.Tuple); ok && several && l.many()[inner] == nil {
			return l.makeOf(call, text, l.text(inner), tuple)
		}
	}
	if args := l.arguments(call); args != "" {
		text += ", " + args
	}
	return text + ")"
}

// makeOf spells a call of a maker with the results of another call, whose types are those
// of tuple: text is its beginning.
func (l *lowering) makeOf(call *ast.CallExpr, text, inner string, tuple *types.Tuple) string {
	var params []string
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && l.info.Selections[sel] != nil {
		no(call, "a call of a method with the results of another")
	}
	for i := range tuple.Len() {
		a := fmt.Sprintf("a%d_", i)
		params = append(params, a+" "+l.visible(l.file.typ(tuple.At(i).Type(), call), call))
		text += ", " + a
	}
	return "func(" + strings.Join(params, ", ") + ") " + l.visible(l.file.typ(l.info.TypeOf(call), call), call) + " { return " + text + ") }(" + inner + ")"
}

// offerTo spells the offer to fn_, a function value that leads to no fiber, with what is
// known of its arguments.
func (l *lowering) offerTo(c callSite) string {
	text := "s_.Offer(abi_.PC(fn_))\n"
	marks := l.p.handedOn(c.callee)
	if c.loop != nil {
		marks = []int{0} // whatever the iterator is
	}
	for _, i := range marks {
		if i >= marksMax {
			continue
		}
		switch flag := l.flagOf(l.p.argument(l.f, c, i)); flag {
		case "true":
			text += fmt.Sprintf("s_.Mark(%d)\n", i)
		case "false":
		default:
			text += fmt.Sprintf("if %s {\ns_.Mark(%d)\n}\n", flag, i)
		}
	}
	if flag := l.flagOf(c.value); flag != "true" {
		return "if " + flag + " {\n" + text + "}\n"
	}
	return text
}

// offer spells a call of a function value; what has to come before goes to text.
func (l *lowering) offer(call *ast.CallExpr, c callSite, text *strings.Builder) string {
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
	if c.dynamic == nil {
		text.WriteString(l.offerTo(c))
	} else if b := bearer(c.dynamic); !operands[b].fixed {
		text.WriteString("if " + l.stackOf(c.dynamic.Params().At(b).Type(), args[b], call) + " == s_ {\ns_.Offer(abi_.PC(fn_))\n}\n")
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
