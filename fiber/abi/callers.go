package abi

import "runtime"

// While a function is resumed, those that called it are not on the goroutine's stack:
// they wait in their frames. Reports of panics want them all the same.

// A fault is where a panic came from that goes out through functions that wait. It is
// noted where it is caught in order to pass them, since the stack ends there.
type fault struct {
	value   any
	pcs     []uintptr
	callers []string
}

// blame notes where the panic v came from, in the deferred call that has caught it.
func (s *Stack) blame(v any) {
	if s.run.fault != nil && same(s.run.fault.value, v) {
		return // it was raised again, further out
	}
	pcs := make([]uintptr, 64)
	s.run.fault = &fault{value: v, pcs: pcs[:runtime.Callers(3, pcs)], callers: s.waiting()}
}

// waiting returns which functions wait for the one that is resumed, the innermost first.
func (s *Stack) waiting() []string {
	var list []string
	inner := ""
	if in := s.run.in; in != nil {
		inner = kinds[in.kind].Name
	}
	for fr := s.run.out; fr != nil; fr = fr.up {
		list = append(list, fr.place()+" [waiting for "+inner+"]")
		inner = kinds[fr.kind].Name
	}
	return list
}

// Callers returns which functions wait for the one that runs, the innermost first. If a
// panic is on its way out through them, it returns those that waited where the panic came
// from, and the PCs of the stack there. The fiber's own code only.
func (s *Stack) Callers() (pcs []uintptr, callers []string) {
	if !s.active {
		return nil, nil
	}
	if s.run.fault != nil {
		return s.run.fault.pcs, s.run.fault.callers
	}
	return nil, s.waiting()
}
