package fiber

import (
	"sync/atomic"

	"github.com/heddle-go/heddle/fiber/abi"
)

// Status is what a Machine reports when it gives the loop back its stack.
type Status uint8

const (
	// Done ends the fiber.
	Done Status = iota
	// Waiting keeps the fiber without a stack until it is made ready.
	Waiting
	// Again puts the fiber at the end of the run queue.
	Again
)

// A Machine is an explicit state machine: code that waits without holding a
// stack. The loop calls Resume in loop mode (on the baton, see Enter) whenever
// the fiber was made ready; wake-ups may be spurious, so Resume looks at its own
// state to learn what happened. Between BeginUser and EndUser it may call code
// that parks in the middle; the fiber then holds a stack for that long.
//
//fiberc:nowait
type Machine interface {
	Resume(f *Fiber) Status
}

// An Ender is a Machine that wants to know how its fiber ended: after Done with
// a nil error, after a panic with a *PanicError, after runtime.Goexit with
// ErrGoexit. Ended is called once, in loop mode, and may not park.
//
//fiberc:nowait
type Ender interface {
	Ended(f *Fiber, cause error)
}

// state says where a fiber is. Holder only; park.go has all its transitions.
type state uint8

const (
	stateNew     state = iota // not started
	stateQueued               // in the run queue
	stateRunning              // the holder runs it
	stateParked               // waits for Ready
	stateOff                  // runs off the baton: in Block, stolen from, or started so
	stateDone
)

// Reasons for which a fiber is in an inbox; bits of Fiber.posted.
const (
	postStart  uint32 = 1 << iota // start it on this loop
	postUnpark                    // make it ready
	postRejoin                    // it runs off the baton and wants it back
)

// A Fiber is a green thread: straight-line code that belongs to one loop, or a
// Machine. It may be embedded in a larger struct (a connection), which then
// costs no allocation of its own; it must not be copied.
//
// Every call that may park or that touches loop state names the fiber that makes
// it. Only the fiber's own code may use its methods, except Unpark and Loop,
// which any goroutine may call.
type Fiber struct {
	loop    *Loop                 // immutable once started
	machine Machine               // immutable once started
	next    *Fiber                // run queue; holder only
	root    atomic.Pointer[Scope] // outermost scope, made on demand by anyone
	stack   abi.Stack             // for user code that is compiled; the fiber only, see compiled.go

	word     uint64 // the value of the baton while its user code runs; the fiber only
	deadline int64  // Park gives up at this time, loop clock, 0 never; holder only
	place    int32  // in Loop.fibers; holder only
	state    state  // holder only
	user     bool   // its code is in user mode; the fiber only
	notified bool   // Ready came while it was not parked; holder only
	expired  bool   // its deadline passed; holder only
	offStart bool   // its site is suspect: ask whether user code goes on beside the loop; on the baton
	placed   bool   // offStart, and it holds a place in Block; the fiber only
	detached bool   // parks on a channel, see Detach; the fiber only
	shared   bool   // see Shared; holder only
	adopted  bool   // runs beside the loop always, see Adopt; the fiber only
	trial    bool   // its site is on trial, see Site; on the baton

	posted atomic.Uint32 // why it is in the inbox; anyone
	inbox  *Fiber        // next in the inbox; owned by whoever set a bit in posted first
	seat   *cell         // where its goroutine waits; holder only, but set by a stray before it posts itself
	site   *Site         // whose code runs, for the stall monitor; written on the baton only
}

// Loop returns the loop the fiber belongs to. Any goroutine may call it.
func (f *Fiber) Loop() *Loop { return f.loop }

// Name says which code the fiber runs, for logs and reports.
func (f *Fiber) Name() string {
	if f.site != nil {
		return f.site.Name()
	}
	return machineName(f.machine)
}

// Start makes f, a zero Fiber or one that has ended, run m on l. Holder of l
// only, in loop mode: a machine, an engine or the target of Loop.Post. A fiber that
// somebody may still Unpark can be started again only on the same loop.
func (l *Loop) Start(f *Fiber, m Machine) {
	f.init(l, m)
	l.adopt(f)
}

func (f *Fiber) init(l *Loop, m Machine) {
	if f.state != stateNew && f.state != stateDone {
		panic("fiber: Start of a fiber that is still alive")
	}
	if f.loop != l {
		f.loop = l // not written anew: a late Unpark may be reading it
	}
	f.machine = m
	f.state, f.place = stateNew, -1
	f.word, f.deadline = 0, 0
	f.user, f.notified, f.expired, f.offStart, f.placed, f.detached = false, false, false, false, false, false
	f.adopted, f.trial = false, false
	f.site, f.seat, f.stack = nil, nil, abi.Stack{}
	f.root.Store(nil)
}

// plain is the machine of a fiber made from a function.
type plain func(f *Fiber)

func (fn plain) Resume(f *Fiber) Status {
	if !f.Left() {
		f.Offer(abi.PC(fn))
		f.BeginUser(f.loop.rt.siteOf(fn))
		fn(f)
	} else if done := f.Continue(); done != nil {
		f.stack.Drop(done)
	}
	if f.Left() {
		return f.Wait()
	}
	f.EndUser()
	return Done
}

// Go starts fn in a new fiber on l. Any goroutine may call it; it returns at
// once. Once the loop has ended it returns ErrClosed and fn never runs; while the
// loop closes fn still runs, and every park in it returns ErrClosed.
func (l *Loop) Go(fn func(f *Fiber)) error {
	f := &Fiber{}
	f.init(l, plain(fn))
	return l.submit(f)
}

// Go starts fn in a new fiber on the same loop. Only the fiber's own code may
// call it. The new fiber is independent: nothing waits for it and no scope
// cancels it; use a Group for children.
func (f *Fiber) Go(fn func(f *Fiber)) {
	g := &Fiber{}
	g.init(f.loop, plain(fn))
	f.Enter()
	f.shared = true
	f.loop.adopt(g)
	f.Leave()
}

// submit hands a new fiber to its loop from any goroutine.
func (l *Loop) submit(f *Fiber) error {
	if !f.post(postStart) {
		return ErrClosed
	}
	return nil
}

// Post calls fn in loop mode on l, soon. Any goroutine may call it. fn must not
// block, park or panic. It returns ErrClosed, and fn never runs, once the loop
// has ended.
func (l *Loop) Post(fn func()) error {
	f := &Fiber{}
	f.init(l, posted(fn))
	return l.submit(f)
}

// posted is the machine of Loop.Post.
type posted func()

func (fn posted) Resume(*Fiber) Status { fn(); return Done }
