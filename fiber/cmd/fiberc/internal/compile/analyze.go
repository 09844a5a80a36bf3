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
	p.entries = map[ast.Expr]entry{}
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
		p.findParams(f)
		p.findLocals(f)
	}
	p.findMakers()
	p.guess = true
	for again := true; again; again = p.dropMakers() {
		p.settleMakers()
		for _, f := range p.all {
			f.sites = nil
		}
		for _, s := range p.slots {
			s.methods = nil
		}
		p.findSlots()
		p.spread(func(f *Func) bool { return true })
	}
	for _, f := range p.all {
		f.MayPark = f.parks || len(f.via) > 0
		p.findTrusted(f)
	}
	p.findApart()
	p.findDeferred()
	p.guess = false
	for _, f := range p.all {
		if (f.MayPark || f.Loop != nil) && !f.ready {
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
		if f.Loop == nil {
			f.Compiled = !f.ready && f.Why == "" && (f.parks || len(f.via) > 0)
		}
		for _, c := range p.calls(f) {
			if c.loop != nil {
				g := p.loops[c.loop]
				g.Compiled = f.Compiled && g.Why == "" && !p.effectOf(f, c).nothing()
			}
		}
	}
	for f := range p.makers {
		f.Compiled = false
	}
	for f, m := range p.makers {
		if m.trusted && m.useful() {
			p.compileMaker(f, m)
		}
	}
}

// compileMaker has a maker compiled, and all that it makes but for what was refused, which
// looks for no offers.
func (p *Program) compileMaker(f *Func, m *maker) {
	if f.Compiled || f.Why != "" {
		return
	}
	f.Compiled = true
	for _, r := range m.returns {
		switch {
		case r.maker != nil:
			p.compileMaker(r.maker, p.makers[r.maker])
		case r.lit.Why == "":
			r.lit.Compiled = true
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
	made := map[*ast.CallExpr]bool{} // makers may return what each other make
	var known func(v value)
	known = func(v value) {
		switch {
		case v.lit != nil && v.lit.Compiled:
			visit(v.lit)
		case v.maker != nil && v.maker.Compiled && !made[v.made]:
			made[v.made] = true
			visit(v.maker)
			for _, r := range p.makers[v.maker].returns {
				known(r)
			}
			for _, i := range p.flags(v.maker) {
				known(p.argument(v.in, callSite{call: v.made}, i))
			}
		}
	}
	visit = func(f *Func) {
		if seen[f] {
			return
		}
		seen[f] = true
		for _, c := range p.calls(f) {
			if c.loop != nil && p.loops[c.loop].apart {
				visit(p.loops[c.loop])
			}
			if c.static != nil && c.static.Compiled && p.makers[c.static] == nil {
				visit(c.static)
			}
			known(c.value)
			for _, i := range p.handedOn(c.callee) {
				known(p.argument(f, c, i))
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
	for _, e := range p.entries {
		switch {
		case !p.enters(e):
		case e.slot != nil:
			slotted(e.slot)
		default:
			visit(e.f)
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
	if f.Loop != nil {
		return p.refuseLoop(f), f.Loop.Pos()
	}
	if f.Lit != nil {
		if !p.enterable(f) && p.chaos == 0 {
			return "a literal without a parameter that leads to a fiber, which is not only called where that is certain", at
		}
	}
	return "", at
}
