package fiber

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Seeded stress of the primitives: fibers of several loops and goroutines use one
// primitive, scopes are canceled from outside, and handlers stall their loops in the
// middle of it. Each test checks conservation: nothing lost, nothing twice.

var errChaos = errors.New("canceled by chaos")

// quiet is a configuration for tests that stall and panic on purpose.
func quiet(loops int) Config {
	return Config{Loops: loops, StallAfter: time.Millisecond, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// A chaos cancels scopes that fibers hand to it.
type chaos struct {
	scopes chan *Scope
	done   chan struct{}
}

func newChaos() *chaos {
	c := &chaos{scopes: make(chan *Scope, 8), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for s := range c.scopes {
			for range rand.IntN(4) {
				runtime.Gosched()
			}
			s.Cancel(errChaos)
		}
	}()
	return c
}

func (c *chaos) stop() { close(c.scopes); <-c.done }

// within calls fn in a scope that is going to be canceled.
func (c *chaos) within(f *Fiber, fn func() error) error {
	s := &Scope{}
	return f.within(s, func() error {
		c.scopes <- s // may block this fiber's loop for a moment, which is one more stall
		return fn()
	})
}

// A worker is one user of a primitive: a fiber, or a goroutine if f is nil.
type worker struct {
	f   *Fiber
	rng *rand.Rand
	id  int
}

func newRand(a, b uint64) *rand.Rand { return rand.New(rand.NewPCG(a, b)) }

// pause does what handlers do while they hold something.
func (w *worker) pause() {
	switch n := w.rng.IntN(64); {
	case n == 0:
		time.Sleep(1500 * time.Microsecond) // a stall: the baton is stolen
	case w.f == nil:
		runtime.Gosched()
	case n < 8:
		w.f.Yield()
	case n < 12:
		w.f.Sleep(time.Duration(w.rng.IntN(100)) * time.Microsecond)
	case n < 14:
		w.f.Block(runtime.Gosched)
	}
}

// stress runs fn in many fibers on several loops and in a few goroutines, for every
// GOMAXPROCS, and then check.
func stress(t *testing.T, fibers, goroutines int, prepare func(c *chaos) (fn func(w *worker), check func(t *testing.T))) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("HEDDLE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	for _, procs := range []int{1, 2, 4} {
		for _, loops := range []int{2, 4} {
			t.Run(fmt.Sprintf("procs=%d/loops=%d", procs, loops), func(t *testing.T) {
				t.Logf("HEDDLE_SEED=%d", seed)
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				rt := start(t, quiet(loops))
				c := newChaos()
				fn, check := prepare(c)
				var wg sync.WaitGroup
				wg.Add(fibers + goroutines)
				for i := range fibers + goroutines {
					w := &worker{id: i, rng: newRand(seed, uint64(i))}
					if i >= fibers {
						go func() { defer wg.Done(); fn(w) }()
						continue
					}
					rt.Loops()[i%loops].Go(func(f *Fiber) { defer wg.Done(); w.f = f; fn(w) })
				}
				wg.Wait()
				check(t)
				c.stop()
			})
		}
	}
}

// mustPanic calls fn and wants a panic of this package.
func mustPanic(t *testing.T, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "fiber: ") {
			t.Errorf("panic %v, want one of package fiber", s)
		}
	}()
	fn()
}

// canceled calls fn in a scope of f that is canceled already.
func canceled(f *Fiber, fn func() error) error {
	s := &Scope{}
	s.Cancel(errChaos)
	return f.within(s, fn)
}

// expired calls fn in a scope of f whose time is soon over.
func expired(f *Fiber, fn func() error) error { return f.WithTimeout(time.Millisecond, fn) }

// inFiber runs one case in a fiber and one as an ordinary goroutine (f == nil).
func inFiber(t *testing.T, name string, fn func(t *testing.T, f *Fiber)) {
	t.Run(name, func(t *testing.T) {
		rt := start(t, quiet(2))
		do(t, rt, func(f *Fiber) { fn(t, f) })
		fn(t, nil)
	})
}

// spawn runs fn beside f: in a fiber, or in a goroutine.
func spawn(f *Fiber, fn func(f *Fiber)) {
	if f != nil {
		f.Go(fn)
		return
	}
	go fn(nil)
}

// yieldUntil lets others go on until cond holds.
func yieldUntil(f *Fiber, cond func() bool) {
	for !cond() {
		if f != nil {
			f.Sleep(10 * time.Microsecond)
		} else {
			time.Sleep(10 * time.Microsecond)
		}
	}
}

func (m *Mutex) queued() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queue.len()
}

func (q *waiters[P]) len() (n int) {
	for w := q.head; w != nil; w = w.next {
		n++
	}
	return n
}
