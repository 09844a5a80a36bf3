package fiber

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
)

// cellsOf counts the loop's cells on its baton.
func cellsOf(l *Loop) (cells, free int) {
	got := make(chan [2]int)
	l.Post(func() { got <- [2]int{l.cells, len(l.free)} })
	n := <-got
	return n[0], n[1]
}

// turn makes the loop go through a whole turn, at the time its clock shows.
func turn(l *Loop) {
	for range 2 {
		done := make(chan struct{})
		l.Post(func() { close(done) })
		<-done
		asleep(l)
	}
}

// onStack is fn as code that is not compiled, whatever the tests are built with: what it
// waits in holds a goroutine.
func onStack(fn func(f *Fiber)) func(f *Fiber) {
	v := reflect.ValueOf(fn)
	return reflect.MakeFunc(v.Type(), v.Call).Interface().(func(f *Fiber))
}

// burst parks n fibers at once, each on a stack, and lets them go on, with fn, until they end.
func burst(rt *Runtime, n int, fn func(f *Fiber)) {
	var parked, ended sync.WaitGroup
	fibers := make([]*Fiber, n)
	for i := range n {
		parked.Add(1)
		ended.Add(1)
		rt.Go(onStack(func(f *Fiber) {
			defer ended.Done()
			f.Enter()
			fibers[i] = f
			parked.Done()
			f.Park(0)
			f.Leave()
			fn(f)
		}))
	}
	parked.Wait()
	for _, f := range fibers {
		f.Unpark()
	}
	ended.Wait()
}

// The stacks of a burst go back within a few periods, although nothing but the loop's
// timer runs; also when the fibers went through Block on the way, which turns pull
// goroutines into reliefs; and also on a guest loop.
func TestTrim(t *testing.T) {
	const n = 2000
	ways := map[string]func(f *Fiber){
		"after parks":       func(f *Fiber) {},
		"after yields":      func(f *Fiber) { f.Yield() },
		"after Block":       func(f *Fiber) { f.Block(runtime.Gosched) },
		"after Block twice": func(f *Fiber) { f.Block(func() {}); f.Yield(); f.Block(func() {}) },
	}
	for name, fn := range ways {
		t.Run(name, func(t *testing.T) {
			var clock manual
			rt := start(t, Config{Loops: 1, Clock: clock.read, StallAfter: -1})
			testTrim(t, rt, &clock, n, fn)
		})
		t.Run(name+", guest", func(t *testing.T) {
			var clock manual
			rt, _ := startGuest(t, Config{Clock: clock.read, StallAfter: -1})
			testTrim(t, rt, &clock, n, fn)
		})
	}
}

func testTrim(t *testing.T, rt *Runtime, clock *manual, n int, fn func(f *Fiber)) {
	l := rt.Loops()[0]
	turn(l)
	before := runtime.NumGoroutine()
	burst(rt, n, fn)
	cells, _ := cellsOf(l)
	if cells < n/2 {
		t.Fatalf("the burst made only %d cells", cells)
	}
	periods := 0
	for ; cells > cellsKept+1 && periods < 30; periods++ {
		clock.advance(time.Duration(trimPeriod))
		turn(l)
		cells, _ = cellsOf(l)
	}
	t.Logf("%d cells left after %d periods", cells, periods)
	if cells > cellsKept+1 {
		t.Errorf("%d cells left after %d periods", cells, periods)
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before+reliefsMax+cellsKept+1 {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines, %d before the burst", runtime.NumGoroutine(), before)
}

// Where cells cannot be given up, because the goroutines that would have to end are
// the stacks of fibers (in Block, here), the loop does not go on waking up to try.
func TestTrimGivesUp(t *testing.T) {
	var clock manual
	rt := start(t, Config{Loops: 1, Clock: clock.read, StallAfter: -1})
	l := rt.Loops()[0]
	const n = 50
	hold := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		burst(rt, n, func(f *Fiber) { f.Block(func() { <-hold }) })
	}()
	blocking := func() int {
		got := make(chan int)
		l.Post(func() { got <- l.blocking })
		return <-got
	}
	for blocking() < n {
		runtime.Gosched()
	}
	for range 10 {
		clock.advance(time.Duration(trimPeriod))
		turn(l)
	}
	if cells, free := cellsOf(l); free <= cellsKept {
		t.Fatalf("%d cells, %d free: not the case to be tested", cells, free)
	}
	wait := make(chan time.Duration)
	l.Post(func() { wait <- l.idle() })
	if d := <-wait; d >= 0 {
		t.Errorf("the loop wakes up in %v to trim", d)
	}
	close(hold)
	<-ended
	for range 20 {
		clock.advance(time.Duration(trimPeriod))
		turn(l)
	}
	if cells, _ := cellsOf(l); cells > cellsKept+1 {
		t.Errorf("%d cells left in the end", cells)
	}
}

// A goroutine that the framework starts in the middle of a handler does not carry
// the handler's profiler labels to other fibers.
func TestLabelsAreReset(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	do(t, rt, func(f *Fiber) {
		pprof.Do(context.Background(), pprof.Labels("who", "TestLabelsAreReset"), func(context.Context) {
			var wg sync.WaitGroup
			wg.Add(2)
			check := func(*Fiber) {
				if n := labeled("TestLabelsAreReset"); n != 1 {
					t.Errorf("%d goroutines have the handler's label, want its own only", n)
				}
				wg.Done()
			}
			f.Go(check)
			f.Sleep(time.Microsecond) // makes a cell
			f.Go(check)
			f.Block(wg.Wait) // starts a goroutine
		})
	})
}

// labeled counts the goroutines with a profiler label of that value.
func labeled(value string) int {
	var b strings.Builder
	pprof.Lookup("goroutine").WriteTo(&b, 1)
	n, group := 0, 0
	for line := range strings.Lines(b.String()) {
		fmt.Sscanf(line, "%d @", &group)
		if strings.HasPrefix(line, "# labels:") && strings.Contains(line, value) {
			n += group
		}
	}
	return n
}
