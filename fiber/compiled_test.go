package fiber

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber/abi"
)

// The compiled code of these tests and benchmarks is written by hand, in the form that
// fiberc writes it.

// chainFrame is of a function that calls itself depth times, and then leaves.
type chainFrame struct {
	abi.Result[abi.R1[int]]
	depth int
}

var (
	chainKind   uint16
	leavesKind  uint16
	chainRootPC uintptr
)

func init() {
	chainKind = abi.Register[chainFrame](&abi.Kind{Name: "chain", Lines: []string{"chain.go:1"}, Resume: resumeChain})
	leavesKind = abi.Register[leavesFrame](&abi.Kind{Name: "leaves", Lines: []string{"leaves.go:1", "leaves.go:2"}, Resume: resumeLeaves})
}

func resumeChain(s *abi.Stack, h *abi.Frame) {
	fr := abi.As[chainFrame](h)
	r := compiledChain(s, fr, nil, 0, 0)
	if !s.Left() {
		fr.depth = 0
		fr.R.A = r
	}
}

//go:noinline
func compiledChain(s *abi.Stack, fr *chainFrame, f *Fiber, depth, n int) (r int) {
	if fr != nil {
		depth = fr.depth
		r = abi.Take[abi.R1[int]](s, &fr.Frame).A
		goto after1
	}
	if depth <= 1 {
		return compiledLeaves(s, nil, f, n) // tail call
	}
	r = compiledChain(s, nil, f, depth-1, n)
	if s.Left() {
		if fr == nil {
			fr = abi.New[chainFrame](s, chainKind)
		}
		fr.depth = depth
		s.Link(&fr.Frame, 1)
		return
	}
after1:
	return r + depth
}

// leavesFrame is of a function that yields n times, or sleeps for ever if n is negative.
type leavesFrame struct {
	abi.Result[abi.R1[int]]
	f    *Fiber
	n, i int
}

func resumeLeaves(s *abi.Stack, h *abi.Frame) {
	fr := abi.As[leavesFrame](h)
	r := compiledLeaves(s, fr, nil, 0)
	if !s.Left() {
		fr.f, fr.n, fr.i = nil, 0, 0
		fr.R.A = r
	}
}

//go:noinline
func compiledLeaves(s *abi.Stack, fr *leavesFrame, f *Fiber, n int) (r int) {
	var i int
	if fr != nil {
		f, n, i = fr.f, fr.n, fr.i
		abi.Skip(s, &fr.Frame)
		if fr.PC() == 2 {
			goto end1
		}
		goto after1
	}
	i = 0
	if n < 0 {
		Compiled_Fiber_Sleep(s, nil, f, 24*time.Hour)
		if s.Left() {
			if fr == nil {
				fr = abi.New[leavesFrame](s, leavesKind)
			}
			s.Link(&fr.Frame, 2)
			return
		}
	}
loop1:
	if !(i < n) {
		goto end1
	}
	Compiled_Fiber_Yield(s, nil, f)
	if s.Left() {
		if fr == nil {
			fr = abi.New[leavesFrame](s, leavesKind)
		}
		fr.f, fr.n, fr.i = f, n, i
		s.Link(&fr.Frame, 1)
		return
	}
after1:
	i++
	goto loop1
end1:
	return 1
}

//go:noinline
func plainChain(f *Fiber, depth, n int) int {
	if depth <= 1 {
		return plainLeaves(f, n)
	}
	return plainChain(f, depth-1, n) + depth
}

//go:noinline
func plainLeaves(f *Fiber, n int) int {
	for range n {
		f.Yield()
	}
	if n < 0 {
		f.Sleep(24 * time.Hour)
	}
	return 1
}

// Of the loop: its fibers must not run beside it, see chained.
var (
	chainDepth, chainN, chainGot int
)

// chained is the runtime of fibers that run chainRoot.
func chained(t *testing.T) *Runtime { return start(t, Config{Loops: 1, StallAfter: -1}) }

// chainRoot is a function value with two bodies.
func chainRoot(f *Fiber) {
	if s := StackOf(f); s != nil && s.Accept(chainRootPC) {
		compiledRoot(s, nil, f)
		return
	}
	chainGot = plainChain(f, chainDepth, chainN)
}

type rootFrame struct{ abi.Frame }

var rootKind uint16

func init() {
	chainRootPC = abi.PC(chainRoot)
	rootKind = abi.Register[rootFrame](&abi.Kind{Name: "root", Lines: []string{"root.go:1"}, Resume: func(s *abi.Stack, h *abi.Frame) {
		compiledRoot(s, abi.As[rootFrame](h), nil)
	}})
}

func compiledRoot(s *abi.Stack, fr *rootFrame, f *Fiber) {
	if fr != nil {
		chainGot = abi.Take[abi.R1[int]](s, &fr.Frame).A
		return
	}
	r := compiledChain(s, nil, f, chainDepth, chainN)
	if s.Left() {
		fr = abi.New[rootFrame](s, rootKind)
		s.Link(&fr.Frame, 1)
		return
	}
	chainGot = r
}

// Whatever the depth, the results come up through frames and the fiber ends; frames and
// stacks are used again.
func TestCompiledChain(t *testing.T) {
	rt := chained(t)
	for depth := 1; depth <= 9; depth++ {
		for n := 0; n < 3; n++ {
			want := 1
			for d := 2; d <= depth; d++ {
				want += d
			}
			end := make(chan int, 1)
			rt.Loops()[0].Post(func() { chainDepth, chainN, chainGot = depth, n, -1 })
			rt.Go(chainRoot)
			for got := -1; got < 0; {
				rt.Loops()[0].Post(func() { end <- chainGot })
				if got = <-end; got >= 0 && got != want {
					t.Fatalf("depth %d, %d parks: %d, want %d", depth, n, got, want)
				}
			}
		}
	}
}

// Fibers that wait in compiled code hold no goroutine, closing wakes them, and they end.
func TestCompiledFibersHoldNoGoroutine(t *testing.T) {
	rt := chained(t)
	before := runtime.NumGoroutine()
	ready := make(chan struct{})
	rt.Loops()[0].Post(func() { chainDepth, chainN = 3, -1; close(ready) })
	<-ready
	for range 1000 {
		rt.Go(chainRoot)
	}
	trace := make(chan []string)
	for left := 0; left < 1000; {
		rt.loops[0].Post(func() {
			n := 0
			for _, e := range rt.loops[0].fibers.entries {
				if e.f.Left() {
					n++
				}
			}
			trace <- []string{strconv.Itoa(n)}
		})
		left, _ = strconv.Atoi((<-trace)[0])
	}
	rt.loops[0].Post(func() {
		i := slices.IndexFunc(rt.loops[0].fibers.entries, func(e entry) bool { return e.f.Left() })
		trace <- rt.loops[0].fibers.entries[i].f.stack.Trace()
	})
	got := <-trace
	want := []string{"leaves (leaves.go:2)", "chain (chain.go:1)", "chain (chain.go:1)", "root (root.go:1)"}
	if compiled := []string{"fiber.plainLeaves", "fiber.plainChain", "fiber.plainChain", "fiber.chainRoot"}; got[0] != want[0] {
		want = compiled // by fiberc, so that what is written by hand here is not called
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], " ")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("a waiting fiber's functions are %q, want %q", got, want)
	}
	if n := runtime.NumGoroutine(); n > before+8 {
		t.Errorf("%d goroutines for 1000 fibers", n-before)
	}
}

// A leaf named for another fiber than the one that runs, or bound to its thread, waits
// on the stack.
func TestCompiledLeafOfAnotherFiber(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	do(t, rt, func(f *Fiber) {
		var other Fiber
		other.stack.Begin(&rt.loops[0].frames)
		s := &other.stack
		Compiled_Fiber_Yield(s, nil, f)
		if err := Compiled_Fiber_Sleep(s, nil, f, time.Microsecond); err != nil || s.Left() {
			t.Error("left a stack that is not the fiber's", err)
		}
	})
}

func BenchmarkCompiledPark(b *testing.B) {
	for _, depth := range []int{1, 3, 8, 32} {
		b.Run(fmt.Sprint("depth=", depth), func(b *testing.B) {
			// As many chains as there are rounds: each is entered, left and resumed once.
			rt := start(b, Config{Loops: 1, StallAfter: -1})
			rt.loops[0].Post(func() { chainDepth, chainN = depth, 1 })
			b.ReportAllocs()
			runRounds(b, rt, depth, 1, b.N)
		})
	}
}

// A leaf that parks again and again under deep callers.
func BenchmarkCompiledLeaf(b *testing.B) {
	for _, depth := range []int{1, 32} {
		b.Run(fmt.Sprint("depth=", depth), func(b *testing.B) {
			rt := start(b, Config{Loops: 1, StallAfter: -1})
			b.ReportAllocs()
			runRounds(b, rt, depth, b.N, 1)
		})
	}
}

// runRounds runs rounds chains, one after the other, in one compiled fiber.
func runRounds(b *testing.B, rt *Runtime, depth, n, rounds int) {
	over := make(chan struct{})
	rt.loops[0].Post(func() {
		f := &Fiber{}
		f.init(rt.loops[0], &rounder{depth: depth, n: n, rounds: rounds, b: b, over: over})
		rt.loops[0].adopt(f)
	})
	<-over
}

// A rounder is a machine that calls the compiled chain again and again.
type rounder struct {
	depth, n, rounds int
	b                *testing.B
	over             chan struct{}
	began            bool
}

func (m *rounder) Resume(f *Fiber) Status {
	if !m.began {
		m.began = true
		m.b.ResetTimer()
	} else {
		done := f.Continue()
		if done == nil {
			return f.Wait()
		}
		abi.Results[abi.R1[int]](&f.stack, done)
		f.EndUser()
		m.rounds--
	}
	for ; m.rounds > 0; m.rounds-- {
		f.offer(1)
		f.BeginUser(nil)
		compiledChain(&f.stack, nil, f, m.depth, m.n)
		if f.Left() {
			return f.Wait()
		}
		f.EndUser()
	}
	m.b.StopTimer()
	close(m.over)
	return Done
}

// What it costs that a chain of calls could park, when it does not.
func BenchmarkCompiledCalls(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			plainChain(nil, 8, 0)
		}
	})
	b.Run("compiled", func(b *testing.B) {
		s := abi.Chaos()
		for b.Loop() {
			compiledChain(s, nil, nil, 8, 0)
		}
	})
}

// Bytes of heap for each fiber that waits in compiled code at depth 3.
func BenchmarkCompiledMemory(b *testing.B) {
	const n = 1_000_000
	for range b.N {
		rt := start(b, Config{Loops: 1, StallAfter: -1})
		ready := make(chan struct{})
		rt.loops[0].Post(func() { chainDepth, chainN = 2, -1; close(ready) })
		<-ready
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range n {
			rt.Go(chainRoot)
		}
		for live := make(chan int); ; time.Sleep(time.Millisecond) {
			rt.loops[0].Post(func() { live <- rt.loops[0].queue.n })
			if <-live == 0 {
				break
			}
		}
		at := time.Now()
		runtime.GC()
		gc := time.Since(at)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/fiber")
		b.ReportMetric(float64(gc.Milliseconds()), "ms/GC")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		rt.Close(ctx)
		cancel()
	}
}
