package fiber

import (
	"context"
	"math/rand/v2"
	"slices"
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
			if f.place != -1 || slices.ContainsFunc(l.fibers.entries, func(e entry) bool { return e.f == f }) {
				t.Fatalf("seed %d, step %d: the entry outlives its fiber", seed, step)
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
		r := &l.fibers
		if len(r.entries) != len(fibers) || r.timed > len(fibers) {
			t.Fatalf("seed %d, step %d: %d entries, %d in the heap", seed, step, len(r.entries), r.timed)
		}
		for i, e := range r.entries {
			if e.f.place != int32(i) {
				t.Fatalf("seed %d, step %d: the fiber at %d believes to be at %d", seed, step, i, e.f.place)
			}
			if i < r.timed {
				if i > 0 && r.entries[(i-1)/4].at > e.at {
					t.Fatalf("seed %d, step %d: the heap is broken at %d", seed, step, i)
				}
			} else if e.f.deadline != 0 {
				t.Fatalf("seed %d, step %d: a fiber with a deadline is behind the heap, at %d", seed, step, i)
			}
		}
	}
	for _, f := range fibers {
		l.bury(f, nil)
	}
	if r := l.fibers; len(r.entries) != 0 || r.timed != 0 {
		t.Errorf("%d entries left, %d in the heap", len(r.entries), r.timed)
	}
	if err := rt.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
