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
// waits. Only the fiber's own code touches it; what is marked "baton" only on the baton
// of the fiber's loop.
type Stack struct {
	// leaf stands for the operation that parks. Its up is the innermost frame while the
	// fiber waits, and while it runs the first of the frames that are done with: they
	// go back to the loop's lists at the next park, since only there the fiber is on
	// the baton for sure.
	leaf Result[R1[error]]

	offer uintptr // entry PC of the function value that compiled code is about to call
	lists *Lists

	guards int32  // frames that wait and have deferred calls, see panic.go
	inside uint16 // kind of the function that is resumed, see callers.go
	marks  uint8  // of the offer: see Mark
	pinned bool   // see Pin
	raised *raised
	out    *Frame // of the caller of the function that is resumed
	fault  *fault
}

// Left reports whether the call that has just returned did so in order to wait: its
// results mean nothing, and the caller must link its frame and return.
func (s *Stack) Left() bool { return s.leaf.how != 0 }

// Leave makes every compiled function that is now active leave. how, not 0, is what
// package fiber wants to know when the wait is over. Baton.
func (s *Stack) Leave(how uint32) {
	s.flush()
	s.leaf.how = how
	s.lists.tail = &s.leaf.Frame
}

// How returns what was given to Leave, 0 if the fiber has not left.
func (s *Stack) How() uint32 { return s.leaf.how }

// Link makes fr the frame of the function that just found Left true, which will go on
// at pc. It must return at once. Baton.
func (s *Stack) Link(fr *Frame, pc uint16) {
	fr.pc = pc
	s.lists.tail.up = fr
	s.lists.tail = fr
}

// Linked reports, after a call that has left, whether fr is the frame linked last: if
// not, its function has left in a tail call and is over.
func (s *Stack) Linked(fr *Frame) bool { return s.lists.tail == fr }

// Resume continues the innermost function and those outside it until one leaves again
// (then it returns nil) or the outermost has returned: its results are those of the
// frame, see Results. err is the result of the operation that parked. Baton at first,
// then whatever the functions make of it.
func (s *Stack) Resume(err error) *Frame {
	fr := s.leaf.up
	s.leaf.up, s.leaf.how = nil, 0
	s.leaf.R.A = err
	done := &s.leaf.Frame
	for fr != nil {
		up := fr.up
		fr.up = done // for Take
		if s.guards == 0 {
			s.inside, s.out = fr.kind, up
			kinds[fr.kind].Resume(s, fr)
		} else {
			fr, up = s.guarded(fr, up)
		}
		if s.leaf.how != 0 {
			s.out = nil
			if tail := s.lists.tail; tail != fr {
				// It ended in a tail call, and its own frame is not needed any more.
				tail.up = up
				s.lists.put(fr)
			} else {
				fr.up = up
			}
			return nil
		}
		if fr.how != 0 {
			fr.how = 0
			s.guards--
		}
		done, fr = fr, up
	}
	s.out = nil
	return done
}

// Results returns the results of the outermost function. done is what Resume returned.
func Results[R any](s *Stack, done *Frame) R {
	r := (*Result[R])(asPointer(done))
	v := r.R
	var none R
	r.R = none
	s.drop(done)
	return v
}

// Take returns the results of the call at which the function of fr left. It is called
// once, before anything else, by a function that is resumed.
func Take[R any](s *Stack, fr *Frame) R { return Results[R](s, fr.up) }

// Skip is Take for a call whose results nobody wants.
func Skip(s *Stack, fr *Frame) { s.drop(fr.up) }

// drop keeps a frame for flush.
func (s *Stack) drop(fr *Frame) {
	if fr.kind == 0 {
		fr.up = nil
		return // the leaf
	}
	fr.up = s.leaf.up
	s.leaf.up = fr
}

// flush gives frames back to the loop. Baton.
func (s *Stack) flush() {
	for fr := s.leaf.up; fr != nil; {
		up := fr.up
		s.lists.put(fr)
		fr = up
	}
	s.leaf.up = nil
}
