package abi

import "sync/atomic"

// A generic function has a kind for each instantiation that ever waits, made when it first
// does. Its frames' type tells them apart.

// A GenericKind is the frames of a generic function.
type GenericKind struct {
	Kind Kind // but for Resume

	byPtr atomic.Pointer[map[any]uint16] // a nil pointer to the frame's type -> its kind; copied on write
}

// KindOf returns the kind of frames of type F. Any goroutine may call it.
func KindOf[F any](g *GenericKind, resume func(s *Stack, fr *Frame)) uint16 {
	key := any((*F)(nil))
	if m := g.byPtr.Load(); m != nil {
		if k, ok := (*m)[key]; ok {
			return k
		}
	}
	for !registering.CompareAndSwap(false, true) {
	}
	defer registering.Store(false)
	made := map[any]uint16{}
	if m := g.byPtr.Load(); m != nil {
		if k, ok := (*m)[key]; ok {
			return k
		}
		for t, k := range *m {
			made[t] = k
		}
	}
	k := Kind{Name: g.Kind.Name, Lines: g.Kind.Lines, Resume: resume}
	made[key] = register[F](&k)
	g.byPtr.Store(&made)
	return made[key]
}
