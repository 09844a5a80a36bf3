package fiber

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

var errWhy = errors.New("why")

// Deriving from a fiber's context starts no goroutine, nor does the end of one that
// has a deadline.
func TestContextStartsNoGoroutine(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: -1})
	do(t, rt, func(f *Fiber) {
		f.Sleep(time.Microsecond)
		outer, cancel := context.WithCancel(context.Background())
		defer cancel()
		before := runtime.NumGoroutine()
		f.WithContext(outer, func() error {
			return f.WithTimeout(time.Hour, func() error {
				ctx := f.Context()
				for range 100 {
					c1, cancel := context.WithCancel(ctx)
					defer cancel()
					c2, cancel := context.WithTimeout(c1, time.Minute)
					defer cancel()
					defer context.AfterFunc(context.WithValue(c2, scopeKey{}, 2), func() {})()
				}
				if n := runtime.NumGoroutine(); n > before {
					t.Errorf("%d goroutines, %d before", n, before)
				}
				return nil
			})
		})
		for range 200 { // each has ended with its own AfterFunc stopped
			f.WithTimeout(time.Hour, func() error { f.Context(); return nil })
		}
		if n := runtime.NumGoroutine(); n > before+1 {
			t.Errorf("%d goroutines, %d before", n, before)
		}
	})
}

func TestContextBothWays(t *testing.T) {
	type key struct{}
	rt := start(t, Config{Loops: 1})
	do(t, rt, func(f *Fiber) {
		// From the context to the fiber, with its cause, its values and its deadline.
		outer, cancel := context.WithCancelCause(context.WithValue(context.Background(), key{}, 7))
		err := f.WithContext(outer, func() error {
			if f.Context().Value(key{}) != 7 {
				t.Error("values are lost")
			}
			go cancel(errWhy)
			err := f.Sleep(time.Hour)
			if got := context.Cause(f.Context()); got != errWhy {
				t.Errorf("cause of the context: %v", got)
			}
			return err
		})
		if err != errWhy {
			t.Errorf("got %v", err)
		}
		// A context that has ended before, as seen by the race detector too.
		for range 200 {
			if err := f.WithContext(outer, func() error { return f.Sleep(time.Hour) }); err != errWhy {
				t.Errorf("got %v", err)
			}
		}
		soon, stop := context.WithTimeout(context.Background(), time.Millisecond)
		if err := f.WithContext(soon, func() error { return f.Sleep(time.Hour) }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		stop()
		// From the fiber to the context.
		var ctx, derived context.Context
		err = f.WithTimeout(time.Millisecond, func() error {
			ctx = f.Context()
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the context has no deadline")
			}
			derived, stop = context.WithCancel(ctx)
			defer stop()
			f.Block(func() { <-derived.Done() })
			return f.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("got %v, %v", err, context.Cause(ctx))
		}
		// What was derived from a scope ends with it.
		f.WithTimeout(time.Hour, func() error { ctx = f.Context(); return nil })
		if context.Cause(ctx) != ErrCanceled {
			t.Errorf("cause after the end: %v", context.Cause(ctx))
		}
	})
}

// Whatever a fiber is bound to, cancellation of an outer scope reaches its park, and
// each scope is back in force when the one inside it ends.
func TestScopesNest(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	do(t, rt, func(f *Fiber) {
		outer := f.Scope()
		f.WithTimeout(time.Hour, func() error {
			middle := f.Scope()
			var s Scope
			f.Enter()
			f.Bind(&s)
			f.Leave()
			if f.Scope() != &s || s.parent != middle || s.deadline == 0 {
				t.Error("Bind did not nest")
			}
			go s.Cancel(errWhy)
			if err := f.Sleep(time.Hour); err != errWhy {
				t.Errorf("inner: %v", err)
			}
			f.Enter()
			f.Unbind()
			f.Leave()
			if f.Scope() != middle || f.Err() != nil {
				t.Error("Unbind did not go back")
			}
			s = Scope{}
			f.Enter()
			f.Bind(&s)
			f.Leave()
			go outer.Cancel(errWhy)
			if err := f.Sleep(time.Hour); err != errWhy {
				t.Errorf("from the outermost: %v", err)
			}
			f.Enter()
			f.Unbind()
			f.Leave()
			return nil
		})
		if f.Scope() != outer || outer.children != nil || outer.fiber != f {
			t.Error("WithTimeout did not go back")
		}
	})
	do(t, rt, func(f *Fiber) {
		s := f.Scope()
		f.WithTimeout(time.Hour, func() error { return nil })
		go s.Cancel(nil) // reaches the fiber again
		if err := f.Sleep(time.Hour); err != ErrCanceled {
			t.Errorf("got %v", err)
		}
	})
}

// A deadline beyond the end of time is none at all, not one in the past.
func TestEndlessDurations(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	do(t, rt, func(f *Fiber) {
		if err := f.WithTimeout(math.MaxInt64, func() error { return f.Sleep(time.Microsecond) }); err != nil {
			t.Errorf("endless timeout: %v", err)
		}
		err := f.WithTimeout(time.Millisecond, func() error { return f.Sleep(math.MaxInt64) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("endless sleep: %v", err)
		}
		if err := f.WithTimeout(-1, func() error { return f.Sleep(time.Hour) }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Scopes of many fibers canceled from above while they come and go.
func TestCancelWhileLinking(t *testing.T) {
	rt := start(t, Config{Loops: 2})
	for range 30 {
		var root Scope
		var over atomic.Int32
		for range 20 {
			rt.Go(func(f *Fiber) {
				defer over.Add(1)
				f.Enter()
				(&Scope{}).bindRoot(f, &root)
				f.Leave()
				for f.Err() == nil {
					f.WithTimeout(50*time.Microsecond, func() error {
						if over.Load()%3 == 0 {
							f.Context()
						}
						return f.Sleep(20 * time.Microsecond)
					})
				}
			})
		}
		do(t, rt, func(f *Fiber) { f.Sleep(200 * time.Microsecond) })
		root.Cancel(errWhy)
		for over.Load() < 20 {
			runtime.Gosched()
		}
	}
}

// scopeKey is the key of a value in a context.
type scopeKey struct{}
