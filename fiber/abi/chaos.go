package abi

import "sync/atomic"

// Chaos: the test of the compiler in which a package has nothing to do with fibers, every
// function of it has a second body all the same, and each statement leaves and is come
// back to. Its plain functions are replaced by ones that drive the second bodies to their
// end. See the chaos mode of docs/COMPILER.md.

// Chaos returns a Stack that belongs to no fiber, for a call of a second body that Drive
// continues.
func Chaos() *Stack {
	s := &Stack{}
	s.Begin(&Lists{})
	return s
}

var pauses atomic.Uint32

// Pause leaves, one time in n.
func Pause(s *Stack, n uint32) {
	if pauses.Add(1)%n == 0 {
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
