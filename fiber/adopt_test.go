package fiber

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

// An adopted fiber runs on the caller's goroutine, beside the loop, and may use
// everything that fibers use.
func TestAdopt(t *testing.T) {
	rt := start(t, Config{Loops: 2})
	var wg sync.WaitGroup
	var mu Mutex
	total := 0
	for range 50 {
		wg.Go(func() {
			id := goroutineID()
			err := rt.Adopt(func(f *Fiber) {
				if goroutineID() != id {
					t.Error("another goroutine")
				}
				if err := f.Sleep(time.Millisecond); err != nil {
					t.Error(err)
				}
				if err := f.Block(func() { runtime.Gosched() }); err != nil {
					t.Error(err)
				}
				g := NewGroup(f)
				n := 0
				g.Go(func(c *Fiber) error { n = 1; return c.Sleep(time.Millisecond) })
				if err := g.Wait(f); err != nil {
					t.Error(err)
				}
				if err := mu.Lock(f); err != nil {
					t.Error(err)
				}
				f.Yield()
				total += n
				mu.Unlock()
				if goroutineID() != id {
					t.Error("another goroutine afterwards")
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if total != 50 {
		t.Errorf("total %d, want 50", total)
	}
	if r := rt.Running(); len(r) != 0 {
		t.Errorf("still running: %q", r)
	}
	if n := rt.Stats().Stalls; n != 0 {
		t.Errorf("%d stalls", n)
	}
}

// It blocks no other fiber of its loop, not even for the moment until the monitor
// looks.
func TestAdoptRunsBesideTheLoop(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: -1})
	in, out := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() { done <- rt.Adopt(func(*Fiber) { close(in); <-out }) }()
	<-in
	do(t, rt, func(f *Fiber) { f.Yield() })
	close(out)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Scopes work as in any fiber: a context of the caller's ends its waits.
func TestAdoptWithContext(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), rt, "v"))
	why := errors.New("why")
	var inner context.Context
	err := rt.Adopt(func(f *Fiber) {
		err := f.WithContext(ctx, func() error {
			inner = f.Context()
			if inner.Value(rt) != "v" {
				t.Error("the value is lost")
			}
			cancel(why)
			return f.Sleep(time.Hour)
		})
		if err != why {
			t.Errorf("got %v, want %v", err, why)
		}
	})
	if err != nil || inner.Err() == nil {
		t.Error(err, inner.Err())
	}
}

// A panic and a Goexit pass to the caller, and the loop goes on without the fiber.
func TestAdoptPanics(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	func() {
		defer func() {
			if v := recover(); v != "up" {
				t.Errorf("recovered %v", v)
			}
		}()
		rt.Adopt(func(f *Fiber) { f.Sleep(time.Millisecond); panic("up") })
	}()
	func() {
		defer func() {
			if v := recover(); v != "in between" {
				t.Errorf("recovered %v", v)
			}
		}()
		rt.Adopt(func(f *Fiber) { f.Enter(); panic("in between") })
	}()
	var wg sync.WaitGroup
	wg.Go(func() { rt.Adopt(func(*Fiber) { runtime.Goexit() }) })
	wg.Wait()
	do(t, rt, func(f *Fiber) { f.Yield() })
	if r := rt.Running(); len(r) != 0 {
		t.Errorf("still running: %q", r)
	}
}

// More adopted fibers than places in Block all get their turn.
func TestAdoptBeyondBlockMax(t *testing.T) {
	rt := start(t, Config{Loops: 1, BlockMax: 2})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			rt.Adopt(func(f *Fiber) { time.Sleep(time.Millisecond); f.Sleep(time.Millisecond) })
		})
	}
	wg.Wait()
}

// Closing the runtime cancels an adopted fiber; afterwards there is no adoption.
func TestAdoptWhileClosing(t *testing.T) {
	rt, err := New(Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	in, got := make(chan struct{}), make(chan error, 1)
	go rt.Adopt(func(f *Fiber) {
		close(in)
		got <- f.Sleep(time.Hour)
	})
	<-in
	if err := rt.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := rt.Adopt(func(*Fiber) { t.Error("ran") }); err != ErrClosed {
		t.Errorf("got %v", err)
	}
}

// BenchmarkAdopt is the price of a fiber that makes one framework call.
func BenchmarkAdopt(b *testing.B) {
	rt := start(b, Config{Loops: 1})
	for b.Loop() {
		rt.Adopt(func(f *Fiber) { f.Yield() })
	}
}
