package abi

// A range over a function whose body may wait. In plain code the compiler of Go makes the
// body a function that the iterator calls; in a second body fiberc does, and a Loop is
// what gc keeps beside such a function: whether it may be called now, and which way out of
// it was taken.

// A Loop is one execution of such a range statement. The fiber's own code only.
type Loop struct {
	pc    uintptr // entry PC of the body as a function value
	plain *Stack  // see Plain
	way   int32
	state loopState
}

type loopState uint8

const (
	loopReady   loopState = iota
	loopRunning           // the body is active, or has panicked
	loopDone              // the body has returned false
	loopOver              // the statement has ended
)

// Note notes the entry PC of the body.
func (lp *Loop) Note(pc uintptr) { lp.pc = pc }

// PC returns it.
func (lp *Loop) PC() uintptr { return lp.pc }

// Plain returns a Stack for a body that an iterator calls of which nothing is known, maybe
// on another goroutine. It is no fiber's, so what waits keeps its goroutine.
func (lp *Loop) Plain() *Stack {
	if lp.plain == nil {
		lp.plain = newStack()
	}
	return lp.plain
}

// Enter begins an iteration. It panics as gc does if the iterator must not call the body
// any more, or not yet.
func (lp *Loop) Enter() {
	if lp.state != loopReady {
		lp.misused()
	}
	lp.state = loopRunning
}

// Next ends an iteration after which others may come.
func (lp *Loop) Next() { lp.state = loopReady }

// Leave ends the last iteration by the way out with that number, 0 for break.
func (lp *Loop) Leave(way int32) { lp.state, lp.way = loopDone, way }

// Over ends the loop, when the iterator has returned, and returns the way out. It panics
// as gc does if the body has panicked and the iterator keeps that to itself.
func (lp *Loop) Over() int32 {
	was := lp.state
	lp.state = loopOver
	if was == loopRunning {
		swallow()
	}
	return lp.way
}

// misused panics in the way gc's loops do, which have no other way to be had than to do
// what they panic for.
func (lp *Loop) misused() {
	var again func() bool
	switch lp.state {
	case loopDone:
		for range func(yield func() bool) { yield(); yield() } {
			break
		}
	case loopRunning:
		for range func(yield func() bool) {
			func() {
				defer func() { recover() }()
				yield()
			}()
			yield()
		} {
			panic(nil)
		}
	case loopOver:
		for range func(yield func() bool) { again = yield } {
		}
		again()
	}
}

// swallow panics as gc does after an iterator that has recovered the panic of a body.
func swallow() {
	for range func(yield func() bool) {
		defer func() { recover() }()
		yield()
	} {
		panic(nil)
	}
}

// Pin makes all that waits keep its goroutine, as in plain code, until Unpin: compiled code
// is called by code that is not, and cannot leave. It returns what Unpin wants.
func (s *Stack) Pin() (was bool) {
	was, s.run.pinned = s.run.pinned, true
	return was
}

// Unpin ends what Pin began.
func (s *Stack) Unpin(was bool) { s.run.pinned = was }

// Pinned reports whether what waits keeps its goroutine.
func (s *Stack) Pinned() bool { return s.run.pinned }
