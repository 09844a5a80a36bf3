package fiber

import "time"

// A guest loop has no goroutine that waits for events: a foreign reactor pumps it.
// Fibers never run on the host's stack, which they could not leave: the host
// waits in a cell, like a parked fiber, while runners lead the loop, and comes out
// when nothing is ready any more, or after pollEvery fibers, since the host alone
// collects events. That costs two switches a pump, and only if there is something to
// run.

// Pump runs the loop on behalf of its host until no fiber is ready: fn is called
// first, in loop mode, on the caller's goroutine (it reports events by Ready), and
// may be nil. Fibers that never let the loop come to rest are interrupted: the host's
// wake function is then called for the next Pump. Only the host's goroutine may call
// it. A host locked to its thread must have said so by Config.HostLocked.
func (l *Loop) Pump(fn func()) {
	if !l.baton.CompareAndSwap(batonIdle, batonLoop) {
		select {
		case <-l.ended:
			return
		default:
			panic("fiber: Pump of a loop that is not idle")
		}
	}
	l.sleeping.Store(false)
	l.now = l.rt.clock()
	if fn != nil {
		fn()
	}
	l.drain()
	l.expire()
	if l.queue.n == 0 && !l.trimDue() && !l.closing.Load() {
		l.rest()
		return
	}
	l.rt.watch()
	if l.rt.hostLocked || l.closing.Load() {
		c := l.rt.takeSeat()
		l.guestSeat = c
		l.handOn()
		<-c.wake
		l.rt.seats.Put(c)
		return
	}
	c := l.takeCell()
	c.fiber = nil
	l.guestSeat = c
	c.swap()
	l.rest()
}

// yieldToHost ends a pump: the host's goroutine goes on. It reports false if the
// caller must end.
func (l *Loop) yieldToHost(born *cell) bool {
	if l.queue.n == 0 && l.givingUp() {
		return true
	}
	c := l.guestSeat
	l.guestSeat = nil
	if c.wake == nil {
		l.addFree(c, born)
		c.swap()
		return true
	}
	l.standAside(born)
	l.rest()
	c.wake <- true
	return l.relieve(born)
}

// rest lays the baton down between two pumps. The host is the caller or waits for
// it, so nobody takes the baton before rest returns.
func (l *Loop) rest() {
	wait := l.idle()
	now := l.rt.clock()
	again := l.queue.n > 0 || l.closing.Load() && len(l.fibers.entries) == 0
	l.baton.Store(batonIdle)
	l.sleeping.Store(true)
	// Whoever wants a Pump from here on finds the loop sleeping: the posters of what
	// is not in the inbox yet, and the timer, which is therefore set last.
	switch {
	case again || !l.inbox.empty():
		l.wake()
	case wait < 0:
	case l.guestTimer == nil:
		l.guestDue = now + int64(wait)
		l.guestTimer = time.AfterFunc(wait, l.wake)
	case now < l.guestDue && l.guestDue <= now+int64(wait):
		// The timer will fire before that. Deadlines are renewed all the time, and
		// setting it anew would cost each pump more than an early wake-up now and then.
	default:
		l.guestDue = now + int64(wait)
		l.guestTimer.Reset(wait)
	}
}
