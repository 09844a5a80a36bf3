package fiber

import "time"

// A Poller is where a loop waits: for a network engine, or for nothing but the
// clock and Wake.
//
//fiberc:nowait
type Poller interface {
	// Poll collects events and makes the fibers they concern ready. It waits for
	// the first one at most d; 0 means not at all, a negative d for ever. The
	// holder calls it, in loop mode. Interrupted or failing waits return early.
	Poll(d time.Duration)
	// Wake ends the current or else the next Poll early. Any goroutine calls it.
	Wake()
	// Close frees what the poller holds. It is the last call.
	Close() error
}

// sleeper is the poller of loops without a network.
type sleeper struct {
	woken chan struct{} // capacity 1
	timer *time.Timer
}

func newSleeper() *sleeper {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &sleeper{woken: make(chan struct{}, 1), timer: t}
}

func (s *sleeper) Poll(d time.Duration) {
	if d == 0 {
		return
	}
	if d < 0 {
		<-s.woken
		return
	}
	s.timer.Reset(d)
	select {
	case <-s.woken:
	case <-s.timer.C:
	}
	s.timer.Stop()
}

func (s *sleeper) Wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *sleeper) Close() error { return nil }
