package fibertest

import (
	"testing/synctest"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// never is longer than any wait in a simulation. Simulated time gets there only if
// nothing else is left to happen, inside or outside the loop.
const never = 100 * 365 * 24 * time.Hour

// poller waits in simulated time, which jumps when everything else waits too.
type poller struct {
	sim   *Sim
	woken chan struct{} // capacity 1
	timer *time.Timer
}

// NewPoller makes the poller of a simulated loop. An engine with events of its own
// wraps it: it shortens the wait to its next event and passes it on.
func (s *Sim) NewPoller(*fiber.Loop) (fiber.Poller, error) {
	t := time.NewTimer(never)
	t.Stop()
	return &poller{sim: s, woken: make(chan struct{}, 1), timer: t}, nil
}

func (p *poller) Poll(d time.Duration) {
	if d == 0 {
		return
	}
	forever := d < 0
	if forever {
		d = never
	}
	since := p.sim.Now()
	p.timer.Reset(d)
	select {
	case <-p.woken:
		p.timer.Stop()
	case <-p.timer.C:
		if forever {
			select {
			case p.sim.stuck <- since:
			default:
			}
			<-p.woken
		}
	}
	synctest.Wait() // for whatever else happens at this time
}

func (p *poller) Wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *poller) Close() error { return nil }
