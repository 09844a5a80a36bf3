package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A function value without a parameter that leads to a fiber cannot look for an offer by
// itself (decision 0012). But the second body of a function has the Stack at hand when
// it makes a literal: the copy of the literal there captures it, and looks in it for an
// offer. A caller that is certain to have that very Stack may make one. It is certain if
//
//   - the value is a local variable that never holds anything but that literal; or
//   - it is a parameter, and the caller of its own second body said so: the second body
//     has a flag for each such parameter, which is true where the argument is a literal,
//     a variable as above, or a parameter whose own flag is true.
//
// Both sides must run on the same Stack, so neither may lie inside another literal that
// is entered by itself, and nobody else may have the literal at all: see escape.go.

// paramsMax bounds the parameters that may have a flag.
const paramsMax = 32

// A local is a variable of a function that may hold nothing but one literal.
type local struct {
	lit   *ast.FuncLit
	owner *Func
	maker *Func // where it is assigned
	sets  int   // how often it is assigned
}

// findLocals finds variables that always hold the same literal, or nil.
func (p *Program) findLocals(f *Func) {
	info := f.Pkg.TypesInfo
	set := func(e ast.Expr, val ast.Expr) {
		id, ok := ast.Unparen(e).(*ast.Ident)
		if !ok {
			return
		}
		v, ok := info.ObjectOf(id).(*types.Var)
		if !ok || v.IsField() {
			return
		}
		if _, ok := v.Type().Underlying().(*types.Signature); !ok {
			return
		}
		l := p.locals[v]
		if l == nil {
			l = &local{}
			p.locals[v] = l
		}
		if info.Defs[id] != nil {
			l.owner = f
		}
		if val == nil && info.Defs[id] != nil {
			return // var x func() without a value
		}
		l.sets++
		if val != nil {
			l.lit, _ = ast.Unparen(val).(*ast.FuncLit)
			l.maker = f
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			for i, e := range n.Lhs {
				if len(n.Lhs) == len(n.Rhs) {
					set(e, n.Rhs[i])
				} else {
					set(e, n.Rhs[0])
				}
			}
		case *ast.ValueSpec:
			for i, id := range n.Names {
				switch {
				case len(n.Values) == 0:
					set(id, nil)
				case len(n.Values) == len(n.Names):
					set(id, n.Values[i])
				default:
					set(id, n.Values[0])
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if e != nil {
					set(e, n.X)
				}
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				set(n.X, n.X)
			}
		}
		return true
	})
}

// domain is the function whose second body gave f its Stack.
func (f *Func) domain() *Func {
	for f.Lit != nil && f.bears < 0 && f.Encl != nil {
		f = f.Encl
	}
	return f
}

// always returns the literal that e is, or always holds, in f; nil if there is none.
func (p *Program) always(f *Func, e ast.Expr) *Func {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		if !p.escapes[e] {
			return p.lits[e]
		}
	case *ast.Ident:
		v, _ := f.Pkg.TypesInfo.Uses[e].(*types.Var)
		l := p.locals[v]
		if v == nil || l == nil || l.sets != 1 || l.lit == nil || l.owner == nil || p.escapes[v] || p.escapes[l.lit] {
			return nil
		}
		if d := f.domain(); l.owner.domain() == d && l.maker.domain() == d {
			return p.lits[l.lit]
		}
	}
	return nil
}

// ownParam returns which parameter of f the expression e is, -1 if none or if f assigns
// to it.
func (p *Program) ownParam(f *Func, e ast.Expr) int {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return -1
	}
	v, _ := f.Pkg.TypesInfo.Uses[id].(*types.Var)
	if v == nil || p.locals[v] != nil || p.escapes[v] {
		return -1
	}
	for i := range min(f.Sig.Params().Len(), paramsMax) {
		if f.Sig.Params().At(i) == v {
			return i
		}
	}
	return -1
}

// trustedCall looks at a call of a function value that leads to no fiber.
func (p *Program) trustedCall(f *Func, fun ast.Expr, sig *types.Signature) callee {
	if sig.Variadic() {
		return callee{}
	}
	if lit := p.always(f, fun); lit != nil {
		return callee{lit: lit}
	}
	if i := p.ownParam(f, fun); i >= 0 {
		return callee{param: i + 1}
	}
	return callee{}
}

// argument is what is known of an argument for a parameter with a flag.
type argument struct {
	lit   *Func
	param int // of the caller, plus one
}

// argumentOf looks at the argument for parameter i in a call of f.
func (p *Program) argumentOf(f *Func, call *ast.CallExpr, i int) argument {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if s := f.Pkg.TypesInfo.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
			i++
		}
	}
	if i >= len(call.Args) {
		return argument{} // the results of another call
	}
	if lit := p.always(f, call.Args[i]); lit != nil {
		return argument{lit: lit}
	}
	return argument{param: p.ownParam(f, call.Args[i]) + 1}
}
