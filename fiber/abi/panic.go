package abi

import "runtime"

// A function with deferred calls guards itself by a native deferred function. While the
// function is on a goroutine's stack that is all it needs. While its frame waits, a panic
// or Goexit further in must reach it there: it is resumed in order to panic, or to exit,
// at the call where it has left, so that its guard sees what it would have seen.

// raised is what a function is resumed with in place of results. A panic may be under way
// while the goroutine exits: one in a deferred call.
type raised struct {
	value any
	exit  bool
}

// LinkGuard is Link for a function that has deferred calls. Baton.
func (s *Stack) LinkGuard(fr *Frame, pc uint16) {
	if fr.how == 0 {
		fr.how = 1
		s.guards++
	}
	s.Link(fr, pc)
}

// Raise is called by a function with deferred calls when it is resumed, under its guard. If
// the function was resumed for a panic or a runtime.Goexit, it panics or exits: the deferred
// calls run, as they would have further in.
func (s *Stack) Raise() {
	r := s.run.raised
	if r == nil {
		return
	}
	if r.exit {
		defer s.again()
		runtime.Goexit()
	}
	s.run.raised = nil
	panic(r.value)
}

// again panics with what a deferred call further in has panicked with while the goroutine
// exits.
func (s *Stack) again() {
	v := s.run.raised.value
	s.run.raised = nil
	if v != nil {
		panic(v)
	}
}

// guarded resumes fr, whose caller is up, while some function further out has deferred
// calls. It returns the function that has returned or left, and its caller: others, if a
// panic went out to it and it has recovered. What nobody recovers goes on as a panic.
func (s *Stack) guarded(fr, up *Frame) (*Frame, *Frame) {
	var v any
	stepping := true
	defer func() {
		if stepping && v != nil {
			// step has caught a panic and does not return: the goroutine exits.
			s.lose(fr)
			s.exit(up, v)
		}
	}()
	for {
		if s.step(fr, up, &v) {
			stepping = false
			s.run.fault = nil // whatever there was has been recovered
			return fr, up
		}
		stepping = false
		for over := true; over; over = fr.how == 0 {
			if fr.how != 0 {
				s.guards--
			}
			s.lose(fr)
			if fr = up; fr == nil {
				panic(v)
			}
			up = fr.up
		}
		fr.up = nil
		s.run.raised = &raised{value: v}
		v, stepping = nil, true
	}
}

// step resumes fr and catches its panic. A Goexit it passes to the frames further out.
func (s *Stack) step(fr, up *Frame, v *any) (ok bool) {
	defer func() {
		if !ok {
			if *v = recover(); *v == nil {
				s.lose(fr)
				s.exit(up, nil)
			} else {
				s.blame(*v)
			}
		}
	}()
	s.run.in, s.run.out = fr, up
	kinds[fr.kind].Resume(s, fr)
	return true
}

// exit runs the deferred calls of fr and the frames outside it while the goroutine exits,
// and panics with v, if a deferred call has.
func (s *Stack) exit(fr *Frame, v any) {
	for fr != nil && fr.how == 0 {
		up := fr.up
		s.lose(fr)
		fr = up
	}
	if fr == nil {
		if v != nil {
			panic(v)
		}
		return
	}
	up := fr.up
	defer func() {
		s.lose(fr)
		s.exit(up, recover())
	}()
	s.guards--
	fr.up = nil
	s.run.raised = &raised{value: v, exit: true}
	kinds[fr.kind].Resume(s, fr)
}
