package fiber

import (
	"runtime"
	"testing"
	"time"
)

// rest lets so many periods pass in which the loop does nothing but look.
func rest(l *Loop, clock *manual, periods int) {
	for range periods {
		clock.advance(time.Duration(trimPeriod))
		turn(l)
	}
}

// onLoop returns what fn does on the baton.
func onLoop[T any](l *Loop, fn func() T) T {
	got := make(chan T, 1)
	l.Post(func() { got <- fn() })
	return <-got
}

// Goroutines that Block has made go as the cells do, whether those that wait for the
// baton are plain ones or were born with a cell.
func TestTrimReliefs(t *testing.T) {
	for name, park := range map[string]bool{"Block alone": false, "Block after parks": true} {
		t.Run(name, func(t *testing.T) {
			var clock manual
			rt := start(t, Config{Loops: 1, Clock: clock.read, StallAfter: -1})
			l := rt.Loops()[0]
			turn(l)
			before := runtime.NumGoroutine()
			if park {
				burst(rt, reliefsMax, func(f *Fiber) {})
			}
			hold := make(chan struct{})
			ended := make(chan struct{})
			const n = reliefsMax
			for range n {
				rt.Go(func(f *Fiber) {
					f.Block(func() { <-hold })
					ended <- struct{}{}
				})
			}
			for onLoop(l, func() int { return l.blocking }) < n {
				runtime.Gosched()
			}
			close(hold)
			for range n {
				<-ended
			}
			turn(l)
			if idle := onLoop(l, func() int { return l.plainIdle }); idle <= reliefsKept {
				t.Fatalf("%d plain reliefs after the burst: not the case to be tested", idle)
			}
			rest(l, &clock, 20)
			for range 1000 {
				// A standby in each cell that is kept, and the goroutine born with it as a relief.
				if runtime.NumGoroutine() <= before+2*(cellsKept+1)+reliefsKept {
					return
				}
				runtime.Gosched()
			}
			t.Errorf("%d goroutines, %d before the burst; cells, free, reliefs, plain ones: %v", runtime.NumGoroutine(), before,
				onLoop(l, func() [4]int { return [4]int{l.cells, len(l.free), l.idleReliefs, l.plainIdle} }))
		})
	}
}

// Tables that a burst has made large become small again.
func TestTrimTables(t *testing.T) {
	var clock manual
	rt := start(t, Config{Loops: 1, Clock: clock.read, StallAfter: -1})
	l := rt.Loops()[0]
	const n = 10 * tableKept
	done := make(chan struct{}, n)
	for range n {
		rt.Go(func(f *Fiber) {
			f.Sleep(time.Minute)
			done <- struct{}{}
		})
	}
	sizes := func() [2]int {
		return onLoop(l, func() [2]int { return [2]int{cap(l.fibers.entries), cap(l.free)} })
	}
	for onLoop(l, func() int { return l.fibers.timed }) < n {
		runtime.Gosched()
	}
	clock.advance(time.Minute)
	turn(l)
	for range n {
		<-done
	}
	rest(l, &clock, 20)
	for i, size := range sizes() {
		if name := [...]string{"fibers", "free cells"}[i]; size > 2*tableKept {
			t.Errorf("room for %d %s is left of %d", size, name, n)
		}
	}
}

// The functions of OnTrim are called again until they have nothing more to give up, and
// then the loop sleeps until TrimSoon.
func TestOnTrim(t *testing.T) {
	var clock manual
	rt, err := New(Config{Loops: 1, Clock: clock.read, StallAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	l := rt.Loops()[0]
	calls, left := 0, 0
	l.OnTrim(func() bool {
		calls++
		left = max(left-1, 0)
		return left > 0
	})
	rt.Start()
	defer rt.Close(t.Context())
	for round := range 2 {
		rest(l, &clock, 5)
		onLoop(l, func() bool { calls, left = 0, 3; l.TrimSoon(); return true })
		rest(l, &clock, 10)
		if n := onLoop(l, func() int { return calls }); n != 3 {
			t.Errorf("round %d: called %d times, want 3", round, n)
		}
		if d := onLoop(l, l.idle); d >= 0 {
			t.Errorf("round %d: the loop wakes up in %v though nothing is left", round, d)
		}
	}
}
