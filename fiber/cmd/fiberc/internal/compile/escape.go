package compile

import (
	"go/ast"
	"go/types"
)

// A trusted literal (trust.go) looks for offers in the Stack it was made on, whoever calls
// it. So nobody may call it but the code that runs on that Stack: called by another fiber
// or a goroutine, it would read what the Stack's owner writes at that time, and could take
// an offer that was made to another call. So a literal is trusted only if it escapes
// nowhere: it is called, compared, or handed on to a parameter of which the same is true,
// and all that in functions that are themselves called where they stand or escape nowhere.

// escapes finds variables and literals that may be called by somebody else.
type escapes struct {
	p     *Program
	out   map[any]bool  // *types.Var, *ast.FuncLit, and *ast.CallExpr of makers
	users map[any][]any // those that escape if this one does
	owner map[*types.Var]*Func
}

func (p *Program) findEscapes() {
	e := &escapes{p: p, out: map[any]bool{}, users: map[any][]any{}, owner: map[*types.Var]*Func{}}
	p.escapes = e.out
	for _, f := range p.all {
		for v := range f.Sig.Params().Variables() {
			e.owner[v] = f
		}
	}
	for v, l := range p.locals {
		if l.owner != nil {
			e.owner[v] = l.owner
		}
	}
	for _, f := range p.all {
		e.walk(f)
	}
	var list []any
	for x := range e.out {
		list = append(list, x)
	}
	for len(list) > 0 {
		x := list[len(list)-1]
		list = list[:len(list)-1]
		for _, y := range e.users[x] {
			if !e.out[y] {
				e.out[y] = true
				list = append(list, y)
			}
		}
	}
}

// follows notes that x escapes if y does.
func (e *escapes) follows(x, y any) { e.users[y] = append(e.users[y], x) }

// walk looks at what f itself does with function values.
func (e *escapes) walk(f *Func) {
	info := f.Pkg.TypesInfo
	var stack []ast.Node
	e.p.own(f, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			e.look(f, n, n, stack)
			return false
		case *ast.CallExpr:
			if e.p.makerOf(f, n) != nil {
				e.look(f, n, n, stack)
			}
		case *ast.Ident:
			v, ok := info.Uses[n].(*types.Var)
			if !ok || v.IsField() {
				break
			}
			if _, ok := v.Type().Underlying().(*types.Signature); !ok {
				break
			}
			e.look(f, n, v, stack)
			own := e.owner[v]
			for g := f; own != nil && g != own; g = g.Encl {
				if g == nil || !g.inner() {
					own = nil
					break
				}
				if g.Lit != nil { // the body of a loop is called by its iterator
					e.follows(v, g.Lit)
				}
			}
			if own == nil {
				e.out[v] = true
			}
		}
		stack = append(stack, n)
		return true
	})
}

// look finds what becomes of the function value x, which stands at n.
func (e *escapes) look(f *Func, n ast.Expr, x any, stack []ast.Node) {
	i := len(stack) - 1
	for ; i >= 0; i-- {
		if c, ok := stack[i].(*ast.CallExpr); ok && c.Fun != n && f.Pkg.TypesInfo.Types[c.Fun].IsType() {
			n = c // a conversion
			continue
		}
		paren, ok := stack[i].(*ast.ParenExpr)
		if !ok {
			break
		}
		n = paren
	}
	if i < 0 {
		e.out[x] = true
		return
	}
	spawned := false
	if i > 0 {
		_, spawned = stack[i-1].(*ast.GoStmt)
	}
	switch at := stack[i].(type) {
	case *ast.CallExpr:
		if spawned {
			break
		}
		if at.Fun == n {
			return
		}
		v, made := e.parameter(f, at, n)
		if made {
			e.follows(x, at)
		}
		if v != nil {
			e.follows(x, v)
			return
		}
	case *ast.BinaryExpr:
		return // it is compared with nil
	case *ast.RangeStmt:
		if at.X == n {
			return
		}
	case *ast.ReturnStmt:
		if e.p.makers[f] != nil {
			return // to somebody who can be trusted
		}
	case *ast.AssignStmt:
		for j, l := range at.Lhs {
			if l == n {
				return
			}
			if len(at.Lhs) == len(at.Rhs) && at.Rhs[j] == n && e.assigned(f, l, x) {
				return
			}
		}
	case *ast.ValueSpec:
		for j, id := range at.Names {
			if len(at.Names) == len(at.Values) && at.Values[j] == n && e.assigned(f, id, x) {
				return
			}
		}
	}
	e.out[x] = true
}

// assigned looks at an assignment of x to l.
func (e *escapes) assigned(f *Func, l ast.Expr, x any) bool {
	id, ok := ast.Unparen(l).(*ast.Ident)
	if !ok {
		return false
	}
	if id.Name == "_" {
		return true
	}
	v, ok := f.Pkg.TypesInfo.ObjectOf(id).(*types.Var)
	if !ok || e.owner[v] == nil {
		return false
	}
	e.follows(x, v)
	return true
}

// parameter is that of a function of the program to which a call passes n, nil if that is
// not known. It reports whether that function is a maker: what it returns may call n, so
// that n escapes with it.
func (e *escapes) parameter(f *Func, call *ast.CallExpr, n ast.Expr) (v *types.Var, made bool) {
	c := e.p.calleeOf(f, ast.Unparen(call.Fun), call.Ellipsis.IsValid())
	if made = c.static != nil && e.p.makers[c.static] != nil; made && e.p.makerOf(f, call) == nil {
		return nil, false // a form of call whose result is not followed
	}
	var to *Func
	switch {
	case c.static != nil && c.static.Body != nil:
		to = c.static
	case c.value.lit != nil:
		to = c.value.lit
	case c.value.maker != nil && len(e.p.makers[c.value.maker].returns) == 1:
		to = e.p.makers[c.value.maker].returns[0].lit
	}
	if to == nil {
		return nil, made
	}
	sig := to.Sig
	for i, a := range call.Args {
		if a != n {
			continue
		}
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			if s := f.Pkg.TypesInfo.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
				i--
			}
		}
		if i < 0 || i >= sig.Params().Len() || sig.Variadic() && i == sig.Params().Len()-1 {
			return nil, made
		}
		v := sig.Params().At(i)
		if _, ok := v.Type().Underlying().(*types.Signature); !ok || v.Name() == "" || v.Name() == "_" {
			return nil, made
		}
		return v, made
	}
	return nil, made
}
