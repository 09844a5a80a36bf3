package fiber

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/heddle-go/heddle/fiber/abi"
)

// A Loop runs fibers one at a time: a run queue, timers, an inbox for other
// goroutines and a poller, in one heap object. A loop is a role, not a goroutine:
// whichever goroutine holds its baton runs it (see baton.go), and calls handlers on
// its own stack. Any of them may wait, because the holder can always give the baton
// away; so no local variable may hold loop state across user code.
//
// A loop is no lock for user data: a handler that blocked, or stalled the loop,
// goes on beside the others.
type Loop struct {
	// Immutable.
	rt     *Runtime
	poller Poller
	host   func()          // wakes the goroutine that pumps a guest loop; nil for others
	pick   func(n int) int // chooses the next of n ready fibers; nil: the oldest
	index  int             // in Runtime.loops

	// For any goroutine.
	baton    atomic.Uint64 // see baton.go
	inbox    inbox
	sleeping atomic.Bool   // the holder waits in the poller, or a guest between pumps
	wakers   atomic.Int32  // goroutines in wake: the poller must not be closed yet
	overstay atomic.Bool   // the monitor wants the running fiber to yield
	closing  atomic.Bool   // every park returns ErrClosed
	ended    chan struct{} // closed when the last goroutine of the loop is about to end
	reliefs  chan struct{} // the baton, for a goroutine waiting in relieve; capacity 1

	// Holder only.
	now        int64 // clock when last read: after each poll
	queue      queue
	polled     int                           // fibers run since the poller was last asked
	locked     bool                          // the leader may be locked to its thread: it must not swap
	seq        uint64                        // dispatch part of the last baton word
	current    *Fiber                        // the fiber that runs on the baton
	onOff      []func(f *Fiber, stolen bool) // see OnOff; set up before Start
	onPark     []func()                      // see OnPark; set up before Start
	beforePoll []func()                      // see BeforePoll; set up before Start
	fibers     roster                        // all live ones, and their deadlines

	// Goroutines without the baton; holder only.
	free        []*cell        // cells in which a standby sits
	cells       int            // all cells alive
	dying       []grave        // goroutines that wait for their end
	burial      chan bool      // of these, the one whose birth cell is ready
	idleReliefs int            // goroutines in relieve
	off         int            // fibers that run off the baton
	blocking    int            // fibers in Block
	blockQueue  []*blockWaiter // fibers that wait for a place in Block
	plainIdle   int            // of idleReliefs, those that go has started, which can end at any time

	trims  trims     // holder only; see trim.go
	frames abi.Lists // what compiled code needs; holder only

	guestSeat  *cell       // where the pumping goroutine waits; holder only
	guestTimer *time.Timer // wakes the host for the next timer; holder only
	guestDue   int64       // when guestTimer fires next, or fired; holder only
}

const (
	pollEvery  = 128 // fibers between two looks at the inbox, the timers and the poller
	reliefsMax = 64  // plain goroutines kept waiting in relieve

	threadLocksMax = 64 // nested LockOSThread of a fiber that ends without undoing them
)

// Now returns the loop's clock in nanoseconds since an arbitrary origin, as it was
// read at the start of the turn. On the baton only.
func (l *Loop) Now() int64 { return l.now }

// Clock reads the loop's clock anew. Any goroutine may call it.
func (l *Loop) Clock() int64 { return l.rt.clock() }

// Runtime returns the runtime the loop belongs to. Any goroutine may call it.
func (l *Loop) Runtime() *Runtime { return l.rt }

// Ended is closed when the loop has ended. Any goroutine may call it.
func (l *Loop) Ended() <-chan struct{} { return l.ended }

// Poller returns the loop's poller. Any goroutine may call it.
func (l *Loop) Poller() Poller { return l.poller }

// OnOff registers fn to be called, in loop mode, whenever a fiber goes on beside the
// loop in the middle of its user code, or has to let the others run there. stolen says
// that the fiber does not know it: its code may be reading memory of the loop's at this
// moment, or afterwards, which must be left to it. Otherwise the fiber itself makes the
// call. Call OnOff before the loop runs.
func (l *Loop) OnOff(fn func(f *Fiber, stolen bool)) { l.onOff = append(l.onOff, fn) }

// leaves calls what OnOff has registered. Holder only.
func (l *Loop) leaves(f *Fiber, stolen bool) {
	for _, fn := range l.onOff {
		fn(f, stolen)
	}
}

// OnPark registers fn to be called, in loop mode and in checked mode only, whenever a fiber
// begins to wait or a machine returns: the place to break what must not be used afterwards.
// Call it before the loop runs.
func (l *Loop) OnPark(fn func()) {
	if l.rt.checked {
		l.onPark = append(l.onPark, fn)
	}
}

// parks calls what OnPark has registered. Holder only.
func (l *Loop) parks() {
	for _, fn := range l.onPark {
		fn()
	}
}

// BeforePoll registers fn to be called, in loop mode, each time before the loop asks
// its poller for events: the place for what is done once a turn, such as flushing
// what the fibers of this turn left. Call it before the loop runs.
func (l *Loop) BeforePoll(fn func()) { l.beforePoll = append(l.beforePoll, fn) }

// Each calls fn for the machine of every live fiber. fn may not end fibers.
// Holder only.
func (l *Loop) Each(fn func(f *Fiber, m Machine)) {
	for _, e := range l.fibers.entries {
		fn(e.f, e.f.machine)
	}
}

// wake makes the loop look at its inbox if it waits. Any goroutine may call it.
func (l *Loop) wake() {
	if !l.sleeping.Load() {
		return
	}
	l.wakers.Add(1)
	if l.sleeping.CompareAndSwap(true, false) {
		if l.host != nil {
			l.host()
		} else {
			l.poller.Wake()
		}
	}
	l.wakers.Add(-1)
}

// lead runs the loop on the calling goroutine, which holds the baton, until the
// goroutine has given it away for good. born is its birth cell, nil for a goroutine
// started by go.
func (l *Loop) lead(born *cell) {
	// The goroutine inherits the profiler labels of whichever handler made it; it will
	// carry other fibers, so they must go.
	pprof.SetGoroutineLabels(context.Background())
	ended := false
	defer func() {
		if ended {
			return
		}
		if v := recover(); v != nil {
			// Not a fiber's panic, which ends in call, but a poller's or the core's. It
			// must reach the top of a stack; a pull goroutine would swallow it.
			stack := debug.Stack()
			go func() { panic(fmt.Sprintf("fiber: panic in loop mode: %v\n\n%s", v, stack)) }()
			select {}
		}
		l.exit(born)
	}()
	for l.turn(born) {
	}
	ended = true
}

// A grave is what a pull goroutine waits for to die: a standby in its birth cell.
type grave struct {
	cell *cell
	dug  chan bool
}

// exit gives the baton away for a goroutine that is ending by runtime.Goexit, or
// that ran a detached fiber. A pull goroutine must first have a standby in its birth
// cell; this one must have entered by yield, since next would pass the Goexit on to
// it. See inter.
func (l *Loop) exit(born *cell) {
	l.locked = false
	if born != nil {
		for range threadLocksMax {
			runtime.UnlockOSThread()
		}
		g := grave{born, make(chan bool, 1)}
		l.dying = append(l.dying, g)
		l.handOn()
		<-g.dug
		l.cells--
		return
	}
	l.handOn()
}

// turn is one round of the loop: run what is ready, then look at the inbox, the
// timers and the poller. It reports false if the caller must end.
func (l *Loop) turn(born *cell) bool {
	for l.polled < pollEvery && l.queue.n > 0 {
		l.polled++
		f := l.queue.head
		if l.pick != nil {
			f = l.queue.take(l.pick(l.queue.n))
		} else {
			l.queue.pop()
		}
		if !l.dispatch(f, born) {
			return false
		}
	}
	if l.off > 0 {
		runtime.Gosched()
		if l.pick != nil {
			l.pick(1) // a simulation lets them come to rest, so that it does not matter how fast they are
		}
	}
	if l.burial != nil || len(l.dying) > 0 {
		if !l.inter(born) {
			return false
		}
	}
	l.drain()
	if l.queue.n > 0 && l.polled < pollEvery {
		return true
	}
	if l.trimDue() && l.trim(born) {
		return false
	}
	if len(l.fibers.entries) == 0 && l.closing.Load() && l.queue.n == 0 && (l.guestSeat == nil || l.guestSeat.wake != nil) {
		if over, alive := l.shut(born); over {
			return alive
		}
	}
	l.polled = 0
	for _, fn := range l.beforePoll {
		fn()
	}
	if l.host != nil {
		return l.yieldToHost(born)
	}
	l.poll()
	return true
}

// poll collects events, waiting for them if nothing is ready.
func (l *Loop) poll() {
	wait := time.Duration(0)
	if l.queue.n == 0 && !l.givingUp() {
		wait = l.idle()
	}
	if wait == 0 {
		l.poller.Poll(0)
	} else {
		// Whoever posts after this store sees it and wakes the poller; whatever was
		// posted before is seen here.
		l.sleeping.Store(true)
		if l.inbox.empty() {
			l.poller.Poll(wait)
		}
		l.sleeping.Store(false)
		l.rt.watch()
	}
	l.now = l.rt.clock()
	l.expire()
}

// idle returns how long the poller may wait: until the next timer or the next look
// at what can be given up, -1 for as long as it takes.
func (l *Loop) idle() time.Duration {
	at := int64(0)
	if l.fibers.timed > 0 {
		at = l.fibers.entries[0].at
	}
	if l.trimming() && (at == 0 || l.trims.at < at) {
		at = l.trims.at
	}
	if at == 0 {
		return -1
	}
	return time.Duration(max(at-l.rt.clock(), 0))
}

// inter ends goroutines that wait for their end after a Goexit, one a turn. It
// reports false if the caller must end.
func (l *Loop) inter(born *cell) bool {
	if dug := l.burial; dug != nil {
		l.burial = nil
		return l.pass(dug, born)
	}
	for i, g := range l.dying {
		c := g.cell
		if c.slot < 0 {
			continue
		}
		l.dying = append(l.dying[:i], l.dying[i+1:]...)
		l.dropFree(c)
		if !c.pulled {
			return l.pass(g.dug, born)
		}
		// Its occupant entered by next. Take its place, by yield; it then does the
		// rest, and the end of the dead goroutine lets the caller out again.
		l.burial = g.dug
		c.swap()
		return true
	}
	return true
}

// pass gives the baton to the goroutine waiting on ch; the caller becomes a relief.
func (l *Loop) pass(ch chan bool, born *cell) bool {
	l.standAside(born)
	ch <- true
	return l.relieve(born)
}

// shut ends the loop's goroutines one after the other once no fiber lives. over
// says that the caller need not go on with its turn, alive whether it goes on
// leading.
func (l *Loop) shut(born *cell) (over, alive bool) {
	switch {
	case len(l.dying) > 0 || l.burial != nil:
		return true, true
	case l.cells > 0:
		end, _ := l.retire(born)
		return true, !end
	case !l.inbox.close():
		return false, true
	}
	close(l.reliefs)
	if l.guestTimer != nil {
		l.guestTimer.Stop()
	}
	for l.wakers.Load() > 0 {
		runtime.Gosched()
	}
	if l.poller != nil {
		l.poller.Close()
	}
	close(l.ended)
	// The host comes out last, so that a Pump from now on finds the loop ended.
	if c := l.guestSeat; c != nil {
		c.wake <- true
	}
	return true, false
}
