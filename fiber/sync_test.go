package fiber

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// What each primitive promises, one promise a case.

func TestMutex(t *testing.T) {
	mustPanic(t, func() { new(Mutex).Unlock() })
	inFiber(t, "try", func(t *testing.T, f *Fiber) {
		var m Mutex
		if !m.TryLock() || m.TryLock() {
			t.Error("TryLock")
		}
		m.Unlock()
		if m.Lock(f) != nil || m.TryLock() {
			t.Error("Lock")
		}
		m.Unlock()
		mustPanic(t, m.Unlock)
	})
	inFiber(t, "a waiter is not starved", func(t *testing.T, f *Fiber) {
		var m Mutex
		m.Lock(f)
		got := make(chan struct{})
		spawn(f, func(f *Fiber) { m.Lock(f); m.Unlock(); close(got) })
		yieldUntil(f, func() bool { return m.queued() == 1 })
		for n := 0; ; n++ {
			m.Unlock()
			if m.Lock(f) != nil {
				t.Error("Lock failed")
			}
			select {
			case <-got:
				m.Unlock()
				return
			default:
				if f != nil {
					f.Yield() // while it holds the lock
					if n > 2*mutexPatience {
						t.Fatal("starved")
					}
				}
			}
		}
	})
	t.Run("cancellation", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			var m Mutex
			if err := canceled(f, func() error { return m.Lock(f) }); err != nil {
				t.Errorf("free lock: %v", err)
			}
			if err := canceled(f, func() error { return m.Lock(f) }); err != errChaos {
				t.Errorf("taken lock: %v", err)
			}
			if err := expired(f, func() error { return m.Lock(f) }); err != context.DeadlineExceeded {
				t.Errorf("taken lock: %v", err)
			}
			m.Unlock()
			if m.state.Load() != 0 {
				t.Error("state left")
			}
		})
	})
	// The head was told that the lock is free and is canceled before it comes: the
	// next in line must be told instead.
	t.Run("wake-up passed on", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			var m Mutex
			m.Lock(f)
			var first *Scope
			got := make(chan error, 2)
			f.Go(func(f *Fiber) { first = f.Scope(); got <- m.Lock(f) })
			yieldUntil(f, func() bool { return m.queued() == 1 })
			f.Go(func(f *Fiber) {
				got <- m.Lock(f)
				m.Unlock()
			})
			yieldUntil(f, func() bool { return m.queued() == 2 })
			m.Unlock()
			m.TryLock() // the first will find it taken
			first.Cancel(errChaos)
			yieldUntil(f, func() bool { return m.queued() == 1 })
			m.Unlock()
			yieldUntil(f, func() bool { return len(got) == 2 })
			if a, b := <-got, <-got; a != errChaos || b != nil {
				t.Errorf("got %v, %v", a, b)
			}
		})
	})
}

func TestCond(t *testing.T) {
	var unlocked Mutex
	mustPanic(t, func() { NewCond(&unlocked).Wait(nil) })
	inFiber(t, "signal and broadcast", func(t *testing.T, f *Fiber) {
		var m Mutex
		c := NewCond(&m)
		stage, ended := 0, 0
		for range 3 {
			spawn(f, func(f *Fiber) {
				m.Lock(f)
				defer m.Unlock()
				for stage == 0 {
					if err := c.Wait(f); err != nil {
						t.Error(err)
					}
				}
				ended++
			})
		}
		waiting := func(n int) func() bool {
			return func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.queue.len() == n }
		}
		yieldUntil(f, waiting(3))
		c.Signal()
		yieldUntil(f, waiting(3)) // the condition does not hold, so it waits again
		m.Lock(f)
		stage = 1
		m.Unlock()
		c.Broadcast()
		yieldUntil(f, func() bool {
			m.Lock(f)
			defer m.Unlock()
			return ended == 3
		})
	})
	t.Run("a canceled Wait holds the lock", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			var m Mutex
			c := NewCond(&m)
			m.Lock(f)
			err := canceled(f, func() error { return c.Wait(f) })
			if err != errChaos || m.TryLock() {
				t.Errorf("err %v", err)
			}
			m.Unlock()
			// Somebody else has the lock when the wait is canceled.
			m.Lock(f)
			var s *Scope
			locked := make(chan struct{})
			f.Go(func(g *Fiber) {
				m.Lock(g)
				s.Cancel(errChaos)
				close(locked)
				g.Sleep(2 * time.Millisecond)
				m.Unlock()
			})
			s = f.Scope()
			if err = c.Wait(f); err != errChaos || m.TryLock() {
				t.Errorf("err %v", err)
			}
			<-locked
			m.Unlock()
		})
	})
}

func TestSemaphore(t *testing.T) {
	mustPanic(t, func() { NewSemaphore(-1) })
	mustPanic(t, func() { NewSemaphore(1).Release(1) })
	mustPanic(t, func() { NewSemaphore(1).Release(-1) })
	mustPanic(t, func() { NewSemaphore(1).TryAcquire(-1) })
	inFiber(t, "weights in order", func(t *testing.T, f *Fiber) {
		s := NewSemaphore(3)
		if err := s.Acquire(f, 4); !errors.Is(err, ErrSemaphoreSize) {
			t.Error(err)
		}
		s.Acquire(f, 2)
		order := make(chan int64, 2)
		for i, n := range []int64{3, 1} {
			spawn(f, func(f *Fiber) {
				s.Acquire(f, n)
				order <- n
				s.Release(n)
			})
			yieldUntil(f, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.queue.len() == i+1 })
		}
		if s.TryAcquire(1) {
			t.Error("TryAcquire overtook a waiter")
		}
		s.Release(2)
		yieldUntil(f, func() bool { return len(order) == 2 })
		if a := <-order; a != 3 {
			t.Errorf("%d came first", a)
		}
		yieldUntil(f, func() bool { return s.TryAcquire(3) })
	})
	t.Run("cancellation of the head", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			s := NewSemaphore(3)
			s.Acquire(f, 1)
			small := make(chan struct{})
			var head atomic.Pointer[Scope]
			f.Go(func(f *Fiber) { head.Store(f.Scope()); s.Acquire(f, 3) })
			yieldUntil(f, func() bool { return head.Load() != nil })
			f.Go(func(f *Fiber) { s.Acquire(f, 2); close(small) })
			f.Yield()
			head.Load().Cancel(errChaos)
			yieldUntil(f, func() bool {
				select {
				case <-small:
					return true
				default:
					return false
				}
			})
			if err := canceled(f, func() error { return s.Acquire(f, 0) }); err != nil {
				t.Error(err)
			}
			if err := canceled(f, func() error { return s.Acquire(f, 1) }); err != errChaos {
				t.Error(err)
			}
		})
	})
}

func TestWaitGroup(t *testing.T) {
	mustPanic(t, func() { new(WaitGroup).Done() })
	inFiber(t, "wait", func(t *testing.T, f *Fiber) {
		var g WaitGroup
		if g.Wait(f) != nil {
			t.Error("zero")
		}
		for round := range 3 {
			g.Add(5)
			ended := make(chan struct{}, 5)
			for range 5 {
				spawn(f, func(*Fiber) { ended <- struct{}{}; g.Done() })
			}
			if err := g.Wait(f); err != nil || len(ended) != 5 {
				t.Errorf("round %d: %v, %d ended", round, err, len(ended))
			}
		}
	})
	t.Run("cancellation", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			var g WaitGroup
			g.Add(1)
			if err := canceled(f, func() error { return g.Wait(f) }); err != errChaos {
				t.Error(err)
			}
			if g.Done(); g.state.Load() != 0 {
				t.Error("state left")
			}
		})
	})
}

// A waiter that is granted what it waits for, and canceled before it runs again, has
// got it.
func TestGrantWinsOverCancellation(t *testing.T) {
	var m Mutex
	var g WaitGroup
	c := NewCond(&m)
	s := NewSemaphore(1)
	cases := []struct {
		name  string
		wait  func(f *Fiber) error
		ready func() bool // the waiter is in the queue
		grant func()
		after func() // gives back what the waiter got
	}{
		{"mutex", m.Lock, func() bool { return m.queued() == 1 }, func() {
			m.mu.Lock()
			m.queue.head.p.failures = mutexPatience // so that it is handed over
			m.mu.Unlock()
			m.Unlock()
		}, m.Unlock},
		{"mutex, free", m.Lock, func() bool { return m.queued() == 1 }, m.Unlock, m.Unlock},
		{"cond", func(f *Fiber) error {
			m.Lock(f)
			defer m.Unlock()
			return c.Wait(f)
		}, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.queue.len() == 1 }, c.Signal, func() {}},
		{"semaphore", func(f *Fiber) error { return s.Acquire(f, 1) },
			func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.queue.len() == 1 },
			func() { s.Release(1) }, func() { s.Release(1) }},
		{"waitgroup", g.Wait, func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.queue.len() == 1 }, g.Done, func() {}},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			rt := start(t, quiet(1))
			do(t, rt, func(f *Fiber) {
				switch k.name {
				case "mutex", "mutex, free":
					m.Lock(f)
				case "semaphore":
					s.Acquire(f, 1)
				case "waitgroup":
					g.Add(1)
				}
				scope := make(chan *Scope, 1)
				got := make(chan error, 1)
				f.Go(func(f *Fiber) { scope <- f.Scope(); got <- k.wait(f) })
				yieldUntil(f, k.ready)
				f.Enter() // on the baton, so that it cannot run in between
				k.grant()
				(<-scope).Cancel(errChaos)
				f.Leave()
				yieldUntil(f, func() bool { return len(got) == 1 })
				if err := <-got; err != nil {
					t.Error(err)
				} else {
					k.after()
				}
			})
			if m.state.Load() != 0 || s.state.Load() != 2 || g.state.Load() != 0 {
				t.Error("state left")
			}
		})
	}
}

// Waits leave nothing behind and allocate nothing once they have run before.
func TestPrimitivesDoNotAllocate(t *testing.T) {
	if raceEnabled() {
		t.Skip("sync.Pool drops at random under the race detector")
	}
	c := quiet(1)
	c.StallAfter = -1
	rt := start(t, c)
	if rt.Checked() {
		t.Skip("checked mode asks for goroutine numbers, which allocates")
	}
	x, y := NewChan[int](0), NewChan[int](1)
	rt.Go(func(f *Fiber) {
		var v int
		cases := []Case{x.RecvCase(&v)}
		for {
			if _, err := Select(f, -1, cases...); err != nil || y.Send(f, v) != nil {
				return
			}
		}
	})
	do(t, rt, func(f *Fiber) {
		n := testing.AllocsPerRun(1000, func() {
			x.Send(f, 1)
			y.Recv(f)
		})
		if n >= 1 {
			t.Errorf("%v allocations a round", n)
		}
		x.Close()
	})
}

// raceEnabled reports whether the race detector is on: then sync.Pool forgets.
func raceEnabled() bool {
	var p waiterPool[int]
	w := p.get(&Fiber{})
	for range 64 {
		p.put(w)
		if p.get(&Fiber{}) != w {
			return true
		}
	}
	return false
}
