package fiber

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// Stress of Mutex, Cond, Semaphore and WaitGroup; primitives_test.go has the harness.

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
