package fiber

import "fmt"

// The baton is the right to touch a loop's state. It is one atomic word:
//
//	batonLoop   the holder runs loop code (or waits in the poller)
//	batonIdle   nobody holds it: a guest loop between two pumps
//	odd         the holder runs user code; the word is that stretch of user code
//
// The odd values are never used twice: the high part counts dispatches, the low
// part the framework calls within one. So a framework call takes the baton back by
// CAS with its own fiber's word, and fails exactly when somebody took the baton in
// between; a monitor that sees one value twice knows that no framework call was
// made meanwhile, and one that sees one high part twice, that nothing else ran.
const (
	batonLoop uint64 = 0
	batonIdle uint64 = 2

	userBit      uint64 = 1
	callUnit     uint64 = 2
	callMask     uint64 = 1<<24 - 2
	dispatchUnit uint64 = 1 << 24
)

// begin makes f the running fiber. Holder only.
func (l *Loop) begin(f *Fiber) {
	l.seq += dispatchUnit
	f.word = l.seq | userBit
	f.state = stateRunning
	l.current = f
}

// BeginUser leaves loop mode for user code that belongs to site, which may be
// nil. If that code has stalled its loop before, the baton is handed on first and
// the code runs beside the loop. Only a Machine calls it, on the baton.
func (f *Fiber) BeginUser(site *Site) {
	l := f.loop
	f.site = site
	f.shared = false
	if l.rt.checked {
		l.rt.users.Store(f, goroutineID())
	}
	f.offStart, f.trial = site != nil && site.until.Load() != 0, false
	f.Leave()
}

// EndUser ends user code: the fiber is on the baton afterwards, whatever happened
// to it meanwhile, and children it left in a Group are canceled and have ended.
func (f *Fiber) EndUser() {
	f.Enter()
	f.cleanUp()
	f.endTrial()
	f.site = nil
}

// endTrial says, where user code gives the loop back, that it has not stalled it.
func (f *Fiber) endTrial() {
	if f.trial {
		f.trial = false
		f.site.passed()
	}
}

// cleanUp undoes what user code has left behind. On the baton.
func (f *Fiber) cleanUp() {
	f.offStart = false
	if r := f.root.Load(); r != nil {
		for r.groups != nil {
			r.groups.abandon(f)
		}
	}
	if f.stack.Active() {
		f.stack.Reset()
		f.loop.trims.soon = true // its frames may be too many now
	}
}

// Enter begins a framework call made by f's user code: afterwards the caller is
// on the baton, in loop mode, and may touch the state of f's loop. If f ran off
// the baton (Block, a stall), it waits for its turn. Calls do not nest; each is
// ended by Leave. Only f's own code may call it; drivers do so at the start of
// every call that touches loop state or may park.
func (f *Fiber) Enter() {
	if f.loop.rt.checked {
		f.check()
	}
	if !f.user {
		panic("fiber: " + f.Name() + " is used by code that is not running it")
	}
	f.user = false
	if !f.loop.baton.CompareAndSwap(f.word, batonLoop) {
		f.rejoin()
		if f.placed {
			f.placed = false
			f.loop.endBlock()
		}
	}
}

// Leave ends a framework call: f's user code goes on.
func (f *Fiber) Leave() {
	l := f.loop
	if l.overstay.Load() && f.word&callMask != 0 {
		// It has made framework calls for longer than StallAfter without ever
		// parking; the others have waited long enough.
		l.overstay.Store(false)
		f.GiveWay() // a yield alone would not look for events
	}
	// A place in Block is held only while the code runs beside the loop, not over a
	// park. A canceled fiber that gets none runs on the baton.
	if f.offStart && f.stillSuspect() && f.startBlock() == nil {
		f.placed, f.user = true, true
		f.goOff()
		return
	}
	f.user = true
	f.word = f.word&^callMask | (f.word+callUnit)&callMask
	l.baton.Store(f.word)
}

// stillSuspect asks the site of f, which has stalled, whether f's code must go on
// beside the loop. A fiber that lives long asks again and again.
func (f *Fiber) stillSuspect() bool {
	if f.adopted {
		return true
	}
	if f.site == nil {
		f.site = f.loop.rt.blame(f)
	}
	f.offStart, f.trial = f.site.startsOff(f.loop.now)
	return f.offStart
}

// Shared reports whether, since BeginUser, the fiber went on beside its loop or
// started another: then something else may still hold on to what its user code saw.
// On the baton only.
func (f *Fiber) Shared() bool { return f.shared }

// check panics if the caller is not the goroutine that runs f. Checked mode only.
func (f *Fiber) check() {
	id := goroutineID()
	if user, _ := f.loop.rt.users.Load(f); user != id {
		panic(fmt.Sprintf("fiber: %s runs on goroutine %v but was used by goroutine %d", f.Name(), user, id))
	}
}

// goOff hands the baton on and leaves f running beside the loop. On the baton.
func (f *Fiber) goOff() {
	f.loop.markOff(f, false)
	f.loop.handOn()
}

// markOff records that f runs beside the loop; stolen says that it does so without
// knowing. Holder only.
func (l *Loop) markOff(f *Fiber, stolen bool) {
	f.state = stateOff
	f.shared = true
	l.off++
	l.current = nil
	l.leaves(f, stolen)
}

// handOn gives the baton to another goroutine. The caller held it and does not
// afterwards; it must not touch loop state again.
func (l *Loop) handOn() {
	if l.idleReliefs > 0 {
		l.idleReliefs--
		l.reliefs <- struct{}{}
		return
	}
	go l.lead(nil)
}

// standAside counts the caller, whose birth cell is born, among the reliefs: it is about
// to give the baton away and to wait in relieve. Holder only.
func (l *Loop) standAside(born *cell) {
	l.idleReliefs++
	if born == nil {
		l.plainIdle++
	}
}

// relieve waits until the caller, who has stood aside and gave the baton away, gets it
// back. It reports false if the goroutine is to end instead: the loop has ended and it
// must touch nothing.
func (l *Loop) relieve(born *cell) bool {
	_, ok := <-l.reliefs
	if ok && born == nil {
		l.plainIdle--
	}
	return ok
}

// takeSeat returns a channel seat, for a goroutine that waits off the baton. The pool
// is the runtime's, since a channel must not cross the border of a synctest bubble.
func (rt *Runtime) takeSeat() *cell {
	if s, _ := rt.seats.Get().(*cell); s != nil {
		return s
	}
	return &cell{slot: -1, wake: make(chan bool, 1)}
}

// rejoin waits until the holder hands f the baton back. The caller runs off it.
func (f *Fiber) rejoin() {
	rt := f.loop.rt
	s := rt.takeSeat()
	f.seat = s
	f.post(postRejoin)
	<-s.wake
	rt.seats.Put(s)
}

// Detach makes f wait on a channel from now on whenever it parks, instead of
// switching stacks, until its function ends. Code that has called
// runtime.LockOSThread, or that runs inside a cgo callback, must call it before
// its next park: a switch on a locked thread ends the process. A park then costs
// two goroutine switches. Only the fiber's own code may call it.
func (f *Fiber) Detach() { f.detached = true }
