package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// This file says which functions may park, and which of them get a second body.

// Analyze finds the functions of the program and which of them may park.
func (p *Program) Analyze() {
	p.locals = map[*types.Var]*local{}
	p.slots = map[string]*slot{}
	p.methodValues = map[*ast.SelectorExpr]*Func{}
	for _, pkg := range p.Pkgs {
		if name := pkg.hides(); name != "" && pkg.Skip == "" {
			pkg.Skip = "the package declares " + name + ", which generated code needs as the language has it"
		}
		for _, file := range pkg.Syntax {
			p.collect(pkg, file)
		}
	}
	for _, pkg := range p.Pkgs {
		for _, file := range pkg.Syntax {
			p.findValues(pkg, file)
			p.findDirect(pkg, file)
		}
	}
	for _, f := range p.all {
		p.findLocals(f)
	}
	p.findEscapes()
	p.findSlots()
	p.spread(func(f *Func) bool { return true })
	for _, f := range p.all {
		f.MayPark = f.parks || f.via != 0
		p.findTrusted(f)
	}
	for _, f := range p.all {
		if f.MayPark && !f.ready {
			f.Why, f.WhyAt = p.refuse(f)
		}
	}
	p.settle()
}

// hides returns a name of the language that a package declares and generated code uses, ""
// if there is none.
func (pkg *Package) hides() string {
	for _, name := range types.Universe.Names() {
		switch name {
		case "min", "max", "clear", "print", "println", "copy", "close", "complex", "real", "imag", "delete", "cap", "make":
			continue // only as the source uses it
		}
		if pkg.Types.Scope().Lookup(name) != nil {
			return name
		}
	}
	return ""
}

// settle decides which functions are compiled: those that may park in something that is.
func (p *Program) settle() {
	p.spread(func(f *Func) bool { return f.Why == "" })
	for _, f := range p.all {
		f.Compiled = !f.ready && f.Why == "" && (f.parks || f.via != 0)
	}
}

// spread finds which functions park, backwards over the calls of those that may.
func (p *Program) spread(may func(*Func) bool) {
	for _, f := range p.all {
		f.parks, f.via = f.ready || p.chaos > 0 && may(f), 0
	}
	for changed := true; changed; {
		changed = false
		for _, f := range p.all {
			if f.ready || !may(f) {
				continue
			}
			parks, via := f.parks, f.via
			for _, c := range p.calls(f) {
				does, by := p.callParks(f, c)
				parks, via = parks || does, via|by
			}
			if parks != f.parks || via != f.via {
				f.parks, f.via, changed = parks, via, true
			}
		}
	}
}

// callParks reports whether a call that f makes may park, and by which of f's own
// parameters alone if not.
func (p *Program) callParks(f *Func, c callSite) (parks bool, via uint32) {
	switch {
	case p.chaos > 0:
		return c.static != nil && c.static.parks, 0
	case c.dynamic != nil:
		return !p.isStd, 0
	case c.slot != nil:
		return p.slotParks(c.slot), 0
	case c.lit != nil:
		return c.lit.parks, 0
	case c.param > 0:
		return false, 1 << (c.param - 1)
	}
	g := c.static
	if g.parks {
		parks = true
	}
	for _, i := range g.flags() {
		switch a := p.argumentOf(f, c.call, i); {
		case a.lit != nil:
			parks = parks || a.lit.parks
		case a.param > 0:
			via |= 1 << (a.param - 1)
		}
	}
	return parks, via
}

// flags are the parameters that f calls, or hands on to be called.
func (f *Func) flags() []int {
	var list []int
	for i := range paramsMax {
		if f.via&(1<<i) != 0 {
			list = append(list, i)
		}
	}
	return list
}

// findTrusted marks the literals that callers in the second body of f trust.
func (p *Program) findTrusted(f *Func) {
	for _, c := range p.calls(f) {
		if c.lit != nil {
			c.lit.trusted = true
		}
		if c.static == nil {
			continue
		}
		for _, i := range c.static.flags() {
			if a := p.argumentOf(f, c.call, i); a.lit != nil {
				a.lit.trusted = true
			}
		}
	}
}

// reach marks the functions that compiled code can get to: it starts in those that are
// called as values, and in those of the standard library, where it may not depend on the
// program.
func (p *Program) reach() map[*Func]bool {
	seen := map[*Func]bool{}
	called := map[*slot]bool{}
	var visit func(f *Func)
	slotted := func(s *slot) {
		if called[s] {
			return
		}
		called[s] = true
		for _, m := range s.methods {
			if m.fn != nil && m.fn.Compiled {
				visit(m.fn)
			}
		}
	}
	visit = func(f *Func) {
		if seen[f] {
			return
		}
		seen[f] = true
		for _, c := range p.calls(f) {
			if c.static != nil && c.static.Compiled {
				visit(c.static)
				for _, i := range c.static.flags() {
					if a := p.argumentOf(f, c.call, i); a.lit != nil && a.lit.Compiled {
						visit(a.lit)
					}
				}
			}
			if c.lit != nil && c.lit.Compiled {
				visit(c.lit)
			}
			if c.slot != nil {
				slotted(c.slot)
			}
		}
	}
	for _, s := range p.slots {
		if s.fixed {
			slotted(s) // the standard library calls it
		}
	}
	for _, f := range p.all {
		if f.Compiled && (f.entered() || p.isStd && f.Decl != nil || p.chaos > 0) {
			visit(f)
		}
	}
	return seen
}

// refuse returns why f cannot be compiled, as far as its form shows it.
func (p *Program) refuse(f *Func) (why string, at token.Pos) {
	at = f.Body.Pos()
	if f.Pkg.Skip != "" {
		return f.Pkg.Skip, at
	}
	if p.chaos > 0 && f.chaosSkip() != "" {
		return f.chaosSkip(), at
	}
	for tp := range f.typeParams().TypeParams() {
		if tp.Obj().Name() == "_" {
			return "a type parameter without a name", at
		}
	}
	if f.Lit != nil {
		if !p.enterable(f) && p.chaos == 0 {
			return "a literal without a parameter that leads to a fiber, which is not only called where that is certain", at
		}
		for e := f.Encl; e != nil; e = e.Encl {
			if e.Sig.TypeParams().Len() > 0 || e.Sig.RecvTypeParams().Len() > 0 {
				return "a literal in a generic function", at
			}
		}
	}
	return "", at
}
