package fiber

// This file has all state transitions of a fiber:
//
//	new     -> queued            adopt
//	queued  -> running           Loop.dispatch, switchOut (by Loop.begin)
//	running -> parked            Park, linger (a stack waits), settle (a machine: no stack)
//	running -> queued            yield, settle
//	running -> off               markOff: Block, the monitor, a handler known to stall
//	off     -> queued            drain of a rejoin post
//	parked  -> queued            Ready
//	running -> done              settle, crash
//
// Every transition happens on the baton. Ready is for the holder; any other
// goroutine uses Unpark, which goes through the inbox.

// adopt puts a new fiber into its loop. Holder only.
func (l *Loop) adopt(f *Fiber) {
	l.fibers.add(f)
	f.state = stateQueued
	l.queue.push(f)
}

// Ready makes f run soon. Wake-ups are not counted: a fiber that is ready already
// stays so, and one that runs will return from its next Park at once. Only the
// holder of f's loop may call it, in loop mode.
func (f *Fiber) Ready() {
	switch f.state {
	case stateParked:
		f.state = stateQueued
		f.loop.queue.push(f)
	case stateQueued, stateRunning, stateOff:
		// A queued fiber may be on its way back from elsewhere (Block, a stall, Yield)
		// and about to park, having looked at its condition before.
		f.notified = true
	}
}

// Unpark is Ready for any goroutine, at any time, even after f has ended.
func (f *Fiber) Unpark() { f.post(postUnpark) }

// Park waits until Ready or Unpark, the deadline (on the loop's clock, see
// Loop.Now; 0 for none) or cancellation. It returns nil when woken, which may be
// for no reason, so callers test their condition in a loop; ErrTimeout once the
// deadline has passed; or the cause of the cancellation. Cancellation and deadlines
// are looked at before waiting, too. Only the fiber's own code may call it, on the
// baton: between Enter and Leave.
func (f *Fiber) Park(deadline int64) error {
	if deadline != 0 || f.root.Load() != nil {
		return f.parkUntil(deadline)
	}
	l := f.loop
	if l.closing.Load() {
		return ErrClosed
	}
	if f.notified {
		f.notified = false
		return nil
	}
	f.deadline, f.expired = 0, false
	f.state = stateParked
	f.switchOut()
	// What came while f was queued is covered by this return, and so is the closing of
	// the runtime: the caller looks at its condition and, if that fails, parks again.
	f.notified = false
	return nil
}

// parkUntil is Park for a fiber whose wait may be given up.
func (f *Fiber) parkUntil(deadline int64) error {
	at, err := f.limit(deadline)
	if err != nil {
		return err
	}
	if f.notified {
		f.notified = false
		return nil
	}
	f.SetDeadline(at)
	f.state = stateParked
	f.switchOut()
	f.deadline = 0
	if f.expired {
		f.expired = false
		_, err = f.limit(deadline)
	} else {
		err = f.canceled()
	}
	if err == nil {
		f.notified = false
	}
	return err
}

// linger is Park for a wait that must not be given up: it returns when woken, maybe
// for no reason, and neither cancellation nor deadlines end it. A wait for children
// and the lock that a Cond owes its caller are such waits.
func (f *Fiber) linger() {
	if f.notified {
		f.notified = false
		return
	}
	f.deadline, f.expired = 0, false
	f.state = stateParked
	f.switchOut()
	f.notified = false
}

// limit returns the earlier of deadline and that of the fiber's scope, or why the
// fiber must not wait at all.
func (f *Fiber) limit(deadline int64) (int64, error) {
	if err := f.canceled(); err != nil {
		return 0, err
	}
	now := f.loop.now
	if s := f.innermost(); s != nil && s.deadline != 0 {
		if s.deadline <= now {
			s.expire()
			return 0, s.Err()
		}
		if deadline == 0 || s.deadline < deadline {
			deadline = s.deadline
			return deadline, nil
		}
	}
	if deadline != 0 && deadline <= now {
		return 0, ErrTimeout
	}
	return deadline, nil
}

// Yield lets every fiber that is ready run before f goes on.
// Only the fiber's own code may call it.
func (f *Fiber) Yield() {
	f.Enter()
	f.yield()
	f.Leave()
}

// GiveWay is a Yield that also makes the loop look at its inbox, its timers and its
// poller first. Drivers call it now and then in calls that could go on for ever
// without waiting. On the baton only; it is a park, but one that the code which made the
// call does not know of, so it keeps what was lent.
func (f *Fiber) GiveWay() {
	f.KeepLent()
	f.loop.polled = pollEvery
	f.yield()
}

// KeepLent makes the lenders of f's loop (Loop.OnOff) leave what they have lent to whoever
// has it: for calls that may park before they have done with what they were given. On the
// baton only.
func (f *Fiber) KeepLent() { f.loop.leaves(f, true) }

func (f *Fiber) yield() {
	f.loop.drain() // what f has unparked goes first
	f.state = stateQueued
	f.loop.queue.push(f)
	f.switchOut()
}

// switchOut gives the loop to another goroutine and comes back when the fiber is
// dispatched. Its state was set to parked or queued before. If the next fiber in
// line has a stack of its own, its goroutine takes the caller's place directly:
// one switch, not two.
func (f *Fiber) switchOut() {
	l := f.loop
	l.parks()
	f.endTrial()
	if f.detached {
		s := l.rt.takeSeat()
		f.seat = s
		l.handOn()
		<-s.wake
		l.rt.seats.Put(s)
		return
	}
	var c *cell
	if l.queue.n == 0 {
		// What was unparked through the inbox, often by f itself just now, saves a
		// switch and a poll if it is found here and not by the standby.
		l.drain()
	}
	if g := l.queue.head; g != nil && l.polled < pollEvery && l.pick == nil && (g == f || g.seat != nil && g.seat.wake == nil) {
		l.polled++
		l.queue.pop()
		l.begin(g)
		if g == f {
			return // a yield with nobody else in line
		}
		c, g.seat = g.seat, nil
	} else {
		c = l.takeCell()
	}
	f.seat = c
	c.fiber = f
	c.swap()
}

// dispatch runs f, which was just taken off the queue, until it ends or waits.
// born is the birth cell of the calling goroutine. It reports false if the caller
// gave the baton away for good and must end without touching the loop.
func (l *Loop) dispatch(f *Fiber, born *cell) bool {
	s := f.seat
	l.begin(f)
	switch {
	case s == nil:
		l.call(f)
		if l.locked {
			l.exit(born)
			return false
		}
		return true
	case s.wake == nil:
		f.seat = nil
		l.addFree(s, born)
		s.swap()
		return true
	}
	f.seat = nil
	if born == nil && l.idleReliefs >= reliefsMax {
		s.wake <- true
		return false
	}
	l.standAside(born)
	s.wake <- true
	return l.relieve(born)
}

// call resumes f's machine on the caller's own stack. User code inside it may
// park; then this frame waits with it, and the caller leads the loop again when it
// returns.
func (l *Loop) call(f *Fiber) {
	resumed, settled := false, false
	defer func() {
		if !settled {
			l.crash(f, recover(), resumed)
		}
	}()
	if !f.Left() {
		f.notified = false // Resume looks at everything; compiled user code does not
	}
	status := f.machine.Resume(f)
	resumed = true
	l.settle(f, status, nil)
	settled = true
	l.parks()
}

// settle records what a machine reported. Holder only.
func (l *Loop) settle(f *Fiber, status Status, cause error) {
	l.current = nil
	if f.detached {
		f.detached = false
		l.locked = true
	}
	switch status {
	case Waiting:
		if f.notified {
			f.notified = false
			f.state = stateQueued
			l.queue.push(f)
			return
		}
		f.state = stateParked
	case Again:
		f.state = stateQueued
		l.queue.push(f)
	default:
		l.bury(f, cause)
	}
}

// bury takes an ended fiber out of the loop. Holder only.
func (l *Loop) bury(f *Fiber, cause error) {
	f.EndScopes()
	l.fibers.remove(f)
	if l.rt.checked {
		l.rt.users.Delete(f)
	}
	f.state = stateDone
	if e, ok := f.machine.(Ender); ok {
		e.Ended(f, cause)
	}
}
