package fiber

import (
	"context"
	"math/rand/v2"
	"testing"
)

// Timers against a model: fibers whose deadlines are set, moved both ways and cleared
// at random, and which end and start again.
func TestTimersAgainstModel(t *testing.T) {
	seed, _ := firstSeed(t)
	rnd := rand.New(rand.NewPCG(seed, 3))
	rt, err := New(Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := rt.loops[0]
	l.now = 1
	fibers := make([]*Fiber, 100)
	model := map[*Fiber]int64{} // the deadlines
	live := func(f *Fiber) {
		f.init(l, posted(func() {}))
		l.adopt(f)
		l.queue.take(l.queue.n - 1)
		f.state = stateParked
	}
	for i := range fibers {
		fibers[i] = &Fiber{}
		live(fibers[i])
	}
	for step := range 50_000 {
		f := fibers[rnd.IntN(len(fibers))]
		switch rnd.IntN(8) {
		case 0:
			f.SetDeadline(0)
			delete(model, f)
		case 1:
			l.bury(f, nil)
			delete(model, f)
			if f.timer != 0 {
				t.Fatalf("seed %d, step %d: the timer outlives its fiber", seed, step)
			}
			live(f)
		case 2:
			l.now += int64(rnd.IntN(50))
			l.expire()
			for _, f := range fibers {
				at := model[f]
				due := at != 0 && at <= l.now
				if due != f.expired || due != (f.state == stateQueued) {
					t.Fatalf("seed %d, step %d: at %d, deadline %d: expired=%v state=%d", seed, step, l.now, at, f.expired, f.state)
				}
				if due {
					delete(model, f)
					if !f.Expired() || f.Expired() {
						t.Fatalf("seed %d, step %d: Expired is not reported once", seed, step)
					}
				}
			}
			for f := l.queue.pop(); f != nil; f = l.queue.pop() {
				f.state = stateParked
			}
		default:
			at := l.now + 1 + int64(rnd.IntN(500))
			f.SetDeadline(at)
			model[f] = at
		}
		for i, e := range l.timers {
			if e.f.timer != int32(i+1) || i > 0 && l.timers[(i-1)/4].at > e.at {
				t.Fatalf("seed %d, step %d: the heap is broken at %d", seed, step, i)
			}
		}
	}
	for _, f := range fibers {
		l.bury(f, nil)
	}
	if len(l.timers) != 0 {
		t.Errorf("%d timers left", len(l.timers))
	}
	if err := rt.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
