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
// the value is
//
//   - a literal, or the body of a range over a function, or a local variable that never
//     holds anything but one of these;
//   - a parameter, and the caller of its own function's second body said so: the second body
//     has a flag for each such parameter, which is true where the argument is a value of
//     which all this is true;
//   - what a maker returns: a function that only makes literals, see makers.go.
//
// Both sides must run on the same Stack, so neither may lie inside another literal that
// is entered by itself, and nobody else may have the literal at all: see escape.go.

// paramsMax bounds the parameters that may have a flag, marksMax those whose flags an
// offer carries.
const (
	paramsMax = 32
	marksMax  = 8
)

// A value is what is known of a function value; one of lit, param and maker is set, or
// nothing is known.
type value struct {
	lit   *Func         // it is this literal, or the body of this loop
	param *types.Var    // it is what a parameter holds
	maker *Func         // it is what this function has returned
	made  *ast.CallExpr // in this call,
	in    *Func         // which stands in this function
}

// A parameter is one of a function with a body.
type parameter struct {
	of *Func
	i  int
}

// A local is a variable of a function that may hold nothing but one value.
type local struct {
	val   ast.Expr
	owner *Func
	maker *Func // where it is assigned
	sets  int   // how often it is assigned
}

// findParams notes the parameters of f that may have flags.
func (p *Program) findParams(f *Func) {
	if f.Loop != nil {
		return
	}
	for i := range min(f.Sig.Params().Len(), paramsMax) {
		v := f.Sig.Params().At(i)
		sig, ok := v.Type().Underlying().(*types.Signature)
		if ok && bearer(sig) < 0 && v.Name() != "" && v.Name() != "_" {
			p.params[v] = parameter{f, i}
		}
	}
}

// findLocals finds variables that always hold the same value, or nil.
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
		l.val, l.maker = val, f
	}
	spoil := func(e ast.Expr) { // it may hold anything
		if id, ok := ast.Unparen(e).(*ast.Ident); ok {
			if v, ok := info.ObjectOf(id).(*types.Var); ok && p.locals[v] != nil {
				p.locals[v].sets = 2
			}
		}
	}
	p.own(f, func(n ast.Node) bool {
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
					set(e, nil)
					spoil(e)
				}
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				set(n.X, nil)
				spoil(n.X)
			}
		}
		return true
	})
}

// domain is the function whose second body gave f its Stack.
func (f *Func) domain() *Func {
	for f.inner() && f.bears < 0 && f.Encl != nil {
		f = f.Encl
	}
	return f
}

// valueOf returns what is known of the function value e in f.
func (p *Program) valueOf(f *Func, e ast.Expr) value { return p.valueIn(f, e, 0) }

func (p *Program) valueIn(f *Func, e ast.Expr, depth int) value {
	if depth > 10 {
		return value{}
	}
	info := f.Pkg.TypesInfo
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		if g := p.lits[e]; g != nil && g.bears < 0 && !g.Sig.Variadic() && !p.escapes[e] {
			return value{lit: g}
		}
	case *ast.CallExpr:
		if info.Types[e.Fun].IsType() && len(e.Args) == 1 {
			return p.valueIn(f, e.Args[0], depth+1)
		}
		if g := p.makerOf(f, e); g != nil && !p.escapes[e] {
			return value{maker: g, made: e, in: f}
		}
	case *ast.Ident:
		v, _ := info.Uses[e].(*types.Var)
		if v == nil || p.escapes[v] {
			break
		}
		l := p.locals[v]
		if l == nil {
			// A parameter that is not assigned to.
			if own, ok := p.params[v]; ok && own.of.domain() == f.domain() {
				return value{param: v}
			}
			break
		}
		if l.sets != 1 || l.val == nil || l.owner == nil {
			break
		}
		if d := f.domain(); l.owner.domain() == d && l.maker.domain() == d {
			return p.valueIn(l.maker, l.val, depth+1)
		}
	}
	return value{}
}

// known reports whether anything is known.
func (v value) known() bool { return v.lit != nil || v.param != nil || v.maker != nil }

// argument is what is known of the argument for parameter i in a call that f makes.
func (p *Program) argument(f *Func, c callSite, i int) value {
	if c.loop != nil {
		return value{lit: p.loops[c.loop]}
	}
	if sel, ok := c.fun().(*ast.SelectorExpr); ok {
		if s := f.Pkg.TypesInfo.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
			i++
		}
	}
	if i >= len(c.call.Args) {
		return value{} // the results of another call
	}
	return p.valueOf(f, c.call.Args[i])
}

// findTrusted marks the literals that callers in the second body of f trust.
func (p *Program) findTrusted(f *Func) {
	for _, c := range p.calls(f) {
		p.trust(c.value)
		for _, i := range p.handedOn(c.callee) {
			p.trust(p.argument(f, c, i))
		}
	}
}

// trust marks what a value may be.
func (p *Program) trust(v value) {
	switch {
	case v.lit != nil:
		v.lit.trusted = true
	case v.maker != nil:
		m := p.makers[v.maker]
		if m.trusted {
			return
		}
		m.trusted = true
		for _, r := range m.returns {
			p.trust(r)
		}
		for i := range p.flagsOf(v.maker) {
			p.trust(p.argument(v.in, callSite{call: v.made}, i))
		}
	}
}

// handedOn are the parameters of a callee that have flags.
func (p *Program) handedOn(c callee) (list []int) {
	switch {
	case c.static != nil:
		return sorted(p.flagsOf(c.static))
	case c.value.known():
		return sorted(p.argsOf(c.value))
	}
	return nil
}
