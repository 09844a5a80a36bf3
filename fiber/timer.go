package fiber

// Timers are a 4-ary min-heap of fibers by wake-up time, at most one entry a fiber.
//
// Deadlines move later all the time (each request renews a connection's idle
// time), so moving one later costs a store: the entry stays where it is, and when
// it comes up early it is put back at the fiber's real deadline. Clearing a
// deadline likewise leaves the entry; only the end of a fiber removes it, so that
// the heap never keeps a dead connection alive.

type timer struct {
	at int64
	f  *Fiber
}

// SetDeadline makes the fiber ready at the time at (on the loop's clock, see
// Loop.Now), with Expired set; 0 clears the deadline. Park has an argument for it;
// machines call it before they return Waiting, and the deadline stays until it
// passes or is set anew. On the baton only.
func (f *Fiber) SetDeadline(at int64) {
	f.deadline = at
	f.expired = false
	if at == 0 || f.timer != 0 && f.loop.timers[f.timer-1].at <= at {
		return
	}
	l := f.loop
	if f.timer == 0 {
		l.timers = append(l.timers, timer{at, f})
		f.timer = int32(len(l.timers))
	} else {
		l.timers[f.timer-1].at = at
	}
	l.siftUp(int(f.timer - 1))
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
	for len(l.timers) > 0 && l.timers[0].at <= l.now {
		f := l.timers[0].f
		switch {
		case f.deadline == 0:
			f.clearTimer()
		case f.deadline > l.now:
			l.timers[0].at = f.deadline
			l.siftDown(0)
		default:
			f.deadline = 0
			f.expired = true
			f.clearTimer()
			f.Ready()
		}
	}
}

// clearTimer removes the fiber's entry from the heap. Holder only.
func (f *Fiber) clearTimer() {
	if f.timer == 0 {
		return
	}
	l := f.loop
	i, last := int(f.timer-1), len(l.timers)-1
	f.timer = 0
	moved := l.timers[last]
	l.timers[last] = timer{}
	l.timers = l.timers[:last]
	if oversized(l.timers) {
		l.trims.soon = true
	}
	if i == last {
		return
	}
	l.timers[i] = moved
	moved.f.timer = int32(i + 1)
	l.siftDown(i)
	l.siftUp(int(moved.f.timer - 1))
}

func (l *Loop) siftUp(i int) {
	t := l.timers[i]
	for i > 0 {
		p := (i - 1) / 4
		if l.timers[p].at <= t.at {
			break
		}
		l.timers[i] = l.timers[p]
		l.timers[i].f.timer = int32(i + 1)
		i = p
	}
	l.timers[i] = t
	t.f.timer = int32(i + 1)
}

func (l *Loop) siftDown(i int) {
	t := l.timers[i]
	for {
		first := 4*i + 1
		if first >= len(l.timers) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(l.timers)); c++ {
			if l.timers[c].at < l.timers[least].at {
				least = c
			}
		}
		if t.at <= l.timers[least].at {
			break
		}
		l.timers[i] = l.timers[least]
		l.timers[i].f.timer = int32(i + 1)
		i = least
	}
	l.timers[i] = t
	t.f.timer = int32(i + 1)
}
