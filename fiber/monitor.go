package fiber

import "time"

// The monitor is one goroutine that looks at every loop's baton four times in
// StallAfter. A loop whose user code made no framework call for StallAfter is taken
// from it: the monitor takes the baton by CAS and hands it to another goroutine,
// and the stray queues up when it next wants it. A fiber that makes framework calls
// but never lets go is asked to yield. While every loop idles the monitor waits.
func (rt *Runtime) monitor() {
	type sight struct {
		word      uint64
		same, age time.Duration // for how long word, and its dispatch part, have been seen
	}
	var seen []sight
	clock := uptime() // real time, also in simulations
	period := max(rt.stallAfter/4, 100*time.Microsecond)
	tick := time.NewTicker(period)
	defer tick.Stop()
	last := clock()
	for {
		select {
		case <-tick.C:
		case <-rt.over:
			return
		}
		loops := rt.Loops()
		for len(seen) < len(loops) {
			seen = append(seen, sight{})
		}
		// A look that comes late says that the whole process had to wait for its CPU, and
		// nothing about the handler: it counts little more than one that is on time.
		now := clock()
		passed := min(time.Duration(now-last), period+period/2)
		last = now
		idle := true
		for i, l := range loops {
			s := &seen[i]
			w := l.baton.Load()
			if w == batonIdle || w == batonLoop && l.sleeping.Load() {
				*s = sight{}
				continue
			}
			idle = false
			if w&userBit == 0 {
				continue // between two stretches; the next look tells
			}
			if w>>24 != s.word>>24 {
				*s = sight{word: w}
				continue
			}
			s.same += passed
			s.age += passed
			switch {
			case w != s.word:
				s.word, s.same = w, 0
				if s.age >= rt.stallAfter {
					l.overstay.Store(true)
				}
			// Seen for three quarters of it, the code has run for that and up to a
			// quarter more: the loop is back at about StallAfter, not later.
			case s.same >= rt.stallAfter-period:
				if l.baton.CompareAndSwap(w, batonLoop) {
					rt.steal(l, s.same)
				}
				*s = sight{}
			}
		}
		if idle && !rt.rest(loops) {
			return
		}
	}
}

// rest waits until a loop has something to do. It reports false once the runtime is
// over.
func (rt *Runtime) rest(loops []*Loop) bool {
	rt.resting.Store(true)
	// A loop that wakes up after this store calls watch and sees it; one that woke
	// before is seen here.
	for _, l := range loops {
		if w := l.baton.Load(); w != batonIdle && !(w == batonLoop && l.sleeping.Load()) {
			rt.resting.Store(false)
			return true
		}
	}
	select {
	case <-rt.rouse:
		return true
	case <-rt.over:
		return false
	}
}

// watch tells the monitor that a loop works again. Any goroutine may call it.
func (rt *Runtime) watch() {
	if rt.resting.Load() && rt.resting.CompareAndSwap(true, false) {
		select {
		case rt.rouse <- struct{}{}:
		default:
		}
	}
}

// steal moves the running fiber of l beside it. The caller has just taken the
// baton from it.
func (rt *Runtime) steal(l *Loop, after time.Duration) {
	f := l.current
	s := rt.blame(f)
	l.markOff(f, true)
	f.offStart, f.trial = true, false // from its next framework call on
	first := s.stalledAt(rt.clock())
	rt.stalls.Add(1)
	l.handOn()
	if first {
		rt.log.Warn("fiber: handler stalls its loop and runs beside it from now on; wrap what blocks in Block",
			"handler", s.Name(), "after", after)
	}
}
