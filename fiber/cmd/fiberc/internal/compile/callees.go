package compile

import (
	"go/ast"
	"go/types"
	"strings"
)

// This file says what is known of a call.

// named returns the named type that t or its element is, nil if there is none.
func named(t types.Type) *types.Named {
	t = types.Unalias(t)
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	n, _ := t.(*types.Named)
	return n
}

// leads reports whether a value of type t leads to a fiber in a way that fiberc trusts:
// it is a *fiber.Fiber, or a pointer to a type of the framework with a method Fiber.
func leads(t types.Type) (method, ok bool) {
	if _, ptr := types.Unalias(t).(*types.Pointer); !ptr {
		return false, false
	}
	n := named(t)
	if n == nil || n.Obj().Pkg() == nil || n.TypeArgs().Len() > 0 {
		return false, false
	}
	path := n.Obj().Pkg().Path()
	if path == fiberPath && n.Obj().Name() == "Fiber" {
		return false, true
	}
	if path != Module && !strings.HasPrefix(path, Module+"/") {
		return false, false
	}
	for i := range n.NumMethods() {
		m := n.Method(i)
		if m.Name() != "Fiber" {
			continue
		}
		sig := m.Type().(*types.Signature)
		if sig.Params().Len() != 0 || sig.Results().Len() != 1 {
			return false, false
		}
		r := named(sig.Results().At(0).Type())
		return true, r != nil && r.Obj().Name() == "Fiber" && r.Obj().Pkg().Path() == fiberPath
	}
	return false, false
}

// bearer returns the index of the first parameter that leads to a fiber, -1 if none.
func bearer(sig *types.Signature) int {
	if sig.Variadic() || sig.TypeParams().Len() > 0 {
		return -1
	}
	for i := range sig.Params().Len() {
		if _, ok := leads(sig.Params().At(i).Type()); ok {
			return i
		}
	}
	return -1
}

// A callee is what is known of a call: one of its fields is set, or none, and then it is
// a call like any other.
type callee struct {
	static  *Func            // a function with a body in the program
	dynamic *types.Signature // a function value that may accept an offer, see package abi
	slot    *slot            // a method of an interface
	lit     *Func            // a function value that is always this literal, see trust.go
	param   int              // a parameter of the caller, by its index plus one
}

// A callSite is a call that a function itself makes, of something that is known.
type callSite struct {
	call *ast.CallExpr
	callee
}

// calls returns the calls that f makes, other than those of which nothing is known.
func (p *Program) calls(f *Func) []callSite {
	if f.sites == nil {
		f.sites = []callSite{}
		eachCall(f, func(call *ast.CallExpr) {
			if c := p.calleeOf(f, call); c != (callee{}) {
				f.sites = append(f.sites, callSite{call, c})
			}
		})
	}
	return f.sites
}

// calleeOf looks at a call in f.
func (p *Program) calleeOf(f *Func, call *ast.CallExpr) callee {
	info := f.Pkg.TypesInfo
	fun := ast.Unparen(call.Fun)
	if tv := info.Types[fun]; tv.IsType() || tv.IsBuiltin() {
		return callee{}
	}
	switch x := fun.(type) {
	case *ast.IndexExpr:
		if info.Types[x.X].IsValue() && isGeneric(info, x.X) {
			fun = ast.Unparen(x.X)
		}
	case *ast.IndexListExpr:
		fun = ast.Unparen(x.X)
	}
	var obj types.Object
	switch fun := fun.(type) {
	case *ast.FuncLit:
		if g := p.lits[fun]; g != nil && g.direct {
			return callee{static: g}
		}
	case *ast.Ident:
		obj = info.Uses[fun]
	case *ast.SelectorExpr:
		sel := info.Selections[fun]
		switch {
		case sel == nil:
			obj = info.Uses[fun.Sel]
		case sel.Kind() == types.MethodVal:
			obj = sel.Obj()
			if isTypeParam(sel.Recv()) {
				return callee{}
			}
		case sel.Kind() == types.MethodExpr:
			fn := sel.Obj().(*types.Func)
			if len(sel.Index()) != 1 || types.IsInterface(sel.Recv()) || isTypeParam(sel.Recv()) || pointer(sel.Recv()) != pointer(fn.Signature().Recv().Type()) {
				return callee{} // (*T).M of a method of T has a panic of its own for nil
			}
			return callee{static: p.funcOf(fn)}
		}
	}
	if fn, ok := obj.(*types.Func); ok {
		if p.noWait[fn.Origin()] {
			return callee{}
		}
		if r := fn.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
			return callee{slot: p.slotOf(fn)}
		}
		return callee{static: p.funcOf(fn)}
	}
	sig, ok := info.TypeOf(fun).Underlying().(*types.Signature)
	if !ok || call.Ellipsis.IsValid() {
		return callee{}
	}
	if bearer(sig) >= 0 {
		return callee{dynamic: sig}
	}
	return p.trustedCall(f, fun, sig)
}

// pointer reports whether t is a pointer, by its form.
func pointer(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Pointer)
	return ok
}

// isTypeParam reports whether t, or what it points to, is a type parameter.
func isTypeParam(t types.Type) bool {
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		t = ptr.Elem()
	}
	_, ok := types.Unalias(t).(*types.TypeParam)
	return ok
}

// isGeneric reports whether e names a generic function.
func isGeneric(info *types.Info, e ast.Expr) bool {
	id := funcIdent(e)
	_, ok := info.Instances[id]
	return id != nil && ok
}

// funcIdent is the identifier of a function that e names, nil if there is none.
func funcIdent(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return funcIdent(e.X)
	case *ast.IndexListExpr:
		return funcIdent(e.X)
	}
	return nil
}

// eachCall calls fn for every call in f's own code that f itself makes.
func eachCall(f *Func, fn func(*ast.CallExpr)) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.GoStmt:
			for _, a := range n.Call.Args {
				ast.Inspect(a, func(n ast.Node) bool {
					if c, ok := n.(*ast.CallExpr); ok {
						fn(c)
					}
					_, lit := n.(*ast.FuncLit)
					return !lit
				})
			}
			return false
		case *ast.CallExpr:
			fn(n)
		}
		return true
	})
}
