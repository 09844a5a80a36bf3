package vet

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// What a call does with borrowed bytes: it looks at those it is given, makes stale what
// it parks over, and lends others.

func (b *borrowing) call(s map[place]loan, in *ssa.Call) {
	c := in.Common()
	if fn, ok := c.Value.(*ssa.Builtin); ok {
		b.builtin(s, in, fn.Name())
		return
	}
	obj := calleeOf(c)
	t := traitsOf(obj)
	if t&elsewhere != 0 {
		to := "another fiber"
		if obj.Name() == "Block" {
			to = "Block"
		} else if obj.Name() == "Adopt" || obj.Name() == "Post" {
			to = obj.Name()
		}
		b.handOver(s, in, to)
	}
	if t&gives != 0 {
		b.handOver(s, in, "another fiber")
	}
	know, _ := b.x.know(c)
	e := b.x.parking(b.f, in)
	args := make([]loan, len(c.Args))
	given := make([]bool, len(c.Args))
	for i, a := range c.Args {
		args[i], given[i] = at(s, a)
		b.use(s, a, in)
		if !given[i] || know == nil || know.Stale&bit(argOf(c, i)) == 0 {
			continue
		}
		if l := args[i]; l.param >= 0 {
			b.stale |= bit(l.param)
		} else if b.r != nil && !l.stale.IsValid() && b.once(loan{from: l.from, stale: in.Pos()}) {
			at := b.r.pos(in)
			b.r.report(at, "borrowed bytes ("+l.name+", "+b.r.line(l.from, at)+") are given to "+title(obj)+", which uses them after a park: copy them first")
		}
	}
	if e != nil {
		for p, l := range s {
			if !l.stale.IsValid() {
				l.stale, l.via = in.Pos(), e.parkChain()
				s[p] = l
			}
		}
	}
	b.literals(s, in)
	b.lend(s, in, obj, know, args, given)
}

// parking is eventsParking while the events are still being collected.
func (x *index) parking(f *function, call ssa.CallInstruction) *event {
	if x.events != nil {
		return x.eventsParking(call)
	}
	for i, e := range f.events {
		if e.at == call && e.callee.Park != nil && !e.nilly {
			return &f.events[i]
		}
	}
	return nil
}

// literals forgets the loans in variables that a literal of this call may assign, and
// makes those that EachHeader's literal fills.
func (b *borrowing) literals(s map[place]loan, in *ssa.Call) {
	c := in.Common()
	for _, v := range append([]ssa.Value{c.Value}, c.Args...) {
		m, ok := v.(*ssa.MakeClosure)
		if !ok {
			continue
		}
		lit := b.x.bySSA[m.Fn.(*ssa.Function)]
		for i, bound := range m.Bindings {
			if lit == nil || !stores(lit.ssa.FreeVars[i]) {
				continue
			}
			to := memory(bound)
			for p := range s {
				if p.base == to.base && p.path != "" {
					delete(s, p)
				}
			}
			if lit.lent && b.x.analyze(lit, nil).stores&bit(i) != 0 {
				s[to] = loan{param: -1, from: in.Pos(), name: title(calleeOf(c))}
			}
		}
	}
}

// lend gives the results of a call their loans.
func (b *borrowing) lend(s map[place]loan, in *ssa.Call, obj *types.Func, know *summary, args []loan, given []bool) {
	results := in.Common().Signature().Results()
	std := obj != nil && obj.Pkg() != nil && obj.Signature().Recv() == nil && shares[obj.Pkg().Path()][obj.Name()]
	for i := range results.Len() {
		to := value(in)
		if results.Len() > 1 {
			to = place{in, resultPath(i)}
		}
		delete(s, to)
		if !holdsOrReads(results.At(i).Type()) {
			continue
		}
		switch {
		case know != nil && know.Lends&bit(i) != 0:
			s[to] = loan{param: -1, from: in.Pos(), name: title(obj)}
		case std && given[0]:
			s[to] = args[0]
		case know != nil && i < len(know.Shares):
			for j := range args {
				if given[j] && know.Shares[i]&bit(argOf(in.Common(), j)) != 0 {
					s[to] = args[j]
				}
			}
		}
	}
}

func (b *borrowing) builtin(s map[place]loan, in *ssa.Call, name string) {
	args := in.Call.Args
	switch name {
	case "append":
		// What is appended is copied, unless it is slices.
		delete(s, value(in))
		if l, ok := at(s, args[0]); ok {
			b.use(s, args[0], in)
			s[value(in)] = l
		}
		if len(args) > 1 {
			l, ok := at(s, args[1])
			if slice, is := in.Type().Underlying().(*types.Slice); is && ok && holdsBytes(slice.Elem()) {
				s[value(in)] = l
				return
			}
			b.use(s, args[1], in)
		}
	case "copy":
		b.use(s, args[0], in)
		b.use(s, args[1], in)
	}
}
