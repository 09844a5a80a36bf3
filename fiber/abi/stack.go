// Package abi is what compiled code (see docs/COMPILER.md) and package fiber share: how
// a handler leaves its goroutine's stack at a park and comes back to it later. It
// imports nothing but runtime and sync/atomic, so that overlaid files of any package, the
// standard library's too, can use it. People have no use for it: its only callers are generated files, the leaf
// operations of package fiber, and the machines that start handlers.
//
// A function that may park has a second body, f_c(s, fr, args...). Called with fr nil it
// runs like f. After each call that may park it asks s.Left(); if so it puts what it
// still needs into a frame, links that with Link and returns at once, whatever its
// results. So the goroutine gets out of all functions down to the machine that called
// the first one, and nothing is left of the handler but a chain of small frames.
//
// When the leaf's wait is over, Resume calls the innermost function with its frame; it
// goes on behind the call at which it left, taking the result of that call with Take.
// When it returns, its caller is resumed in the same way, and so on until one leaves
// again or the outermost has returned. Functions further out are not touched before
// that: a park deep down costs the same as one at the top.
package abi

// A Stack is what a fiber has in place of a stack while compiled code runs for it or
// waits. It lies in the fiber itself and has no more than what a waiting one needs: every
// byte of it is in a million fibers, and every pointer for the garbage collector to
// follow. What running code needs is in a run, which the fiber's loop lends. Only the
// fiber's own code touches a Stack; what is marked "baton" only on the baton of the loop.
type Stack struct {
	up     *Frame // the innermost frame, while the fiber waits
	run    *run   // while active; while the fiber waits it means nothing
	guards int32  // frames that wait and have deferred calls, see panic.go
	how    uint8  // how the fiber has left, 0 if it has not
	active bool   // code that may be compiled runs
}

// A run is what a Stack has while code runs.
type run struct {
	// leaf stands for the operation that parked: its result is in it.
	leaf Result[R1[error]]

	offer uintptr // entry PC of the function value that compiled code is about to call
	lists *Lists
	tail  **Frame // where to link the next frame, while the fiber leaves

	marks  uint8 // of the offer: see Mark
	pinned bool  // see Pin

	// done are the frames that are done with. They go back to the loop's lists at the
	// next park, since only there the fiber is on the baton for sure.
	done *Frame

	in     *Frame // of the function that is resumed
	out    *Frame // of its caller
	raised *raised
	fault  *fault

	next *run // in Lists.runs
}

// Begin makes s ready for code of a fiber of the loop that l belongs to, until Rest or
// Reset. Baton.
func (s *Stack) Begin(l *Lists) {
	if s.active {
		return
	}
	if r := l.run; r != nil && r == s.run && !l.lent {
		l.lent = true // as it mostly is: nothing has waited on its goroutine's stack meanwhile
	} else {
		s.run = l.lend()
	}
	s.active = true
}

// Rest ends what Begin began while the fiber waits, when its functions have left. l is
// what Begin was given. Baton.
func (s *Stack) Rest(l *Lists) {
	if !s.active {
		return
	}
	s.active = false
	if s.run == l.run {
		l.lent = false
		return
	}
	l.give(s.run)
	s.run = nil
}

// Reset ends what Begin began, after the last function has returned or panicked. Baton.
func (s *Stack) Reset() {
	r := s.run
	if r.in != nil {
		// A panic, or Goexit, has gone out through functions without deferred calls.
		out := r.out
		s.lose(r.in)
		for fr := out; fr != nil; fr = out {
			out = fr.up
			s.lose(fr)
		}
	}
	r.flush()
	r.clear()
	s.Rest(r.lists)
	*s = Stack{}
}

// Active reports whether code that may be compiled runs.
func (s *Stack) Active() bool { return s.active }

// Left reports whether the call that has just returned did so in order to wait: its
// results mean nothing, and the caller must link its frame and return.
func (s *Stack) Left() bool { return s.how != 0 }

// Leave makes every compiled function that is now active leave. how, not 0, is what
// package fiber wants to know when the wait is over. Baton.
func (s *Stack) Leave(how uint8) {
	s.how = how
	r := s.run
	r.flush()
	r.tail = &s.up
}

// How returns what was given to Leave, 0 if the fiber has not left.
func (s *Stack) How() uint8 { return s.how }

// Link makes fr the frame of the function that just found Left true, which will go on
// at pc. It must return at once. Baton.
func (s *Stack) Link(fr *Frame, pc uint16) {
	fr.pc = pc
	r := s.run
	*r.tail = fr
	r.tail = &fr.up
}

// Linked reports, after a call that has left, whether fr is the frame linked last: if
// not, its function has left in a tail call and is over.
func (s *Stack) Linked(fr *Frame) bool { return s.run.tail == &fr.up }

// Resume continues the innermost function and those outside it until one leaves again
// (then it returns nil) or the outermost has returned: its results are those of the
// frame, see Results. err is the result of the operation that parked. After Begin. Baton
// at first, then whatever the functions make of it.
func (s *Stack) Resume(err error) *Frame {
	r := s.run
	fr := s.up
	s.up, s.how = nil, 0
	r.leaf.R.A = err
	done := &r.leaf.Frame
	for fr != nil {
		up := fr.up
		fr.up = done // for Take
		if s.guards == 0 {
			r.in, r.out = fr, up
			kinds[fr.kind].Resume(s, fr)
		} else {
			fr, up = s.guarded(fr, up)
		}
		if s.how != 0 {
			r.in, r.out = nil, nil
			*r.tail = up
			if r.tail != &fr.up {
				// It ended in a tail call, and its own frame is not needed any more.
				r.lists.put(fr)
			}
			return nil
		}
		if fr.how != 0 {
			fr.how = 0
			s.guards--
		}
		done, fr = fr, up
	}
	r.in, r.out = nil, nil
	return done
}

// Results returns the results of the outermost function. done is what Resume returned.
func Results[R any](s *Stack, done *Frame) R {
	r := (*Result[R])(asPointer(done))
	v := r.R
	var none R
	r.R = none
	s.Drop(done)
	return v
}

// Take returns the results of the call at which the function of fr left. It is called
// once, before anything else, by a function that is resumed.
func Take[R any](s *Stack, fr *Frame) R { return Results[R](s, fr.up) }

// Skip is Take for a call whose results nobody wants.
func Skip(s *Stack, fr *Frame) { s.Drop(fr.up) }

// Drop is Results for an outermost function whose results nobody wants. It keeps the
// frame for flush.
func (s *Stack) Drop(fr *Frame) {
	if fr.kind == 0 {
		return // the leaf
	}
	r := s.run
	fr.up = r.done
	r.done = fr
}

// flush gives frames back to the loop. Baton.
func (r *run) flush() {
	for fr := r.done; fr != nil; {
		up := fr.up
		r.lists.put(fr)
		fr = up
	}
	r.done = nil
}

// lose takes the frame of a function that will not be resumed, because of a panic or
// Goexit. It has to be made zero: others of its chunk may be in use for long, and would
// keep alive what its variables lead to.
func (s *Stack) lose(fr *Frame) {
	kind := fr.kind
	kinds[kind].clear(fr)
	fr.kind = kind
	s.Drop(fr)
	s.run.in, s.run.out = nil, nil
}

// clear forgets what code that has ended has left. After a mere Rest there is nothing
// that the next code might take for its own.
func (r *run) clear() {
	r.leaf.R.A, r.offer, r.tail = nil, 0, nil
	r.in, r.out, r.raised, r.fault = nil, nil, nil, nil
	r.pinned = false
}

// newStack returns an active Stack that belongs to no fiber.
func newStack() *Stack {
	s := &Stack{}
	s.Begin(&Lists{})
	return s
}
