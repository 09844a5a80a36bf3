package compile

import (
	"go/ast"
	"go/types"
	"maps"
)

// A maker is a function that returns literals and does not wait: most iterators are what
// one has made. Its second body makes them on the Stack of its caller, who knows what it
// has got and may trust it (trust.go). So that body is called only where nobody else can
// get at what it returns; everywhere else the plain function is.

// A maker is what is known of one.
type maker struct {
	returns []value      // each is a literal of it, or what another maker makes
	effect               // of a call of what it makes, its parameters those of the maker
	args    map[int]bool // parameters of what it makes that this may call
	trusted bool         // somebody trusts what it makes
}

// findMakers finds what may be a maker by its form.
func (p *Program) findMakers() {
	p.makers = map[*Func]*maker{}
	for _, f := range p.all {
		if f.Decl == nil || f.ready || f.Sig.Results().Len() != 1 || p.chaos > 0 || p.isStd {
			continue
		}
		sig, ok := f.Sig.Results().At(0).Type().Underlying().(*types.Signature)
		if ok && bearer(sig) < 0 && !sig.Variadic() && !f.names(f.Sig.Results().At(0)) && f.returns(func(e ast.Expr) bool {
			switch e := ast.Unparen(e).(type) {
			case *ast.FuncLit, *ast.Ident:
				return true
			case *ast.CallExpr:
				return p.makerForm(f, e)
			}
			return false
		}) {
			p.makers[f] = &maker{}
		}
	}
	p.escapes = map[any]bool{}
	p.keepMakers()
}

// settleMakers finds what escapes, and ends the makers that return something else than what
// can be trusted: which escapes depends on which functions are makers.
func (p *Program) settleMakers() {
	for {
		p.findEscapes()
		if p.keepMakers() {
			return
		}
	}
}

// keepMakers looks at what makers return, and reports whether all are makers still.
func (p *Program) keepMakers() bool {
	all := true
	for f, m := range p.makers {
		m.returns = nil
		if !f.returns(func(e ast.Expr) bool {
			if f.Pkg.TypesInfo.Types[e].IsNil() {
				return true
			}
			v := p.valueOf(f, e)
			m.returns = append(m.returns, v)
			return v.known() && v.param == nil
		}) {
			delete(p.makers, f)
			all = false
		}
	}
	return all
}

// makerForm reports whether a call is of a function, or a conversion of something, that
// may be made by a maker.
func (p *Program) makerForm(f *Func, call *ast.CallExpr) bool {
	if f.Pkg.TypesInfo.Types[call.Fun].IsType() {
		return len(call.Args) == 1
	}
	return p.declared(f, call) != nil
}

// declared is the function of the program that a call is of, nil if that is not known.
func (p *Program) declared(f *Func, call *ast.CallExpr) *Func {
	info := f.Pkg.TypesInfo
	id := funcIdent(call.Fun)
	if id == nil {
		return nil
	}
	fn, ok := info.Uses[id].(*types.Func)
	if !ok || p.noWait[fn.Origin()] {
		return nil
	}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if s := info.Selections[sel]; s != nil && (s.Kind() != types.MethodVal || isTypeParam(s.Recv())) {
			return nil
		}
	}
	if r := fn.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
		return nil
	}
	return p.funcOf(fn)
}

// makerOf is the maker that a call is of, nil if it is of none.
func (p *Program) makerOf(f *Func, call *ast.CallExpr) *Func {
	if len(p.makers) == 0 {
		return nil
	}
	if g := p.declared(f, call); g != nil && p.makers[g] != nil {
		return g
	}
	return nil
}

// names reports whether f names v, a result: what it returns may be something else then.
func (f *Func) names(v *types.Var) bool {
	found := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && f.Pkg.TypesInfo.Uses[id] == v
		return !found
	})
	return found
}

// returns reports whether f returns something, and what ok says yes to always.
func (f *Func) returns(ok func(e ast.Expr) bool) bool {
	some := false
	good := true
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			some = true
			good = good && len(n.Results) == 1 && ok(n.Results[0])
		}
		return good
	})
	return some && good
}

// make finds the effect of what a maker makes, and reports whether it has changed.
func (p *Program) make(f *Func, m *maker, may func(*Func) bool) bool {
	e, args := effect{}, map[int]bool{}
	for _, r := range m.returns {
		if r.lit != nil && !may(r.lit) || r.maker != nil && !may(r.maker) {
			return false // nothing can be trusted to look for an offer
		}
		e.add(p.valueEffect(r))
		for i, given := range p.argsOf(r) {
			args[i] = args[i] || given
		}
	}
	if e.equal(m.effect) && maps.Equal(args, m.args) {
		return false
	}
	m.effect, m.args = e, args
	return true
}

// dropMakers ends the makers that may wait themselves, and reports whether there were any.
func (p *Program) dropMakers() bool {
	some := false
	for f := range p.makers {
		if f.parks || len(f.via) > 0 {
			delete(p.makers, f)
			some = true
		}
	}
	return some
}

// useful reports whether what a maker makes may park.
func (m *maker) useful() bool { return !m.nothing() || len(m.args) > 0 }
