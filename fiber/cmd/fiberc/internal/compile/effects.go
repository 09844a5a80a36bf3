package compile

import (
	"go/types"
	"maps"
	"slices"
)

// Which functions may park, found backwards over their calls. A function may park by
// itself, or only if what one of its parameters holds may: then it depends on each call.

// vars are parameters of function types. The value says that what the parameter holds is
// given something to call that may park.
type vars map[*types.Var]bool

// An effect is what follows from a call: that it may park, or that it may if what some
// parameters hold may.
type effect struct {
	parks bool
	via   vars
}

func (e *effect) add(o effect) {
	e.parks = e.parks || o.parks
	for v, given := range o.via {
		e.addVar(v, given)
	}
}

func (e *effect) addVar(v *types.Var, given bool) {
	if e.via == nil {
		e.via = vars{}
	}
	e.via[v] = e.via[v] || given
}

func (e effect) nothing() bool { return !e.parks && len(e.via) == 0 }

func (e effect) equal(o effect) bool { return e.parks == o.parks && maps.Equal(e.via, o.via) }

// spread finds the effects of all functions that may have any.
func (p *Program) spread(may func(*Func) bool) {
	for _, f := range p.all {
		f.parks, f.via = f.ready || p.chaos > 0 && may(f), nil
	}
	for _, m := range p.makers {
		m.effect, m.args = effect{}, nil
	}
	for changed := true; changed; {
		changed = false
		for _, f := range p.all {
			if f.ready || !may(f) {
				continue
			}
			e := effect{f.parks, maps.Clone(f.via)}
			for _, c := range p.calls(f) {
				e.add(p.effectOf(f, c))
			}
			if !e.equal(effect{f.parks, f.via}) {
				f.parks, f.via, changed = e.parks, e.via, true
			}
			if m := p.makers[f]; m != nil && p.make(f, m, may) {
				changed = true
			}
		}
	}
}

// effectOf is the effect of a call that f makes.
func (p *Program) effectOf(f *Func, c callSite) effect {
	if c.loop != nil && p.loops[c.loop].Why != "" {
		return effect{} // it stays as it is
	}
	switch {
	case p.chaos > 0:
		return effect{parks: c.loop != nil || c.static != nil && c.static.parks}
	case c.dynamic != nil:
		return effect{parks: !p.isStd && c.loop == nil}
	case c.slot != nil:
		return effect{parks: c.loop == nil && p.slotParks(c.slot)}
	}
	arg := func(i int) value { return p.argument(f, c, i) }
	var e effect
	switch {
	case c.static != nil && p.makers[c.static] != nil && c.loop == nil:
		// It only makes what may park.
	case c.static != nil:
		e.parks = c.static.parks
		p.calling(&e, c.static, c.static.via, arg)
	case c.value.param != nil:
		given := false
		if c.loop != nil {
			body := p.loops[c.loop]
			given = body.parks
			p.calling(&e, body, body.via, nil)
		}
		e.addVar(c.value.param, given)
	case c.value.known():
		e.add(p.valueEffect(c.value))
		for i, given := range p.argsOf(c.value) {
			p.handed(&e, arg(i), given)
		}
	case c.loop != nil:
		// It waits in plain code: see refuse.
		e.parks = p.guess && p.loops[c.loop].parks
	}
	return e
}

// calling adds what follows from a call of g, which may call what via holds.
func (p *Program) calling(e *effect, g *Func, via vars, arg func(int) value) {
	for v, given := range via {
		switch own := p.params[v]; {
		case own.of != g:
			e.addVar(v, given)
		case arg != nil:
			p.handed(e, arg(own.i), given)
		}
	}
}

// handed adds what follows from v being called; given says that with something that parks.
func (p *Program) handed(e *effect, v value, given bool) {
	if v.param != nil {
		e.addVar(v.param, given)
		return
	}
	e.add(p.valueEffect(v))
	if given && (len(p.argsOf(v)) > 0 || p.guess && !v.known()) {
		e.parks = true
	}
}

// valueEffect is that of a call of v, but for its arguments.
func (p *Program) valueEffect(v value) effect {
	var e effect
	switch {
	case v.lit != nil:
		e.parks = v.lit.parks
		p.calling(&e, v.lit, v.lit.via, nil)
	case v.param != nil:
		e.addVar(v.param, false)
	case v.maker != nil:
		m := p.makers[v.maker]
		e.parks = m.parks
		p.calling(&e, v.maker, m.via, func(i int) value { return p.argument(v.in, callSite{call: v.made}, i) })
	}
	return e
}

// argsOf are the parameters of a value that it may call.
func (p *Program) argsOf(v value) map[int]bool {
	switch {
	case v.lit != nil:
		return p.flagsOf(v.lit)
	case v.maker != nil:
		return p.makers[v.maker].args
	}
	return nil
}

// flagsOf are the parameters for which the second body of f has a flag: those that it
// calls or hands on to be called, or, if it is a maker, what it makes does.
func (p *Program) flagsOf(f *Func) map[int]bool {
	via := f.via
	if m := p.makers[f]; m != nil {
		via = m.via
	}
	var list map[int]bool
	for v, given := range via {
		if own := p.params[v]; own.of == f {
			if list == nil {
				list = map[int]bool{}
			}
			list[own.i] = given
		}
	}
	return list
}

// flagged reports whether f, which captures the parameter v, has a flag for it.
func (p *Program) flagged(f *Func, v *types.Var) bool {
	own, ok := p.params[v]
	if !ok || own.of.domain() != f.domain() {
		return false
	}
	_, flag := p.flagsOf(own.of)[own.i]
	return flag
}

// flags are those parameters in order.
func (p *Program) flags(f *Func) []int { return sorted(p.flagsOf(f)) }

func sorted(m map[int]bool) []int { return slices.Sorted(maps.Keys(m)) }
