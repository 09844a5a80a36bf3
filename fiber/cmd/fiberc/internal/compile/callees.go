package compile

import (
	"go/ast"
	"go/token"
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
	value   value            // a function value that leads to no fiber, see trust.go
}

// A callSite is a call that a function itself makes, of something that is known: that of a
// range over a function too, whatever is known of it.
type callSite struct {
	call *ast.CallExpr
	loop *ast.RangeStmt
	callee
}

// fun is what stands for the function that is called.
func (c callSite) fun() ast.Expr {
	if c.loop != nil {
		return ast.Unparen(c.loop.X)
	}
	return ast.Unparen(c.call.Fun)
}

// calls returns the calls that f makes, other than those of which nothing is known.
func (p *Program) calls(f *Func) []callSite {
	if f.sites == nil {
		f.sites = []callSite{}
		p.eachCall(f, func(call *ast.CallExpr, loop *ast.RangeStmt) {
			if loop != nil {
				f.sites = append(f.sites, callSite{loop: loop, callee: p.calleeOf(f, ast.Unparen(loop.X), false)})
			} else if c := p.calleeOf(f, ast.Unparen(call.Fun), call.Ellipsis.IsValid()); c != (callee{}) {
				f.sites = append(f.sites, callSite{call: call, callee: c})
			}
		})
	}
	return f.sites
}

// calleeOf looks at what a call in f calls.
func (p *Program) calleeOf(f *Func, fun ast.Expr, ellipsis bool) callee {
	info := f.Pkg.TypesInfo
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
			if isTypeParam(sel.Recv()) && !types.IsInterface(obj.(*types.Func).Signature().Recv().Type()) {
				return callee{} // promoted from a field of what the constraint names
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
	if !ok || ellipsis {
		return callee{}
	}
	if bearer(sig) >= 0 {
		return callee{dynamic: sig}
	}
	if sig.Variadic() {
		return callee{}
	}
	return callee{value: p.valueOf(f, fun)}
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

// eachCall calls fn for every call in f's own code that f itself makes, and for every
// range over a function.
func (p *Program) eachCall(f *Func, fn func(*ast.CallExpr, *ast.RangeStmt)) {
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.GoStmt:
			for _, a := range n.Call.Args {
				ast.Inspect(a, visit)
			}
			return false
		case *ast.CallExpr:
			fn(n, nil)
		case *ast.RangeStmt:
			if p.loops[n] != nil {
				fn(nil, n)
			}
		}
		return true
	}
	p.own(f, visit)
}

// own calls visit, as ast.Inspect does, for the nodes of f's own code: a literal in it is
// one node, and of a range over a function only the operand belongs to it.
func (p *Program) own(f *Func, visit func(ast.Node) bool) {
	if f.Loop != nil && f.Loop.Tok == token.ASSIGN {
		for _, e := range []ast.Expr{f.Loop.Key, f.Loop.Value} {
			if e != nil {
				p.inspect(e, visit)
			}
		}
	}
	p.inspect(f.Body, visit)
}

func (p *Program) inspect(n ast.Node, visit func(ast.Node) bool) {
	ast.Inspect(n, func(m ast.Node) bool {
		s, ok := m.(*ast.RangeStmt)
		if !ok || p.loops[s] == nil {
			return visit(m)
		}
		if visit(s) {
			p.inspect(s.X, visit)
			visit(nil)
		}
		return false
	})
}
