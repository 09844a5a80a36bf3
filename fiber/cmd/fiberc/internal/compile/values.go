package compile

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// Method values. Such a value has an entry of its own that nothing can be added to, so
// x.M becomes a call of a function that binds x in a literal, with a handshake in it like
// that of any other literal.

// findMethodValue notes a method that is used as a value in a way that can be entered.
func (p *Program) findMethodValue(pkg *Package, sel *ast.SelectorExpr, called bool) {
	s := pkg.TypesInfo.Selections[sel]
	if called || s == nil || s.Kind() != types.MethodVal || isTypeParam(s.Recv()) {
		return
	}
	fn := s.Obj().(*types.Func)
	if types.IsInterface(fn.Signature().Recv().Type()) {
		return
	}
	if f := p.funcOf(fn); f != nil {
		f.value = true
		p.methodValues[sel] = f
	}
}

// bound returns the edits that make a method value one that compiled code can enter, nil
// if it is none of those.
func (p *Program) bound(pkg *Package, sel *ast.SelectorExpr) (edits []edit) {
	f := p.methodValues[sel]
	if f == nil || !f.Compiled || !f.entered() || p.makers[f] != nil {
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
	s := pkg.TypesInfo.Selections[sel]
	t := pkg.TypesInfo.TypeOf(sel.X)
	path, last := fieldPath(t, s.Index(), pkg.Types, sel)
	_, have := types.Unalias(last).(*types.Pointer)
	_, want := types.Unalias(f.Sig.Recv().Type()).(*types.Pointer)
	sign := ""
	switch {
	case have && !want:
		sign = "*"
	case !have && want:
		sign = "&"
	}
	return []edit{
		{sel.Pos(), sel.Pos(), p.binder(pkg, f, sel) + "(" + sign + "(("},
		{sel.X.End(), sel.End(), ")" + path + "))"},
	}
}

// binder returns the name of the function that makes values of a method.
func (p *Program) binder(pkg *Package, f *Func, at ast.Node) string {
	test := p.inTest(at.Pos())
	names := pkg.helper(test).names
	name := "fiberc_value_" + f.Pkg.Types.Name() + "_" + f.name
	if pkg.has(name, test) {
		return name
	}
	if f.Sig.Variadic() {
		no(at, "a variadic function value")
	}
	if f.Pkg != pkg && !pkg.mayImport(f.Pkg.PkgPath) {
		no(at, "a method of a package that cannot be imported")
	}
	second := f.name
	if f.Pkg != pkg {
		second = names.of(f.Pkg.Types) + "." + second
	}
	names.add("atomic_", "sync/atomic")
	recv := names.typ(f.Sig.Recv().Type(), at)
	var params, args []string
	for i := range f.Sig.Params().Len() {
		a := fmt.Sprintf("a%d_", i)
		params, args = append(params, a+" "+names.typ(f.Sig.Params().At(i).Type(), at)), append(args, a)
	}
	result, ret := "", ""
	if f.Sig.Results().Len() > 0 {
		result, ret = " "+names.typ(f.Sig.Results(), at), "return "
	}
	if o := f.Obj; !o.Exported() && f.Pkg != pkg {
		no(at, "an unexported method of another package")
	}
	leave := "; return "
	if ret != "" {
		leave = ""
	}
	stack := names.stackHelper(f.Sig.Params().At(f.bears).Type(), at)
	sig := "func(" + strings.Join(params, ", ") + ")" + result
	var b strings.Builder
	fmt.Fprintf(&b, "var %s_pc atomic_.Uintptr\n\n// %s binds a receiver of %s.\nfunc %s(r_ %s) %s {\nfn_ := %s {\n", name, name, f.Title, name, recv,
		names.typ(unnamed(f.Sig), at), sig)
	fmt.Fprintf(&b, "if s_ := %s(a%d_); s_ != nil && s_.Accept(%s_pc.Load()) { %s%s(s_, nil%s, %s)%s }\n", stack, f.bears, name,
		ret, second, strings.Repeat(", false", len(p.flags(f))), strings.Join(append([]string{"r_"}, args...), ", "), leave)
	fmt.Fprintf(&b, "%sr_.%s(%s)\n}\nif %s_pc.Load() == 0 {\n%s_pc.Store(abi_.PC(fn_))\n}\nreturn fn_\n}\n\n", ret, f.Obj.Name(), strings.Join(args, ", "), name, name)
	pkg.helper(test).texts[name] = b.String()
	return name
}

// boundIn returns the edits of the method values in a file, outside second bodies.
func (p *Program) boundIn(pkg *Package, file *ast.File) []edit {
	var edits []edit
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			edits = append(edits, p.bound(pkg, sel)...)
		}
		return true
	})
	return edits
}
