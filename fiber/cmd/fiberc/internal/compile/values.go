package compile

import (
	"fmt"
	"go/ast"
	"go/types"
	"hash/fnv"
	"strings"
)

// Method values, and instances of generic functions that are used as values. Such a value
// has an entry of its own that nothing can be added to, so it becomes what a function
// returns that makes a literal of it, with a handshake in it like that of any other
// literal: x.M becomes a call that binds x, g[int] one without arguments.

// An entry is a method or an instance that is used as a value in a way that can be entered.
type entry struct {
	f    *Func
	slot *slot            // of a method of an interface, in the place of f
	sig  *types.Signature // of the value
	recv types.Type       // nil for a function
	args *types.TypeList  // of the instance, or of the receiver's type
}

// findMethodValue notes a method that is used as a value.
func (p *Program) findMethodValue(pkg *Package, sel *ast.SelectorExpr, called bool) {
	s := pkg.TypesInfo.Selections[sel]
	if called || s == nil || s.Kind() != types.MethodVal || isTypeParam(s.Recv()) {
		return
	}
	fn := s.Obj().(*types.Func)
	recv := fn.Signature().Recv().Type()
	if types.IsInterface(recv) {
		if !p.noWait[fn.Origin()] && bearer(fn.Signature()) >= 0 {
			p.entries[sel] = entry{slot: p.slotOf(fn), sig: fn.Signature(), recv: recv}
		}
		return
	}
	if f := p.funcOf(fn); f != nil {
		f.value = true
		p.entries[sel] = entry{f: f, sig: fn.Signature(), recv: recv, args: named(recv).TypeArgs()}
	}
}

// findInstance notes a generic function that is used as a value: e is an identifier, with
// a package in front or not, or an index expression.
func (p *Program) findInstance(pkg *Package, e ast.Expr, called map[*ast.Ident]bool) {
	id := funcIdent(e)
	if id == nil || called[id] {
		return
	}
	inst, ok := pkg.TypesInfo.Instances[id]
	fn, isFunc := pkg.TypesInfo.Uses[id].(*types.Func)
	if !ok || !isFunc {
		return
	}
	if f := p.funcOf(fn); f != nil {
		called[id] = true // the expressions inside are no others
		f.value = true
		p.entries[e] = entry{f: f, sig: inst.Type.(*types.Signature), args: inst.TypeArgs}
	}
}

// enters reports whether compiled code may enter an entry.
func (p *Program) enters(e entry) bool {
	f := e.f
	if e.slot != nil {
		return p.slotParks(e.slot)
	}
	return f != nil && f.Compiled && p.makers[f] == nil && bearer(unnamed(e.sig)) >= 0
}

// bound returns the edits that make a value one that compiled code can enter, nil if it is
// none of those.
func (p *Program) bound(pkg *Package, at ast.Expr) (edits []edit) {
	e, ok := p.entries[at]
	if !ok || !p.enters(e) {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(refusal); !ok {
				panic(v)
			}
			edits = nil // it stays as it is
		}
	}()
	if e.recv == nil {
		return []edit{{at.Pos(), at.End(), p.binder(pkg, e, at) + "()"}}
	}
	sel := at.(*ast.SelectorExpr)
	s := pkg.TypesInfo.Selections[sel]
	t := pkg.TypesInfo.TypeOf(sel.X)
	path, last := fieldPath(t, s.Index(), pkg.Types, sel)
	_, have := types.Unalias(last).(*types.Pointer)
	_, want := types.Unalias(e.recv).(*types.Pointer)
	sign := ""
	switch {
	case have && !want:
		sign = "*"
	case !have && want:
		sign = "&"
	}
	return []edit{
		{sel.Pos(), sel.Pos(), p.binder(pkg, e, sel) + "(" + sign + "(("},
		{sel.X.End(), sel.End(), ")" + path + "))"},
	}
}

// binder returns the name of the function that makes values of an entry.
func (p *Program) binder(pkg *Package, e entry, at ast.Node) string {
	if e.slot != nil {
		return p.slotBinder(pkg, e, at)
	}
	f := e.f
	test := p.inTest(at.Pos())
	names := pkg.helper(test).names
	name := "fiberc_value_" + f.Pkg.Types.Name() + "_" + f.name
	targs := ""
	if e.args.Len() > 0 {
		var list []string
		h := fnv.New32a()
		for t := range e.args.Types() {
			list = append(list, names.typ(t, at))
			h.Write([]byte(types.TypeString(t, (*types.Package).Path) + ";"))
		}
		targs = "[" + strings.Join(list, ", ") + "]"
		name += fmt.Sprintf("_%08x", h.Sum32())
	}
	if pkg.has(name, test) {
		return name
	}
	if f.Pkg != pkg && !pkg.mayImport(f.Pkg.PkgPath) {
		no(at, "a function of a package that cannot be imported")
	}
	second, plain := f.name+targs, "r_."+f.Obj.Name()
	if e.recv == nil {
		plain = f.Obj.Name() + targs
	}
	if f.Pkg != pkg {
		if !f.Obj.Exported() {
			no(at, "an unexported function of another package")
		}
		of := names.of(f.Pkg.Types) + "."
		second = of + second
		if e.recv == nil {
			plain = of + plain
		}
	}
	sig := unnamed(e.sig)
	var params, args, bind []string
	for i := range sig.Params().Len() {
		a := fmt.Sprintf("a%d_", i)
		params, args = append(params, a+" "+names.typ(sig.Params().At(i).Type(), at)), append(args, a)
	}
	recv := ""
	if e.recv != nil {
		recv = "r_ " + names.typ(e.recv, at)
		bind = []string{"r_"}
	}
	result, ret, leave := "", "", "; return "
	if sig.Results().Len() > 0 {
		result, ret, leave = " "+names.typ(sig.Results(), at), "return ", ""
	}
	b := bearer(sig)
	stack := names.stackHelper(sig.Params().At(b).Type(), at)
	var text strings.Builder
	fmt.Fprintf(&text, "var %s_pc abi_.Entry\n\n// %s makes a value of %s%s.\nfunc %s(%s) %s {\nfn_ := func(%s)%s {\n", name, name, f.Title, targs, name, recv,
		names.typ(sig, at), strings.Join(params, ", "), result)
	fmt.Fprintf(&text, "if s_ := %s(a%d_); s_ != nil && s_.Accepts(&%s_pc) { %s%s(s_, nil%s, %s)%s }\n", stack, b, name,
		ret, second, strings.Repeat(", false", len(p.flags(f))), strings.Join(append(bind, args...), ", "), leave)
	fmt.Fprintf(&text, "%s%s(%s)\n}\n%s_pc.Note(abi_.PC(fn_))\nreturn fn_\n}\n\n", ret, plain, strings.Join(args, ", "), name)
	pkg.helper(test).texts[name] = text.String()
	return name
}

// slotBinder is binder for a method of an interface, whose second body is found when it is
// called. That the interface is nil shows where the value is made.
func (p *Program) slotBinder(pkg *Package, e entry, at ast.Node) string {
	test := p.inTest(at.Pos())
	names := pkg.helper(test).names
	recv := names.typ(e.recv, at)
	h := fnv.New32a()
	h.Write([]byte(types.TypeString(e.recv, (*types.Package).Path) + " " + e.slot.key))
	name := fmt.Sprintf("fiberc_value_%s_%08x", e.slot.name, h.Sum32())
	if pkg.has(name, test) {
		return name
	}
	sig := unnamed(e.sig)
	var params, args []string
	for i := range sig.Params().Len() {
		a := fmt.Sprintf("a%d_", i)
		params, args = append(params, a+" "+names.typ(sig.Params().At(i).Type(), at)), append(args, a)
	}
	result, ret, leave := "", "", "\nreturn"
	if sig.Results().Len() > 0 {
		result, ret, leave = " "+names.typ(sig.Results(), at), "return ", ""
	}
	b := bearer(sig)
	list := strings.Join(args, ", ")
	pkg.helper(test).texts[name] = fmt.Sprintf("var %s_pc abi_.Entry\n\nfunc %s(r_ %s) %s {\n_ = r_.%s\nfn_ := func(%s)%s {\n"+
		"if s_ := %s(a%d_); s_ != nil && s_.Accepts(&%s_pc) {\nif c_, ok_ := abi_.Find[%s](%s, r_); ok_ {\n%sc_(s_, r_, %s)%s\n}\n}\n%sr_.%s(%s)\n}\n%s_pc.Note(abi_.PC(fn_))\nreturn fn_\n}\n\n",
		name, name, recv, names.typ(sig, at), e.slot.name, strings.Join(params, ", "), result,
		names.stackHelper(sig.Params().At(b).Type(), at), b, name, names.slotFunc(e.slot, at), names.slotVar(e.slot), ret, list, leave, ret, e.slot.name, list, name)
	return name
}

// boundIn returns the edits of the values in a file, outside second bodies.
func (p *Program) boundIn(pkg *Package, file *ast.File) []edit {
	var edits []edit
	ast.Inspect(file, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			edits = append(edits, p.bound(pkg, e)...)
		}
		return true
	})
	return edits
}
