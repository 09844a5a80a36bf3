package vet

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// Mutex reports a sync.Mutex or sync.RWMutex that is held while a fiber may park: the
// next fiber of the loop that wants it blocks the loop, and with it the one that would
// unlock it.
//
// It is silent where a lock is released on one of the paths that meet, and about locks
// that a caller of the function holds. fiber.Mutex may be held as long as one likes.
var Mutex = &analysis.Analyzer{
	Name:     "fibermutex",
	Doc:      "report a sync.Mutex that is held across a park",
	URL:      docURL,
	Run:      runMutex,
	Requires: []*analysis.Analyzer{Facts},
}

// A hold is the state of a lock.
type hold struct {
	released bool // the greater state: it counts where paths meet
	at       token.Pos
	name     string // as it is written
}

// lockOp says what a call does to a lock, and which lock that is.
func lockOp(call ssa.CallInstruction) (op string, lock place, ok bool) {
	c := call.Common()
	obj := calleeOf(c)
	if obj == nil || obj.Pkg() == nil || obj.Pkg().Path() != "sync" {
		return "", place{}, false
	}
	var addr ssa.Value
	switch shortName(obj) {
	case "Mutex.Lock", "Mutex.Unlock", "Mutex.TryLock",
		"RWMutex.Lock", "RWMutex.Unlock", "RWMutex.TryLock", "RWMutex.RLock", "RWMutex.RUnlock", "RWMutex.TryRLock":
		addr = receiverOf(c)
	case "Locker.Lock", "Locker.Unlock":
		addr = c.Value
	}
	if addr == nil {
		return "", place{}, false
	}
	lock, op = memory(addr), obj.Name()
	if rest, read := strings.CutPrefix(op, "R"); read {
		lock.path, op = lock.path+"(read)", rest
	} else if op == "TryRLock" {
		lock.path, op = lock.path+"(read)", "TryLock"
	}
	return op, lock, true
}

// receiverOf is the receiver of a static call of a method, nil if it is not known.
func receiverOf(c *ssa.CallCommon) ssa.Value {
	if m, ok := c.Value.(*ssa.MakeClosure); ok && len(m.Bindings) == 1 { // a method value
		return m.Bindings[0]
	}
	if _, ok := c.Value.(*ssa.Function); ok && len(c.Args) > 0 {
		return c.Args[0]
	}
	return nil
}

func mutexLattice(x *index, f *function, r *reporter) lattice[hold] {
	name := func(call ssa.CallInstruction) string {
		if r == nil {
			return ""
		}
		return r.receiver(call)
	}
	apply := func(s map[place]hold, call ssa.CallInstruction, deferred bool) {
		if op, lock, ok := lockOp(call); ok {
			switch {
			case op == "Lock" && !deferred:
				s[lock] = hold{at: call.Pos(), name: name(call)}
			case op == "Unlock":
				s[lock] = hold{released: true}
			}
			return
		}
		local := x.local(call.Common().Value)
		if local == nil || call.Common().IsInvoke() {
			return
		}
		for lock, h := range local.locks {
			if lock, ok := outside(local.ssa, call.Common(), lock); ok && (h.released || !deferred) {
				s[lock] = hold{released: h.released, at: call.Pos(), name: h.name}
			}
		}
	}
	return lattice[hold]{
		over: func(old, new hold) bool { return new.released && !old.released },
		step: func(s map[place]hold, in ssa.Instruction) {
			switch in := in.(type) {
			case *ssa.Call:
				apply(s, in, false)
			case *ssa.RunDefers:
				for _, d := range defersOf(f.ssa) {
					apply(s, d, true)
				}
			}
		},
		edge: func(s map[place]hold, from *ssa.BasicBlock, n int) {
			cond, ok := from.Instrs[len(from.Instrs)-1].(*ssa.If)
			if !ok || n != 0 {
				return
			}
			if call, ok := cond.Cond.(*ssa.Call); ok {
				if op, lock, ok := lockOp(call); ok && op == "TryLock" {
					s[lock] = hold{at: call.Pos(), name: name(call)}
				}
			}
		},
	}
}

// outside turns a lock of a function into that of its caller.
func outside(f *ssa.Function, c *ssa.CallCommon, lock place) (place, bool) {
	var m place
	switch base := lock.base.(type) {
	case *ssa.Global:
		return lock, true
	case *ssa.Parameter:
		i := slices.Index(f.Params, base)
		if i < 0 || i >= len(c.Args) {
			return lock, false
		}
		m = memory(c.Args[i])
	case *ssa.FreeVar:
		b := cell(base)
		if b == base {
			return lock, false
		}
		m = memory(b)
	default:
		return lock, false
	}
	m.path += strings.TrimPrefix(lock.path, "*")
	return m, true
}

// findLocks finds which locks functions leave held or released.
func (x *index) findLocks() {
	for range 4 {
		changed := false
		for _, f := range x.fns {
			l := mutexLattice(x, f, nil)
			locks := map[place]hold{}
			replay(f.ssa, forward(f.ssa, map[place]hold{}, l), func(s map[place]hold, in ssa.Instruction) {
				l.step(s, in)
				if _, ok := in.(*ssa.Return); ok {
					for lock, h := range s {
						if old, ok := locks[lock]; !ok || l.over(old, h) {
							locks[lock] = h
						}
					}
				}
			})
			changed = changed || len(locks) != len(f.locks)
			f.locks = locks
		}
		if !changed {
			return
		}
	}
}

// unlocks reports whether the callee of a call unlocks a lock itself, maybe to lock it
// again: then it does so before it parks.
func (x *index) unlocks(call ssa.CallInstruction, lock place) bool {
	f := x.local(call.Common().Value)
	if f == nil || call.Common().IsInvoke() {
		return false
	}
	for _, b := range f.ssa.Blocks {
		for _, in := range b.Instrs {
			c, ok := in.(*ssa.Call)
			if !ok {
				continue
			}
			if op, l, ok := lockOp(c); ok && op == "Unlock" {
				if l, ok := outside(f.ssa, call.Common(), l); ok && l == lock {
					return true
				}
			}
		}
	}
	return false
}

func runMutex(pass *analysis.Pass) (any, error) {
	x := pass.ResultOf[Facts].(*index)
	r := newReporter(pass)
	for _, f := range x.fns {
		if f.know.Park == nil {
			continue
		}
		l := mutexLattice(x, f, r)
		replay(f.ssa, forward(f.ssa, map[place]hold{}, l), func(s map[place]hold, in ssa.Instruction) {
			if call, ok := in.(*ssa.Call); ok {
				if e := x.eventsParking(call); e != nil {
					at := r.pos(call)
					for _, lock := range sortedPlaces(s) {
						h := s[lock]
						if h.released || x.unlocks(call, lock) {
							continue
						}
						name := h.name
						if name == "" {
							name = "a " + lockType(lock)
						}
						r.report(at, name+" is held (since "+r.line(h.at, at)+") while "+e.parkChain()+" may park: unlock it first, or use fiber.Mutex")
					}
				}
			}
			l.step(s, in)
		})
	}
	return nil, nil
}

// lockType names the type of a lock that has no name.
func lockType(lock place) string {
	if lock.base != nil {
		if n := named(lock.base.Type()); n != nil && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "sync" {
			return types.TypeString(n, (*types.Package).Name)
		}
	}
	return "sync.Mutex"
}

// sortedPlaces returns the keys in the order in which they were written.
func sortedPlaces(s map[place]hold) []place {
	list := make([]place, 0, len(s))
	for p := range s {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b place) int {
		if c := int(s[a].at) - int(s[b].at); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return list
}
