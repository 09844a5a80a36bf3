package fiber

import (
	"testing"
	"time"
)

// A fiber that lives long, as one for a TCP connection does, costs its loop one stall:
// from its next framework call on its code runs beside the loop.
func TestStallInALongLife(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: 20 * time.Millisecond})
	do(t, rt, func(f *Fiber) {
		for rt.Stats().Stalls == 0 {
			time.Sleep(30 * time.Millisecond) // blocks without a word
		}
		for range 5 {
			f.Yield()
			if f.Loop().baton.Load()&userBit != 0 && f.Loop().baton.Load() == f.word {
				t.Error("a fiber that has stalled goes on on the baton")
			}
			time.Sleep(30 * time.Millisecond)
		}
	})
	if n := rt.Stats().Stalls; n != 1 {
		t.Errorf("%d stalls, want 1", n)
	}
}
