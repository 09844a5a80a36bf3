package vet

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/passes/buildssa"
	"golang.org/x/tools/go/ssa"
)

// A function is one with a body in the package that is looked at, a literal included.
type function struct {
	ssa    *ssa.Function
	obj    *types.Func // nil for a literal
	know   summary
	events []event // the calls it makes before it returns, also through callbacks
	fibers bool    // it is a fiber's code: what blocks in it is reported in it
	leads  bool    // a parameter or the receiver leads to a fiber
	inline bool    // a literal that the function around it calls before it returns
	aside  bool    // a literal that runs later, or not on the fiber that made it
	beside bool    // one that may block though it has a fiber: Adopt's
	lent   bool    // a literal whose bytes are borrowed: EachHeader's
	thread change  // what it does to the lock on its thread
	locks  map[place]hold
}

// An event is something that a function calls.
type event struct {
	at     ssa.CallInstruction
	callee *summary
	local  *function // nil if the body is elsewhere
	name   string    // "" for a literal, which counts as part of its caller
	nilly  bool      // the fiber it is given is nil
}

// index has the functions of a package, and what is known of those it calls.
type index struct {
	pkg    *types.Package
	fns    []*function // literals behind the functions they are in
	bySSA  map[*ssa.Function]*function
	known  map[*types.Func]*summary // of other packages
	lookup func(fn *types.Func) *summary
	events map[ssa.CallInstruction][]event
	trust  bool // its channel operations count for other packages
}

func newIndex(pkg *types.Package, prog *buildssa.SSA, lookup func(fn *types.Func) *summary) *index {
	x := &index{pkg: pkg, bySSA: map[*ssa.Function]*function{}, known: map[*types.Func]*summary{}, lookup: lookup}
	for _, s := range prog.SrcFuncs {
		f := &function{ssa: s, leads: s.Signature != nil && bearsFiber(s.Signature)}
		f.obj, _ = s.Object().(*types.Func)
		x.fns = append(x.fns, f)
		x.bySSA[s] = f
	}
	return x
}

// resolve follows a function value, or a channel, to where it was made: through
// variables that are assigned once, and captured ones.
func resolve(v ssa.Value) ssa.Value {
	for range 10 {
		switch x := v.(type) {
		case *ssa.MakeClosure:
			return x.Fn
		case *ssa.ChangeType:
			v = x.X
			continue
		case *ssa.UnOp:
			if x.Op == token.MUL {
				if a, ok := cell(x.X).(*ssa.Alloc); ok {
					if s := onlyStore(a); s != nil {
						v = s.Val
						continue
					}
				}
			}
		}
		return v
	}
	return v
}

// cell follows a captured variable to the one that was captured.
func cell(addr ssa.Value) ssa.Value {
	for range 10 {
		free, ok := addr.(*ssa.FreeVar)
		if !ok {
			return addr
		}
		m := makerOf(free.Parent())
		if m == nil {
			return addr
		}
		addr = m.Bindings[slices.Index(free.Parent().FreeVars, free)]
	}
	return addr
}

// makerOf returns the instruction that makes a literal, nil if there is not just one.
func makerOf(lit *ssa.Function) *ssa.MakeClosure {
	if lit.Parent() == nil {
		return nil
	}
	var made *ssa.MakeClosure
	for _, b := range lit.Parent().Blocks {
		for _, in := range b.Instrs {
			if m, ok := in.(*ssa.MakeClosure); ok && m.Fn == lit {
				if made != nil {
					return nil
				}
				made = m
			}
		}
	}
	return made
}

// onlyStore returns the one assignment of a variable, nil if there are others or if a
// literal may make one.
func onlyStore(a *ssa.Alloc) (only *ssa.Store) {
	for _, r := range *a.Referrers() {
		switch r := r.(type) {
		case *ssa.Store:
			if r.Addr != a || only != nil {
				return nil
			}
			only = r
		case *ssa.MakeClosure:
			for i, b := range r.Bindings {
				if b == a && stores(r.Fn.(*ssa.Function).FreeVars[i]) {
					return nil
				}
			}
		case *ssa.UnOp, *ssa.DebugRef:
		default:
			return nil
		}
	}
	return only
}

// stores reports whether a literal assigns to a captured variable, or hands its address
// on.
func stores(v *ssa.FreeVar) bool {
	for _, r := range *v.Referrers() {
		switch r := r.(type) {
		case *ssa.UnOp, *ssa.DebugRef, *ssa.FieldAddr, *ssa.IndexAddr:
		case *ssa.MakeClosure:
			for i, b := range r.Bindings {
				if b == v && stores(r.Fn.(*ssa.Function).FreeVars[i]) {
					return true
				}
			}
		default:
			return true
		}
	}
	return false
}

// local returns the function of this package that v is, nil if it is none.
func (x *index) local(v ssa.Value) *function {
	f, ok := resolve(v).(*ssa.Function)
	if !ok {
		return nil
	}
	if f.Origin() != nil {
		f = f.Origin()
	}
	return x.bySSA[f]
}

// calleeOf returns the object that a call names, nil if it is not known.
func calleeOf(c *ssa.CallCommon) *types.Func {
	if c.IsInvoke() {
		return c.Method
	}
	f, ok := resolve(c.Value).(*ssa.Function)
	if !ok {
		return nil
	}
	if f.Origin() != nil {
		f = f.Origin()
	}
	obj, _ := f.Object().(*types.Func)
	if obj != nil {
		obj = obj.Origin()
	}
	return obj
}

// know returns what is known of the callee, nil if that is nothing.
func (x *index) know(c *ssa.CallCommon) (*summary, *function) {
	if !c.IsInvoke() {
		if f := x.local(c.Value); f != nil {
			return &f.know, f
		}
	}
	obj := calleeOf(c)
	if obj == nil {
		return nil, nil
	}
	s, ok := x.known[obj]
	if !ok {
		s = x.lookup(obj)
		x.known[obj] = s
	}
	return s, nil
}

// argOf turns the position of an argument into that of the parameter.
func argOf(c *ssa.CallCommon, i int) int {
	if f, ok := resolve(c.Value).(*ssa.Function); ok && strings.HasPrefix(f.Synthetic, "bound method") {
		return i + 1
	}
	return i
}

// collect finds the events of f, and which of its parameters it calls.
func (x *index) collect(f *function) {
	f.events = f.events[:0]
	for _, b := range f.ssa.Blocks {
		for _, in := range b.Instrs {
			call, ok := in.(ssa.CallInstruction)
			if !ok {
				continue
			}
			x.mark(f, call)
			if _, ok := in.(*ssa.Go); !ok {
				x.call(f, call)
			}
		}
	}
}

// mark notes what becomes of the literals in a call.
func (x *index) mark(f *function, call ssa.CallInstruction) {
	c := call.Common()
	_, spawns := call.(*ssa.Go)
	t := traitsOf(calleeOf(c))
	if spawns {
		if lit := x.local(c.Value); lit != nil && lit.obj == nil {
			lit.aside = true
		}
	}
	for _, a := range c.Args {
		if lit := x.local(a); lit != nil && lit.obj == nil {
			lit.aside = lit.aside || spawns || t&elsewhere != 0
			lit.beside = lit.beside || t&adopts != 0
			lit.lent = lit.lent || t&lendsTo != 0
		}
	}
}

func (x *index) call(f *function, call ssa.CallInstruction) {
	c := call.Common()
	if _, ok := c.Value.(*ssa.Builtin); ok {
		return
	}
	nilly := false
	for _, a := range c.Args {
		k, ok := a.(*ssa.Const)
		nilly = nilly || ok && k.Value == nil && isFiber(a.Type())
	}
	add := func(s *summary, local *function, name string) {
		f.events = append(f.events, event{at: call, callee: s, local: local, name: name, nilly: nilly})
		if local != nil && local.ssa.Parent() == f.ssa {
			local.inline = true
		}
	}
	callee, local := x.know(c)
	obj := calleeOf(c)
	switch {
	case local != nil && obj == nil:
		add(callee, local, "") // a literal
	case callee != nil:
		add(callee, local, title(obj))
	case !c.IsInvoke() && obj == nil:
		x.callsParam(f, resolve(c.Value))
	}
	// A function value or an interface that is given a fiber is a handler of some kind.
	if (c.IsInvoke() || obj == nil && local == nil) && bearsFiber(c.Signature()) {
		name := "a function that is given the fiber"
		if c.IsInvoke() {
			name = title(c.Method)
		} else if c.Value.Name() != "" {
			if p, ok := resolve(c.Value).(*ssa.Parameter); ok {
				name = p.Name()
			}
		}
		add(&summary{Park: &MayPark{}}, nil, name)
	}
	std := obj != nil && obj.Pkg() != nil && (callsFunctions[obj.Pkg().Path()] || callsOne[obj.Pkg().Path()+"."+shortName(obj)])
	for i, a := range c.Args {
		if _, ok := types.Unalias(a.Type()).Underlying().(*types.Signature); !ok {
			continue
		}
		lit := x.local(a)
		ranged := lit != nil && strings.HasPrefix(lit.ssa.Synthetic, "range-over-func")
		if !std && !ranged && (callee == nil || callee.Calls&bit(argOf(c, i)) == 0) {
			continue
		}
		if lit != nil {
			name := ""
			if lit.obj != nil {
				name = title(lit.obj)
			}
			add(&lit.know, lit, name)
		} else if s, ok := resolve(a).(*ssa.Function); ok && s.Object() != nil {
			// A function or bound method of another package.
			if obj, ok := s.Object().(*types.Func); ok {
				if s := x.lookup(obj.Origin()); s != nil {
					add(s, nil, title(obj))
				}
			}
		} else {
			x.callsParam(f, resolve(a))
		}
	}
	x.reads(obj, c, add)
}

// reads adds the reads and writes that io.Copy and its like make through interfaces.
func (x *index) reads(obj *types.Func, c *ssa.CallCommon, add func(*summary, *function, string)) {
	var args []ssa.Value
	switch {
	case obj == nil || obj.Pkg() == nil:
		return
	case readers[obj.Pkg().Path()][obj.Name()] && obj.Signature().Recv() == nil:
		args = c.Args
	case c.IsInvoke() && (obj.Name() == "Read" || obj.Name() == "Write"):
		args = []ssa.Value{c.Value}
	}
	for _, a := range args {
		for {
			i, ok := a.(*ssa.ChangeInterface)
			if !ok {
				break
			}
			a = i.X
		}
		switch a := a.(type) {
		case *ssa.Call:
			if callee := calleeOf(a.Common()); traitsOf(callee)&waitsRead != 0 {
				add(&summary{Park: &MayPark{}}, nil, title(callee)+"().Read")
			}
		case *ssa.MakeInterface:
			for _, m := range []string{"Read", "Write"} {
				sel, _, _ := types.LookupFieldOrMethod(a.X.Type(), true, x.pkg, m)
				fn, ok := sel.(*types.Func)
				want, _, _ := types.LookupFieldOrMethod(a.Type(), true, x.pkg, m)
				if !ok || want == nil {
					continue
				}
				var s *summary
				local := x.bySSA[a.Parent().Prog.FuncValue(fn.Origin())]
				if local != nil {
					s = &local.know
				} else {
					s = x.lookup(fn.Origin())
				}
				if s != nil {
					add(s, local, title(fn))
				}
			}
		}
	}
}

// callsParam notes that v is called before f returns, if it is a parameter of f, or of a
// function that f is an inline literal of.
func (x *index) callsParam(f *function, v ssa.Value) {
	p, ok := v.(*ssa.Parameter)
	if !ok {
		return
	}
	for f != nil && f.ssa != p.Parent() {
		if !f.inline || f.aside {
			return
		}
		f = x.bySSA[f.ssa.Parent()]
	}
	if f != nil {
		f.know.Calls |= bit(slices.Index(p.Parent().Params, p))
	}
}

func bit(i int) uint64 {
	if i < 0 || i > 63 {
		return 0
	}
	return 1 << i
}
