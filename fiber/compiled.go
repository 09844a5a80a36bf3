package fiber

import (
	"time"

	"github.com/heddle-go/heddle/fiber/abi"
)

// This file is the fiber's side of compiled code (see package abi and
// docs/COMPILER.md): how a machine calls a function that may leave at a park, how it
// goes on, and the leaf operations, those in which a fiber really waits. Everything else
// that waits is made of these, and the compiler gives it a second body itself.
//
// A machine calls a function that may be compiled like this:
//
//	if !f.Left() {
//		f.Offer(abi.PC(fn))
//		f.BeginUser(site)
//		fn(f)
//	} else {
//		f.Continue()
//	}
//	if f.Left() {
//		return f.Wait()
//	}
//	f.EndUser()
//
// The second body of a leaf has the name that the compiler looks for: Compiled_, the
// name of the receiver's type, that of the method. Called with a Stack that is
// not that of the fiber it names (which may be nil, or another's), or by a fiber bound to
// its thread, it does what the plain one does.

// How a fiber has left. Stack.How.
const (
	leftPark   uint8 = iota + 1 // Park without a deadline and without a scope
	leftUntil                   // parkUntil
	leftLinger                  // linger
	leftYield                   // yield, on the baton
	leftGive                    // Yield, called by user code
	leftSleep                   // Sleep, called by user code
)

// StackOf returns what f has in place of a stack, nil if it is nil or was not started by
// a call of compiled code. Only f's own code may call it.
func StackOf(f *Fiber) *abi.Stack {
	if f == nil || !f.stack.Active() {
		return nil
	}
	return &f.stack
}

// Offer announces to compiled code that the machine is about to call the function with
// entry PC pc and can go on without its stack. On the baton, before BeginUser.
func (f *Fiber) Offer(pc uintptr) {
	if abi.InUse() {
		f.offer(pc)
	}
}

func (f *Fiber) offer(pc uintptr) {
	f.stack.Begin(&f.loop.frames)
	f.stack.Offer(pc)
}

// Left reports whether the function the machine called has left its stack to wait.
// The machine's own code only.
func (f *Fiber) Left() bool { return f.stack.Left() }

// Wait returns the status for a machine whose function has left. On the baton.
func (f *Fiber) Wait() Status {
	switch f.stack.How() {
	case leftYield, leftGive:
		return Again // it goes on at once and keeps what it needs for that
	}
	f.stack.Rest(&f.loop.frames)
	return Waiting
}

// Continue goes on with the function that has left, after the fiber was made ready. It
// returns nil if it has left again (or still waits: a Sleep that was woken early), and
// otherwise the frame with its results: abi.Results. On the baton.
func (f *Fiber) Continue() *abi.Frame {
	if f.loop.rt.checked {
		f.loop.rt.users.Store(f, goroutineID())
	}
	f.stack.Begin(&f.loop.frames)
	var err error
	switch f.stack.How() {
	case leftUntil:
		f.deadline = 0
		err = f.woken()
	case leftGive:
		f.Leave()
	case leftSleep:
		at := f.deadline
		f.deadline = 0
		if err = f.woken(); err == nil {
			if at, err = f.limit(at); err == nil {
				f.SetDeadline(at)
				return nil
			}
		}
		if err == ErrTimeout {
			err = nil
		}
		f.Leave()
	}
	return f.stack.Resume(err)
}

// woken is what a wait that may be given up returns. On the baton.
func (f *Fiber) woken() error {
	if !f.expired {
		return f.canceled()
	}
	f.expired = false
	// The deadline was the earlier of the caller's and the scope's.
	if err := f.canceled(); err != nil {
		return err
	}
	if s := f.innermost(); s != nil && s.deadline != 0 && s.deadline <= f.loop.now {
		s.expire()
		return s.Err()
	}
	return ErrTimeout
}

// plainly reports whether a leaf operation of f must wait on its goroutine's stack
// although compiled code called it.
func (f *Fiber) plainly(s *abi.Stack) bool {
	return f == nil || s != &f.stack || f.detached || !s.Active() || s.Pinned()
}

// Compiled_Fiber_Park is Park for compiled code.
func Compiled_Fiber_Park(s *abi.Stack, _ *abi.Frame, f *Fiber, deadline int64) error {
	if f.plainly(s) {
		return f.Park(deadline)
	}
	if deadline == 0 && f.root.Load() == nil {
		if f.loop.closing.Load() {
			return ErrClosed
		}
		if f.notified {
			f.notified = false
			return nil
		}
		f.deadline, f.expired = 0, false
		s.Leave(leftPark)
		return nil
	}
	at, err := f.limit(deadline)
	if err != nil {
		return err
	}
	if f.notified {
		f.notified = false
		return nil
	}
	f.SetDeadline(at)
	s.Leave(leftUntil)
	return nil
}

// Compiled_Fiber_linger is linger for compiled code.
func Compiled_Fiber_linger(s *abi.Stack, _ *abi.Frame, f *Fiber) {
	switch {
	case f.plainly(s):
		f.linger()
	case f.notified:
		f.notified = false
	default:
		f.deadline, f.expired = 0, false
		s.Leave(leftLinger)
	}
}

// Compiled_Fiber_yield is yield for compiled code.
func Compiled_Fiber_yield(s *abi.Stack, _ *abi.Frame, f *Fiber) {
	if f.plainly(s) {
		f.yield()
		return
	}
	f.loop.drain() // as in yield
	s.Leave(leftYield)
}

// Compiled_Fiber_Yield is Yield for compiled code.
func Compiled_Fiber_Yield(s *abi.Stack, _ *abi.Frame, f *Fiber) {
	if f.plainly(s) {
		f.Yield()
		return
	}
	f.Enter()
	f.loop.drain()
	s.Leave(leftGive)
}

// Compiled_Fiber_Sleep is Sleep for compiled code.
func Compiled_Fiber_Sleep(s *abi.Stack, _ *abi.Frame, f *Fiber, d time.Duration) error {
	if f.plainly(s) || d <= 0 {
		return f.Sleep(d)
	}
	f.Enter()
	at := f.loop.rt.after(d)
	until, err := f.limit(at)
	for err == nil && f.notified {
		f.notified = false
		until, err = f.limit(at)
	}
	if err != nil {
		f.Leave()
		if err == ErrTimeout {
			err = nil
		}
		return err
	}
	f.SetDeadline(until)
	s.Leave(leftSleep)
	return nil
}
