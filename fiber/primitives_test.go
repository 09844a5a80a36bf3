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
	"sync"
	"sync/atomic"
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

func TestMutexStress(t *testing.T) {
	stress(t, 24, 2, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		var m Mutex
		var inside, locked atomic.Int32
		count := 0 // guarded by m
		critical := func(w *worker) {
			if inside.Add(1) != 1 {
				panic("two in the critical section")
			}
			count++
			locked.Add(1)
			w.pause()
			inside.Add(-1)
			m.Unlock()
		}
		fn := func(w *worker) {
			for range 60 {
				var err error
				switch n := w.rng.IntN(4); {
				case n == 0 && w.f != nil:
					err = c.within(w.f, func() error { return m.Lock(w.f) })
				case n == 1:
					if !m.TryLock() {
						continue
					}
				default:
					err = m.Lock(w.f)
				}
				if err == nil {
					critical(w)
				} else if err != errChaos {
					panic(err)
				}
			}
		}
		return fn, func(t *testing.T) {
			if count != int(locked.Load()) || m.state.Load() != 0 || m.queue.head != nil {
				t.Errorf("count %d, locked %d times, state %d, queue %v", count, locked.Load(), m.state.Load(), m.queue.head)
			}
		}
	})
}

// A bounded buffer under a Mutex with two Conds.
func TestCondStress(t *testing.T) {
	stress(t, 16, 2, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		const room = 3
		var m Mutex
		notEmpty, notFull := NewCond(&m), NewCond(&m)
		n, put, got := 0, 0, 0 // guarded by m
		wait := func(w *worker, on *Cond) error {
			if w.f != nil && w.rng.IntN(4) == 0 {
				return c.within(w.f, func() error { return on.Wait(w.f) })
			}
			return on.Wait(w.f)
		}
		fn := func(w *worker) {
			for done := 0; done < 60; {
				if m.Lock(w.f) != nil {
					panic("Lock failed")
				}
				mine, other, full := notFull, notEmpty, room
				if w.id%2 == 0 {
					mine, other, full = notEmpty, notFull, 0
				}
				var err error
				for n == full && err == nil {
					err = wait(w, mine)
				}
				if n != full { // a canceled Wait holds the lock all the same
					if full == 0 {
						n--
						got++
					} else {
						n++
						put++
					}
					done++
					w.pause()
				}
				if w.rng.IntN(8) == 0 {
					other.Broadcast()
				} else {
					other.Signal()
				}
				// A canceled waiter that went on without a Signal must not have
				// taken one from others either; one that did pass leaves room.
				if n != full {
					mine.Signal()
				}
				m.Unlock()
			}
		}
		return fn, func(t *testing.T) {
			if n != 0 || put != got || put != 9*60 {
				t.Errorf("n %d, put %d, got %d", n, put, got)
			}
		}
	})
}

func TestSemaphoreStress(t *testing.T) {
	stress(t, 24, 2, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		const size = 5
		s := NewSemaphore(size)
		var held atomic.Int64
		fn := func(w *worker) {
			for range 60 {
				n := w.rng.Int64N(size + 1)
				var err error
				switch k := w.rng.IntN(4); {
				case k == 0 && w.f != nil:
					err = c.within(w.f, func() error { return s.Acquire(w.f, n) })
				case k == 1:
					if !s.TryAcquire(n) {
						continue
					}
				default:
					err = s.Acquire(w.f, n)
				}
				if err == errChaos {
					continue
				}
				if h := held.Add(n); err != nil || h > size {
					panic(fmt.Sprint(err, " held ", h))
				}
				w.pause()
				held.Add(-n)
				part := n / 2
				s.Release(part)
				s.Release(n - part)
			}
		}
		return fn, func(t *testing.T) {
			if s.state.Load() != size<<1 || s.queue.head != nil {
				t.Errorf("state %d, queue %v", s.state.Load(), s.queue.head)
			}
		}
	})
}

func TestWaitGroupStress(t *testing.T) {
	stress(t, 24, 2, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		// In each round everybody has a share of the count, and may wait for all.
		const rounds, users = 30, 26
		groups := make([]WaitGroup, rounds)
		var done [rounds]atomic.Int32
		for i := range groups {
			groups[i].Add(2 * users)
		}
		fn := func(w *worker) {
			for i := range groups {
				g := &groups[i]
				g.Add(1)
				w.pause()
				done[i].Add(1)
				g.Add(-2)
				w.pause()
				done[i].Add(1)
				g.Done()
				var err error
				switch k := w.rng.IntN(3); {
				case k == 0 && w.f != nil:
					err = c.within(w.f, func() error { return g.Wait(w.f) })
				case k == 1:
					err = g.Wait(w.f)
				default:
					continue
				}
				if err == nil && done[i].Load() != 2*users {
					panic("Wait returned too early")
				}
				if err != nil && err != errChaos {
					panic(err)
				}
			}
		}
		return fn, func(t *testing.T) {
			for i := range groups {
				if v := groups[i].state.Load(); v != 0 || groups[i].queue.head != nil {
					t.Errorf("round %d: state %d", i, v)
				}
			}
		}
	})
}

// Values go through three channels of different capacities, by every operation.
// Each value sent is received exactly once or still in a channel at the end; none
// that was not sent is.
func TestChanSelectStress(t *testing.T) {
	stress(t, 24, 3, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		chans := []*Chan[int]{NewChan[int](0), NewChan[int](1), NewChan[int](5), NewChan[int](0)}
		const ops = 120
		fate := make([]atomic.Int32, 27*ops*4) // of each value: +1 sent, +100 received
		timeouts := []time.Duration{0, time.Microsecond, 300 * time.Microsecond}
		fn := func(w *worker) {
			next := w.id * ops * 4
			values := make([]int, 4)
			fresh := func(i int) *int { values[i] = next; next++; return &values[i] }
			for range ops {
				ch := chans[w.rng.IntN(len(chans))]
				timeout := timeouts[w.rng.IntN(len(timeouts))]
				k := w.rng.IntN(8)
				if w.f == nil && k < 4 {
					k += 4
				}
				switch k {
				case 0, 1:
					v := fresh(0)
					err := c.within(w.f, func() error { return ch.Send(w.f, *v) })
					if err == nil {
						fate[*v].Add(1)
					} else if err != errChaos {
						panic(err)
					}
				case 2, 3:
					var v int
					err := c.within(w.f, func() (err error) { v, err = ch.Recv(w.f); return err })
					if err == nil {
						fate[v].Add(100)
					} else if err != errChaos {
						panic(err)
					}
				case 4:
					v := fresh(0)
					if ok, err := ch.TrySend(*v); ok {
						fate[*v].Add(1)
					} else if err != nil {
						panic(err)
					}
				case 5:
					if v, ok, err := ch.TryRecv(); ok {
						fate[v].Add(100)
					} else if err != nil {
						panic(err)
					}
				default:
					cases := make([]Case, 1+w.rng.IntN(4))
					send := make([]bool, len(cases))
					for i := range cases {
						ch := chans[w.rng.IntN(len(chans))]
						if send[i] = w.rng.IntN(2) == 0; send[i] {
							cases[i] = ch.SendCase(fresh(i))
						} else {
							cases[i] = ch.RecvCase(&values[i])
						}
					}
					var i int
					var err error
					if w.f != nil && k == 6 {
						err = c.within(w.f, func() (err error) { i, err = Select(w.f, -1, cases...); return err })
					} else {
						i, err = Select(w.f, timeout, cases...)
					}
					switch {
					case err == errChaos || err == ErrTimeout:
						if i != -1 {
							panic("index with a timeout")
						}
					case err != nil:
						panic(err)
					case send[i]:
						fate[values[i]].Add(1)
					default:
						fate[values[i]].Add(100)
					}
				}
				w.pause()
			}
		}
		return fn, func(t *testing.T) {
			for i, ch := range chans {
				if ch.senders.head != nil || ch.receivers.head != nil {
					t.Errorf("channel %d: somebody left in a queue", i)
				}
				ch.Close()
				for {
					v, err := ch.Recv(nil)
					if err == ErrClosed {
						break
					}
					fate[v].Add(100)
				}
			}
			sent := 0
			for v := range fate {
				switch fate[v].Load() {
				case 0:
				case 101:
					sent++
				default:
					t.Errorf("value %d: fate %d", v, fate[v].Load())
				}
			}
			if sent == 0 {
				t.Error("nothing was sent")
			}
			t.Logf("%d values sent", sent)
		}
	})
}

// Producers and consumers without timeouts: nobody is forgotten. Closing while all
// are at work ends them, and what was sent arrives.
func TestChanCloseStress(t *testing.T) {
	for _, capacity := range []int{0, 1, 7} {
		stress(t, 16, 2, func(c *chaos) (func(w *worker), func(t *testing.T)) {
			ch := NewChan[int](capacity)
			quit := NewChan[struct{}](0)
			var sent, sum, received, got atomic.Int64
			fn := func(w *worker) {
				if w.id%2 == 0 {
					for i := 1; ; i++ {
						if w.id == 0 && i == 200 {
							ch.Close()
							quit.Close()
						}
						if err := ch.Send(w.f, i); err == ErrClosed {
							return
						} else if err != nil {
							panic(err)
						}
						sent.Add(1)
						sum.Add(int64(i))
						w.pause()
					}
				}
				for {
					var v int
					var err error
					if w.id%4 == 1 {
						v, err = ch.Recv(w.f)
					} else {
						var i int
						if i, err = Select(w.f, -1, ch.RecvCase(&v), quit.RecvCase(nil)); i == 1 {
							v, err = ch.Recv(w.f)
						}
					}
					if err == ErrClosed {
						return
					} else if err != nil {
						panic(err)
					}
					received.Add(1)
					got.Add(int64(v))
					w.pause()
				}
			}
			return fn, func(t *testing.T) {
				if sent.Load() != received.Load() || sum.Load() != got.Load() {
					t.Errorf("sent %d (sum %d), received %d (sum %d)", sent.Load(), sum.Load(), received.Load(), got.Load())
				}
			}
		})
	}
}
