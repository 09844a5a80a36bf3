package fiber

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// start returns a running runtime that is closed, and proven empty, at the end.
func start(t testing.TB, c Config) *Runtime {
	t.Helper()
	before := runtime.NumGoroutine()
	rt, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := rt.Close(ctx); err != nil {
			t.Error(err)
		}
		drained(t, rt, before)
	})
	return rt
}

// do runs fn in a fiber and waits for it.
func do(t testing.TB, rt *Runtime, fn func(f *Fiber)) {
	t.Helper()
	done := make(chan struct{})
	if err := rt.Go(func(f *Fiber) { defer close(done); fn(f) }); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestSleepAndYield(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	var n atomic.Int32
	do(t, rt, func(f *Fiber) {
		for range 100 {
			f.Go(func(f *Fiber) { f.Sleep(time.Millisecond); n.Add(1) })
		}
		for n.Load() < 100 {
			f.Sleep(time.Millisecond)
		}
		f.Yield()
	})
}

func TestBlockStallGoexitPanic(t *testing.T) {
	rt := start(t, Config{Loops: 2})
	done := make(chan struct{}, 4)
	rt.Go(func(f *Fiber) { defer func() { done <- struct{}{} }(); panic("expected") })
	rt.Go(func(f *Fiber) { defer func() { done <- struct{}{} }(); f.Sleep(time.Millisecond); runtime.Goexit() })
	rt.Go(func(f *Fiber) { time.Sleep(30 * time.Millisecond); f.Sleep(time.Millisecond); done <- struct{}{} })
	rt.Go(func(f *Fiber) { f.Block(func() { time.Sleep(5 * time.Millisecond) }); done <- struct{}{} })
	for range 4 {
		<-done
	}
	if s := rt.Stats(); s.Stalls != 1 || s.Panics != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestCloseCancels(t *testing.T) {
	rt := start(t, Config{Loops: 2})
	got := make(chan error, 100)
	for range 100 {
		rt.Go(func(f *Fiber) { got <- f.Sleep(time.Hour) })
	}
	rt.Close(context.Background())
	for range 100 {
		if err := <-got; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}
