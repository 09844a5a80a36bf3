package abi

import "sync/atomic"

// An interface says nothing about second bodies either, but a method of a given type has
// at most one: a table by method and dynamic type finds it. It is no added method, since
// those would show in reflect, and a promoted one would hide what the outer type overrides.

// A Slot is the second bodies of the methods of one name and signature, by their
// receivers' types. What it holds are functions func(s *Stack, x any, args…) results,
// in which x is the receiver.
type Slot struct {
	bodies atomic.Pointer[map[uintptr]*bodyOf] // by the type's descriptor; copied on write
	last   atomic.Pointer[bodyOf]              // found last: a call meets the same type again and again
}

// bodyOf is the second body for receivers of one type.
type bodyOf struct {
	typ  uintptr
	body any
}

// slots is written under lock.
var (
	slots map[string]*Slot
	lock  atomic.Bool
)

// SlotOf returns the Slot for a method's name and signature, spelled with the paths of
// packages in full. Generated code calls it while packages are initialized.
func SlotOf(method string) *Slot {
	for !lock.CompareAndSwap(false, true) {
	}
	defer lock.Store(false)
	s := slots[method]
	if s == nil {
		if slots == nil {
			slots = map[string]*Slot{}
		}
		s = &Slot{}
		slots[method] = s
	}
	return s
}

// Add makes body the second body of the method for receivers of the type of x.
// Generated init functions call it.
func (s *Slot) Add(x, body any) {
	for !lock.CompareAndSwap(false, true) {
	}
	defer lock.Store(false)
	bodies := map[uintptr]*bodyOf{}
	if m := s.bodies.Load(); m != nil {
		for t, b := range *m {
			bodies[t] = b
		}
	}
	t := typeOf(x)
	bodies[t] = &bodyOf{t, body}
	s.bodies.Store(&bodies)
}

// Find returns the second body for the receiver x, if there is one. Any goroutine may
// call it.
func Find[F any](s *Slot, x any) (body F, ok bool) {
	t := typeOf(x)
	if l := s.last.Load(); l != nil && l.typ == t {
		body, ok = l.body.(F)
		return body, ok
	}
	return find[F](s, t)
}

func find[F any](s *Slot, t uintptr) (body F, ok bool) {
	m := s.bodies.Load()
	if m == nil {
		return body, false
	}
	b := (*m)[t]
	if b == nil {
		return body, false
	}
	s.last.Store(b)
	body, ok = b.body.(F)
	return body, ok
}
