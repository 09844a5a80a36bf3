package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// Ranges over functions. Their body is a function that the iterator calls, and for the
// analysis it is one: a Func of its own, which is passed to the iterator. If nothing in it
// waits, nor in the iterator, the statement is copied as it stands, and gc makes of it what
// it always does. Otherwise see rangefunc.go.

// overFunc reports whether a range statement calls an iterator.
func overFunc(info *types.Info, s *ast.RangeStmt) bool {
	t := info.TypeOf(s.X)
	if t == nil {
		return false
	}
	sig, ok := t.Underlying().(*types.Signature)
	return ok && sig.Params().Len() == 1
}

// loopFunc makes the function that the body of a range over a function is.
func (p *Program) loopFunc(pkg *Package, file *ast.File, encl *Func, s *ast.RangeStmt) *Func {
	encl.loops++
	n := strconv.Itoa(encl.loops)
	f := &Func{Pkg: pkg, File: file, Loop: s, Encl: encl, Body: s.Body, bears: -1,
		Title: encl.Title + "-range" + n, name: "c" + strings.TrimPrefix(encl.name, "C") + "_r" + n}
	yield := yieldOf(pkg.TypesInfo, s)
	var params []*types.Var
	for i := range yield.Params().Len() {
		v := types.NewParam(token.NoPos, pkg.Types, "_", yield.Params().At(i).Type())
		if id := []*ast.Ident{identOf(s.Key), identOf(s.Value)}[min(i, 1)]; id != nil && s.Tok == token.DEFINE && i < 2 {
			if own, ok := pkg.TypesInfo.Defs[id].(*types.Var); ok {
				v = own
			}
		}
		params = append(params, v)
	}
	f.Sig = types.NewSignatureType(nil, nil, nil, types.NewTuple(params...),
		types.NewTuple(types.NewParam(token.NoPos, pkg.Types, "", types.Typ[types.Bool])), false)
	p.loops[s] = f
	p.all = append(p.all, f)
	return f
}

// yieldOf is the type of what the iterator calls.
func yieldOf(info *types.Info, s *ast.RangeStmt) *types.Signature {
	return info.TypeOf(s.X).Underlying().(*types.Signature).Params().At(0).Type().Underlying().(*types.Signature)
}

// findApart finds the loops whose bodies may become functions of their own: those that may
// wait, and those that defer something, as what is deferred belongs to the function around.
func (p *Program) findApart() {
	for _, f := range p.all {
		for _, c := range p.calls(f) {
			if c.loop != nil {
				p.loops[c.loop].apart = !p.effectOf(f, c).nothing() || defersIn(c.loop.Body)
			}
		}
	}
}

// defersIn reports whether there is a defer statement in a body, other than in literals.
func defersIn(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			found = true
		}
		return !found
	})
	return found
}

// findDeferred notes how many parameters the function values have that are deferred as they
// are and may be the bodies of loops: recover works in those.
func (p *Program) findDeferred() {
	p.deferred = map[int]bool{}
	for _, f := range p.all {
		info := f.Pkg.TypesInfo
		p.own(f, func(n ast.Node) bool {
			s, ok := n.(*ast.DeferStmt)
			if !ok {
				return true
			}
			if id := funcIdent(s.Call.Fun); id != nil {
				if _, known := info.Uses[id].(*types.Func); known {
					return true
				}
			}
			sig, ok := info.TypeOf(s.Call.Fun).Underlying().(*types.Signature)
			if _, lit := ast.Unparen(s.Call.Fun).(*ast.FuncLit); ok && !lit && sig.Results().Len() == 1 {
				p.deferred[sig.Params().Len()] = true
			}
			return true
		})
	}
}

// recoversIn reports whether a body calls recover, other than in literals.
func recoversIn(info *types.Info, body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok {
				b, ok := info.Uses[id].(*types.Builtin)
				found = found || ok && b.Name() == "recover"
			}
		}
		return !found
	})
	return found
}

// refuseLoop returns why the body of a loop cannot be a function of its own, "" if it can.
func (p *Program) refuseLoop(f *Func) string {
	if bearer(f.Sig) >= 0 {
		return "a range over a function that gives the loop a fiber"
	}
	if recoversIn(f.Pkg.TypesInfo, f.Body) && p.deferred[f.Sig.Params().Len()] {
		return "recover in the body of a range over a function, and something defers a call of such a body"
	}
	for _, c := range p.calls(f.Encl) {
		if c.loop == f.Loop && p.keepsLoop(c.callee, 0) {
			return "a range over a function that stores the body of the loop, or hands it to a goroutine or where fiberc cannot follow"
		}
	}
	return ""
}

// loopReason says why a range over a function waits on a stack.
func (p *Program) loopReason(f *Func) (why, at string) {
	at = p.place(f.Loop.X.Pos())
	for _, c := range p.calls(f.Encl) {
		if c.loop != f.Loop {
			continue
		}
		it := c.static
		switch v := c.value; {
		case v.lit != nil:
			it = v.lit
		case v.maker != nil:
			it = v.maker
			if returns := p.makers[it].returns; it.Why == "" && len(returns) > 0 && returns[0].lit != nil {
				it = returns[0].lit
			}
		}
		if it != nil && it.Why != "" {
			return "the iterator " + it.Title + " stays on a stack: " + it.Why, p.place(it.WhyAt)
		}
	}
	if f.Encl.Why != "" {
		return "the function around it stays on a stack: " + f.Encl.Why, p.place(f.Encl.WhyAt)
	}
	return "a range over an iterator that fiberc does not know, or that it does not compile", at
}

// keepsLoop reports whether an iterator lets the body of the loop get to others than those
// who call it on the Stack at hand: that reads and writes the Stack.
func (p *Program) keepsLoop(c callee, depth int) bool {
	escapes := func(g *Func) bool { return g.Sig.Params().Len() == 1 && p.escapes[g.Sig.Params().At(0)] }
	switch m := p.makers[c.value.maker]; {
	case c.static != nil && c.static.Body != nil:
		return escapes(c.static)
	case c.value.lit != nil:
		return escapes(c.value.lit)
	case m != nil && depth < 10:
		for _, r := range m.returns {
			if p.keepsLoop(callee{value: r}, depth+1) {
				return true
			}
		}
	}
	return false
}
