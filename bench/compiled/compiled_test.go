package compiled

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/heddle-go/heddle/bench/proc"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/fiber/abi"
)

var config = fiber.Config{Loops: 1, StallAfter: -1}

func start(t testing.TB) *fiber.Runtime {
	t.Helper()
	rt, err := fiber.New(config)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := rt.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return rt
}

// wantCompiled skips a benchmark of a plain build, which would measure something else, and
// fails it if fiberc left the code on a stack.
func wantCompiled(b *testing.B) {
	b.Helper()
	if !abi.InUse() {
		b.Skip("this is not a build of fiberc: run `fiberc test -run '^$' -bench . ./bench/compiled`")
	}
	const n = 1000
	before := runtime.NumGoroutine()
	park(start(b), n)
	if more := runtime.NumGoroutine() - before; more > n/10 {
		b.Fatalf("%d parked fibers hold %d goroutines: fiberc has not compiled them", n, more)
	}
}

// Whatever the build, fibers and threads do the same.
func TestSameResults(t *testing.T) {
	rt := start(t)
	const depth, n = 5, 3
	each := plainChain(&thread{}, depth-1, 1)
	for what, c := range map[string]struct {
		fn   func(over func()) func(*fiber.Fiber)
		want int
	}{
		"calls":     {func(over func()) func(*fiber.Fiber) { return calls(depth-1, n, over) }, n * each},
		"parks":     {func(over func()) func(*fiber.Fiber) { return parks(depth, n, over) }, n * each},
		"leafParks": {func(over func()) func(*fiber.Fiber) { return leafParks(depth, n, over) }, each},
		"pair": {func(over func()) func(*fiber.Fiber) {
			p := &pair{depth: depth, n: n, over: over}
			return p.first()
		}, 2*n*each - each}, // the second's last wait is not over when the first ends
	} {
		got := make(chan int, 1)
		sum = 0
		rt.Go(c.fn(func() { got <- sum }))
		if g := <-got; g != c.want {
			t.Errorf("%s: %d, want %d", what, g, c.want)
		}
		settled := make(chan struct{})
		rt.Go(func(f *fiber.Fiber) { f.Yield(); close(settled) }) // the second ends
		<-settled
	}
}

// A contender does something n times.
type contender struct {
	name string
	run  func(n int)
}

// turns is how often contenders take turns in a benchmark.
const turns = 20

// compare lets ours and rival take turns, b.N times each in all, and reports the medians of
// their times, of the ratios of the times of a turn, and what ours allocates. Times are
// CPU time of the process: on a machine where nothing else runs that of one loop is the
// time that passes, and on another it is still right.
func compare(b *testing.B, ours, rival contender) {
	wantCompiled(b)
	each := max(b.N/turns, 1)
	var times [2][]float64
	var ratios []float64
	var allocated uint64
	for range min(turns, b.N) {
		var turn [2]float64
		for i, c := range []contender{ours, rival} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin, err := cpuTime()
			if err != nil {
				b.Skip("needs Linux and its CPU clock of a process: ", err)
			}
			c.run(each)
			end, _ := cpuTime()
			turn[i] = float64(end-begin) / float64(each)
			runtime.ReadMemStats(&after)
			if i == 0 {
				allocated += after.Mallocs - before.Mallocs
			}
			times[i] = append(times[i], turn[i])
		}
		ratios = append(ratios, turn[0]/turn[1])
	}
	b.ReportMetric(0, "ns/op") // of both: it says nothing
	b.ReportMetric(median(times[0]), "ns/"+ours.name)
	b.ReportMetric(median(times[1]), "ns/"+rival.name)
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(math.Floor(float64(allocated)/float64(each*len(ratios))), "allocs/"+ours.name)
}

// cpuTime is that of this process so far.
func cpuTime() (time.Duration, error) {
	cpu, err := proc.ReadCPU(os.Getpid())
	if err == nil && cpu.Clock == 0 {
		err = errors.ErrUnsupported
	}
	return cpu.Clock, err
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	n := len(figures)
	return (figures[(n-1)/2] + figures[n/2]) / 2
}

// fibers is a contender that starts a fiber and waits for its function's end.
func fibers(rt *fiber.Runtime, name string, fn func(n int, over func()) func(*fiber.Fiber)) contender {
	return contender{name, func(n int) {
		over := make(chan struct{})
		rt.Go(fn(n, func() { close(over) }))
		<-over
	}}
}

// threads is one that calls a function of a goroutine.
func threads(name string, fn func(t *thread, n int)) contender {
	return contender{name, func(n int) {
		over := make(chan struct{})
		go func() {
			defer close(over)
			fn(&thread{make(chan struct{})}, n)
		}()
		<-over
	}}
}

// A chain of 8 trivial calls that could park and does not, beside one without a fiber.
func BenchmarkCalls(b *testing.B) {
	const length = 8
	compare(b,
		fibers(start(b), "compiled", func(n int, over func()) func(*fiber.Fiber) { return calls(length, n, over) }),
		threads("plain", func(t *thread, n int) {
			for range n {
				sum += plainChain(t, length, 0)
			}
		}))
}

// A fiber goes down to a depth, yields and comes up again, beside a goroutine in Gosched.
func BenchmarkPark(b *testing.B) {
	for _, depth := range []int{1, 3, 8, 32} {
		b.Run(fmt.Sprint("depth=", depth), func(b *testing.B) {
			compare(b,
				fibers(start(b), "fiber", func(n int, over func()) func(*fiber.Fiber) { return parks(depth, n, over) }),
				threads("goroutine", func(t *thread, n int) {
					for range n {
						if depth == 1 {
							t.yield()
						} else {
							sum += plainChain(t, depth-1, 1)
						}
					}
				}))
		})
	}
}

// Two fibers wake each other, each time going down to a depth, beside two goroutines with
// channels. The figures are of two parks and two wake-ups.
func BenchmarkPair(b *testing.B) {
	for _, depth := range []int{1, 3, 8} {
		b.Run(fmt.Sprint("depth=", depth), func(b *testing.B) {
			compare(b,
				fibers(start(b), "fibers", func(n int, over func()) func(*fiber.Fiber) {
					p := &pair{depth: depth, n: n, over: over}
					return p.first()
				}),
				threads("goroutines", func(t *thread, n int) { plainPair(t, depth, n) }))
		})
	}
}

func plainPair(t *thread, depth, n int) {
	wait := func(t *thread) {
		if depth == 1 {
			t.park()
		} else {
			plainAwait(t, depth-1)
		}
	}
	other := &thread{make(chan struct{})}
	go func() {
		for range n {
			t.ready()
			wait(other)
		}
	}()
	for range n {
		wait(t)
		other.ready()
	}
}

// A leaf that parks again and again, under 31 callers and under none.
func BenchmarkLeaf(b *testing.B) {
	at := func(rt *fiber.Runtime, depth int) contender {
		return fibers(rt, fmt.Sprint("depth", depth), func(n int, over func()) func(*fiber.Fiber) {
			return leafParks(depth, n, over)
		})
	}
	rt := start(b)
	compare(b, at(rt, 32), at(rt, 1))
}
