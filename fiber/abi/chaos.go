package abi

import "sync/atomic"

// Chaos: the test of the compiler in which a package has nothing to do with fibers, every
// function of it has a second body all the same, and each statement leaves and is come
// back to. Its plain functions are replaced by ones that drive the second bodies to their
// end. See the chaos mode of docs/COMPILER.md.

// idle are Stacks whose calls are over. Like those of a loop they keep the frames that they
// have had for calls to come.
var idle [8]atomic.Pointer[Stack]

// Chaos returns a Stack that belongs to no fiber, for a call of a second body that Drive
// continues.
func Chaos() *Stack {
	for i := range idle {
		if idle[i].Load() != nil {
			if s := idle[i].Swap(nil); s != nil {
				return s
			}
		}
	}
	return newStack()
}

// Rest takes back a Stack whose call has returned. Where a panic passes nobody calls it.
func Rest(s *Stack) {
	l := s.run.lists
	s.Reset()
	s.Begin(l)
	for i := range idle {
		if idle[i].Load() == nil && idle[i].CompareAndSwap(nil, s) {
			return
		}
	}
}

var pauses, every atomic.Uint32

// Every makes one Pause in n leave; before it is called each does.
func Every(n uint32) { every.Store(n) }

// Pause leaves, or not.
func Pause(s *Stack) {
	if n := every.Load(); n < 2 || pauses.Add(1)%n == 0 {
		s.Leave(1)
	}
}

// Drive continues what has left until it has returned, and returns the frame with its
// results.
func Drive(s *Stack) *Frame {
	for {
		if done := s.Resume(nil); done != nil {
			return done
		}
	}
}

// Driven is Drive, Results and Rest.
func Driven[R any](s *Stack) R {
	r := Results[R](s, Drive(s))
	Rest(s)
	return r
}
