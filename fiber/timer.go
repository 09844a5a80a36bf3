package fiber

// Deadlines of fibers. Each fiber has one at most, in its entry of the roster.
//
// Deadlines move later all the time (each request renews a connection's idle
// time), so moving one later costs a store: the entry stays where it is, and when
// it comes up early it is put back at the fiber's real deadline. Clearing a
// deadline likewise leaves the entry among those that have one; it leaves them when it
// comes up, or with its fiber.

// SetDeadline makes the fiber ready at the time at (on the loop's clock, see
// Loop.Now), with Expired set; 0 clears the deadline. Park has an argument for it;
// machines call it before they return Waiting, and the deadline stays until it
// passes or is set anew. On the baton only.
func (f *Fiber) SetDeadline(at int64) {
	f.deadline = at
	f.expired = false
	if at == 0 {
		return
	}
	r, i := &f.loop.fibers, int(f.place)
	if i < r.timed && r.entries[i].at <= at {
		return
	}
	r.setTime(i, at)
}

// Expired reports, once, whether the fiber's deadline has passed since it was set.
// On the baton only.
func (f *Fiber) Expired() bool {
	e := f.expired
	f.expired = false
	return e
}

// expire makes every fiber ready whose deadline has passed. Holder only.
func (l *Loop) expire() {
	r := &l.fibers
	for r.timed > 0 && r.entries[0].at <= l.now {
		f := r.entries[0].f
		switch {
		case f.deadline == 0:
			r.clearTime(0)
		case f.deadline > l.now:
			r.entries[0].at = f.deadline
			r.siftDown(0)
		default:
			f.deadline = 0
			f.expired = true
			r.clearTime(0)
			f.Ready()
		}
	}
}
