package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// This file says which functions may park, and which of them get a second body.

// Analyze finds the functions of the program and which of them may park.
func (p *Program) Analyze() {
	for _, pkg := range p.Pkgs {
		for _, file := range pkg.Syntax {
			p.collect(pkg, file)
		}
	}
	for _, pkg := range p.Pkgs {
		for _, file := range pkg.Syntax {
			p.findValues(pkg, file)
		}
	}
	for changed := true; changed; {
		changed = false
		for _, f := range p.all {
			if !f.MayPark && p.parks(f, func(g *Func) bool { return g.MayPark || g.hand != nil }) {
				f.MayPark, changed = true, true
			}
		}
	}
	for _, f := range p.all {
		if f.MayPark && f.hand == nil {
			f.Why, f.WhyAt = p.refuse(f)
		}
	}
	p.settle()
}

// settle decides which functions are compiled: those that may park in something that is.
func (p *Program) settle() {
	for _, f := range p.all {
		f.Compiled = false
	}
	for changed := true; changed; {
		changed = false
		for _, f := range p.all {
			if f.Compiled || f.Why != "" || f.hand != nil {
				continue
			}
			if p.parks(f, func(g *Func) bool { return g.Compiled || g.hand != nil }) {
				f.Compiled, changed = true, true
			}
		}
	}
}

// reach marks the functions that compiled code can get to: it starts in those that are
// called as values.
func (p *Program) reach() map[*Func]bool {
	seen := map[*Func]bool{}
	var visit func(f *Func)
	visit = func(f *Func) {
		if seen[f] {
			return
		}
		seen[f] = true
		p.eachCall(f, func(call *ast.CallExpr) {
			if g := p.calleeOf(f.Pkg, call).static; g != nil && g.Compiled {
				visit(g)
			}
		})
	}
	for _, f := range p.all {
		if f.Compiled && f.entered() {
			visit(f)
		}
	}
	return seen
}

// parks reports whether f calls something that may.
func (p *Program) parks(f *Func, may func(*Func) bool) bool {
	found := false
	p.eachCall(f, func(call *ast.CallExpr) {
		c := p.calleeOf(f.Pkg, call)
		found = found || c.dynamic != nil || c.static != nil && may(c.static)
	})
	return found
}

// refuse returns why f cannot be compiled, as far as its form shows it.
func (p *Program) refuse(f *Func) (why string, at token.Pos) {
	at = f.Body.Pos()
	if f.Pkg.Skip != "" {
		return f.Pkg.Skip, at
	}
	for tp := range f.typeParams().TypeParams() {
		if tp.Obj().Name() == "_" {
			return "a type parameter without a name", at
		}
	}
	if f.Sig.Results().Len() > 6 {
		return "more than 6 results", at
	}
	if f.Lit != nil {
		if f.bears < 0 {
			return "a literal without a parameter that leads to a fiber", at
		}
		for e := f.Encl; e != nil; e = e.Encl {
			if e.Sig.TypeParams().Len() > 0 || e.Sig.RecvTypeParams().Len() > 0 {
				return "a literal in a generic function", at
			}
		}
	}
	info := f.Pkg.TypesInfo
	no := func(n ast.Node, reason string) {
		if why == "" {
			why, at = reason, n.Pos()
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BranchStmt:
			if n.Tok == token.GOTO {
				no(n, "goto")
			}
		case *ast.TypeSpec:
			no(n, "a type declared in the function")
		case *ast.Ident:
			if b, ok := info.Uses[n].(*types.Builtin); ok && b.Name() == "recover" {
				no(n, "recover")
			}
		}
		return true
	})
	return why, at
}
