// Package compiled has functions over fibers, ordinary source code, for the benchmarks of
// what fiberc makes of them:
//
//	go build -C fiber/cmd/fiberc -o fiberc . # with GOWORK=off
//	fiber/cmd/fiberc/fiberc test -run '^$' -bench . ./bench/compiled
//
// Under plain go test, where a fiber that waits holds a goroutine, they are skipped. Beside
// each runs its rival, the same code over a goroutine: see thread.
package compiled

import (
	"sync/atomic"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A depth counts the functions that are active when a fiber parks, from the one the fiber
// was started with to the one that calls Yield, Park or Sleep. What parks stands here and
// not in a file of tests, because fiberc compiles none of those.

// sum is where results go, so that they count as used.
var sum int

// chain parks in the last of depth functions, parks times.
//
//go:noinline
func chain(f *fiber.Fiber, depth, parks int) int {
	if depth == 1 {
		for range parks {
			f.Yield()
		}
		return 1
	}
	return chain(f, depth-1, parks) + depth
}

// calls returns a fiber's function that calls, n times, a chain that could park and does not.
func calls(length, n int, over func()) func(*fiber.Fiber) {
	return func(f *fiber.Fiber) {
		for range n {
			sum += chain(f, length, 0)
		}
		over()
	}
}

// parks returns a fiber's function that parks n times, each time going down to depth anew.
func parks(depth, n int, over func()) func(*fiber.Fiber) {
	if depth == 1 {
		return func(f *fiber.Fiber) {
			for range n {
				f.Yield()
			}
			over()
		}
	}
	return func(f *fiber.Fiber) {
		for range n {
			sum += chain(f, depth-1, 1)
		}
		over()
	}
}

// leafParks returns a fiber's function that goes down to depth once and parks there n times.
func leafParks(depth, n int, over func()) func(*fiber.Fiber) {
	if depth == 1 {
		return parks(depth, n, over)
	}
	return func(f *fiber.Fiber) {
		sum += chain(f, depth-1, n)
		over()
	}
}

// await parks in the last of depth functions until another fiber makes f ready. Loop mode.
//
//go:noinline
func await(f *fiber.Fiber, depth int) int {
	if depth == 1 {
		f.Park(0)
		return 1
	}
	return await(f, depth-1) + depth
}

// A pair is two fibers of a loop that wake each other in turn, n times each.
type pair struct {
	depth, n int
	fibers   [2]*fiber.Fiber
	over     func()
}

// first starts the second.
func (p *pair) first() func(*fiber.Fiber) {
	return func(f *fiber.Fiber) {
		p.fibers[0] = f
		f.Go(p.second())
		f.Enter()
		for range p.n {
			if p.depth == 1 {
				f.Park(0)
			} else {
				sum += await(f, p.depth-1)
			}
			p.fibers[1].Ready()
		}
		f.Leave()
		p.over()
	}
}

func (p *pair) second() func(*fiber.Fiber) {
	return func(f *fiber.Fiber) {
		p.fibers[1] = f
		f.Enter()
		for range p.n {
			p.fibers[0].Ready()
			if p.depth == 1 {
				f.Park(0)
			} else {
				sum += await(f, p.depth-1)
			}
		}
		f.Leave()
	}
}

// parkedDepth is that of parked.
const parkedDepth = 3

// parked counts itself and waits longer than any benchmark runs.
func parked(f *fiber.Fiber) { sum += descend(f, parkedDepth-1) }

// arrived counts those that wait in parked, or are just about to.
var arrived atomic.Int64

//go:noinline
func descend(f *fiber.Fiber, depth int) int {
	if depth == 1 {
		arrived.Add(1)
		f.Sleep(24 * time.Hour)
		return 1
	}
	return descend(f, depth-1) + depth
}

// park starts n fibers in parked and returns when all of them wait.
func park(rt *fiber.Runtime, n int) {
	arrived.Store(0)
	for range n {
		rt.Go(parked)
	}
	for arrived.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	settled := make(chan struct{})
	rt.Loops()[0].Post(func() { close(settled) }) // the last of them waits by then
	<-settled
}
