package fiber

import (
	"context"
	"testing"
	"time"
)

// What Chan and Select promise, one promise a case, for fibers and goroutines.

func TestChan(t *testing.T) {
	mustPanic(t, func() { NewChan[int](-1) })
	inFiber(t, "buffer", func(t *testing.T, f *Fiber) {
		c := NewChan[int](3)
		for lap := range 5 { // goes round the ring
			for i := range 3 {
				if err := c.Send(f, lap+i); err != nil {
					t.Error(err)
				}
			}
			if ok, err := c.TrySend(9); ok || err != nil || c.Len() != 3 || c.Cap() != 3 {
				t.Error("full", ok, err, c.Len(), c.Cap())
			}
			for i := range 3 {
				if v, err := c.Recv(f); v != lap+i || err != nil {
					t.Error(v, err)
				}
			}
			if _, ok, err := c.TryRecv(); ok || err != nil || c.Len() != 0 {
				t.Error("empty", ok, err)
			}
			c.Send(f, 0)
			c.Recv(f)
		}
	})
	inFiber(t, "values in order through waiting senders", func(t *testing.T, f *Fiber) {
		for _, capacity := range []int{0, 1, 2} {
			c := NewChan[int](capacity)
			for i := range 5 {
				spawn(f, func(f *Fiber) { c.Send(f, i) })
				yieldUntil(f, func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return c.n+c.senders.len() == i+1
				})
			}
			for i := range 5 {
				if v, err := c.Recv(f); v != i || err != nil {
					t.Error(capacity, i, v, err)
				}
			}
		}
	})
	inFiber(t, "close", func(t *testing.T, f *Fiber) {
		c := NewChan[int](2)
		c.Send(f, 1)
		c.Send(f, 2)
		errs := make(chan error, 1)
		spawn(f, func(f *Fiber) { errs <- c.Send(f, 3) })
		yieldUntil(f, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.senders.len() == 1 })
		c.Close()
		c.Close()
		yieldUntil(f, func() bool { return len(errs) == 1 })
		if err := <-errs; err != ErrClosed {
			t.Error(err)
		}
		if ok, err := c.TrySend(4); ok || err != ErrClosed || c.Send(f, 4) != ErrClosed {
			t.Error(ok, err)
		}
		for _, want := range []int{1, 2} {
			if v, err := c.Recv(f); v != want || err != nil {
				t.Error(v, err)
			}
		}
		if v, err := c.Recv(f); v != 0 || err != ErrClosed {
			t.Error(v, err)
		}
		if _, ok, err := c.TryRecv(); ok || err != ErrClosed {
			t.Error(ok, err)
		}
		d := NewChan[int](0)
		spawn(f, func(f *Fiber) { _, err := d.Recv(f); errs <- err })
		yieldUntil(f, func() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.receivers.len() == 1 })
		d.Close()
		yieldUntil(f, func() bool { return len(errs) == 1 })
		if err := <-errs; err != ErrClosed {
			t.Error(err)
		}
	})
	t.Run("cancellation", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			c := NewChan[int](1)
			if err := canceled(f, func() error { return c.Send(f, 1) }); err != nil {
				t.Error("room:", err)
			}
			if err := canceled(f, func() error { return c.Send(f, 2) }); err != errChaos {
				t.Error("full:", err)
			}
			if err := expired(f, func() error { return c.Send(f, 2) }); err != context.DeadlineExceeded {
				t.Error("full:", err)
			}
			recv := func() error { _, err := c.Recv(f); return err }
			if err := canceled(f, recv); err != nil {
				t.Error("there is one:", err)
			}
			if err := canceled(f, recv); err != errChaos {
				t.Error("empty:", err)
			}
			if c.senders.head != nil || c.receivers.head != nil {
				t.Error("left in a queue")
			}
		})
	})
	// A value reaches a receiver that is canceled before it runs again.
	t.Run("a value handed to a canceled receiver", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			for _, sel := range []bool{false, true} {
				c := NewChan[int](0)
				scope := make(chan *Scope, 1)
				got := make(chan int, 1)
				f.Go(func(f *Fiber) {
					scope <- f.Scope()
					var v int
					var err error
					if sel {
						_, err = Select(f, -1, c.RecvCase(&v), NewChan[int](0).RecvCase(nil))
					} else {
						v, err = c.Recv(f)
					}
					if err != nil {
						t.Error(err)
					}
					got <- v
				})
				yieldUntil(f, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.receivers.len() == 1 })
				f.Enter() // on the baton, so that it cannot run in between
				c.TrySend(7)
				(<-scope).Cancel(errChaos)
				f.Leave()
				yieldUntil(f, func() bool { return len(got) == 1 })
				if v := <-got; v != 7 {
					t.Error(v)
				}
			}
		})
	})
}

func TestSelect(t *testing.T) {
	mustPanic(t, func() { NewChan[int](0).SendCase(nil) })
	mustPanic(t, func() { Select(nil, 0, new(Chan[int]).RecvCase(nil)) })
	inFiber(t, "poll, timeout and nil cases", func(t *testing.T, f *Fiber) {
		v := 1
		var none *Chan[int]
		c, s := NewChan[int](0), NewChan[string](1)
		cases := []Case{c.SendCase(&v), none.RecvCase(&v), {}, none.SendCase(&v), c.RecvCase(&v)}
		for _, timeout := range []time.Duration{0, time.Millisecond} {
			if i, err := Select(f, timeout, cases...); i != -1 || err != ErrTimeout {
				t.Error(i, err)
			}
			if i, err := Select(f, timeout); i != -1 || err != ErrTimeout {
				t.Error("no cases:", i, err)
			}
		}
		text := "x"
		if i, err := Select(f, 0, c.RecvCase(&v), s.SendCase(&text)); i != 1 || err != nil || s.Len() != 1 {
			t.Error(i, err)
		}
		if i, err := Select(f, -1, c.RecvCase(nil), s.RecvCase(nil)); i != 1 || err != nil || s.Len() != 0 {
			t.Error(i, err)
		}
		s.Close()
		if i, err := Select(f, -1, c.RecvCase(nil), s.SendCase(&text)); i != 1 || err != ErrClosed {
			t.Error(i, err)
		}
		if i, err := Select(f, -1, c.RecvCase(nil), s.RecvCase(&text)); i != 1 || err != ErrClosed || text != "x" {
			t.Error(i, err)
		}
		if c.senders.head != nil || c.receivers.head != nil {
			t.Error("left in a queue")
		}
	})
	inFiber(t, "both directions of one channel", func(t *testing.T, f *Fiber) {
		c := NewChan[int](0)
		type result struct{ index, value int }
		results := make(chan result, 2)
		for k := range 2 {
			spawn(f, func(f *Fiber) {
				out, in := 10+k, 0
				i, err := Select(f, -1, c.SendCase(&out), c.RecvCase(&in), c.SendCase(&out), c.RecvCase(&in))
				if err != nil {
					t.Error(err)
				}
				results <- result{i % 2, in + k}
			})
			if k == 0 {
				yieldUntil(f, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.senders.len() == 2 && c.receivers.len() == 2 })
			}
		}
		yieldUntil(f, func() bool { return len(results) == 2 })
		a, b := <-results, <-results
		if a.index == b.index || a.value+b.value != 11 && a.value+b.value != 12 {
			t.Error(a, b)
		}
		if c.senders.head != nil || c.receivers.head != nil {
			t.Error("left in a queue")
		}
	})
	inFiber(t, "woken by each side and by Close", func(t *testing.T, f *Fiber) {
		a, b, stop := NewChan[int](0), NewChan[string](0), NewChan[bool](0)
		events := make(chan any, 10)
		spawn(f, func(f *Fiber) {
			var n int
			text := "out"
			for {
				i, err := Select(f, -1, a.RecvCase(&n), b.SendCase(&text), stop.RecvCase(nil))
				switch {
				case err != nil:
					events <- err
					return
				case i == 0:
					events <- n
				default:
					events <- i
				}
			}
		})
		a.Send(f, 42)
		got, _ := b.Recv(f)
		stop.Close()
		yieldUntil(f, func() bool { return len(events) == 3 })
		if x, y, z := <-events, <-events, <-events; x != 42 || y != 1 || z != ErrClosed || got != "out" {
			t.Error(x, y, z, got)
		}
	})
	t.Run("no case is starved", func(t *testing.T) {
		a, b := NewChan[int](1), NewChan[int](1)
		var seen [2]int
		for range 200 {
			a.TrySend(1)
			b.TrySend(1)
			i, _ := Select(nil, 0, a.RecvCase(nil), b.RecvCase(nil))
			seen[i]++
		}
		if seen[0] < 20 || seen[1] < 20 {
			t.Error(seen)
		}
	})
	t.Run("a simulation chooses", func(t *testing.T) {
		rt := start(t, Config{Loops: 1, Pick: func(n int) int { return n - 1 }})
		do(t, rt, func(f *Fiber) {
			a, b := NewChan[int](1), NewChan[int](1)
			for range 20 {
				a.TrySend(1)
				b.TrySend(1)
				if i, err := Select(f, 0, a.RecvCase(nil), b.RecvCase(nil)); i != 1 || err != nil {
					t.Error(i, err)
				}
			}
		})
	})
	t.Run("cancellation", func(t *testing.T) {
		rt := start(t, quiet(1))
		do(t, rt, func(f *Fiber) {
			c := NewChan[int](0)
			sel := func() error { _, err := Select(f, -1, c.RecvCase(nil)); return err }
			if err := canceled(f, sel); err != errChaos {
				t.Error(err)
			}
			if err := expired(f, sel); err != context.DeadlineExceeded {
				t.Error(err)
			}
			if err := canceled(f, func() error { _, err := Select(f, -1); return err }); err != errChaos {
				t.Error(err)
			}
		})
	})
}
