package fiber

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var errChild = errors.New("a child failed")

// forever waits until it is canceled.
func forever(f *Fiber) error { return f.Sleep(time.Hour) }

func TestGroup(t *testing.T) {
	cases := []struct {
		name string
		fn   func(t *testing.T, f *Fiber, g *Group)
		want error
	}{
		{"empty", func(t *testing.T, f *Fiber, g *Group) {}, nil},
		{"all succeed", func(t *testing.T, f *Fiber, g *Group) {
			for range 10 {
				g.Go(func(f *Fiber) error { return f.Sleep(time.Microsecond) })
			}
		}, nil},
		{"first error cancels the others", func(t *testing.T, f *Fiber, g *Group) {
			for _, l := range f.Loop().Runtime().Loops() {
				g.GoOn(l, func(f *Fiber) error {
					if err := forever(f); err != errChild {
						t.Errorf("a sibling got %v", err)
					}
					return errors.New("too late to count")
				})
			}
			g.Go(func(f *Fiber) error { f.Yield(); return errChild })
		}, errChild},
		{"panic", func(t *testing.T, f *Fiber, g *Group) {
			g.Go(forever)
			g.Go(func(f *Fiber) error { f.Yield(); panic(errChild) })
		}, errChild},
		{"goexit", func(t *testing.T, f *Fiber, g *Group) {
			g.Go(forever)
			g.Go(func(f *Fiber) error { f.Sleep(time.Microsecond); runtime.Goexit(); return nil })
		}, ErrGoexit},
		{"cancel", func(t *testing.T, f *Fiber, g *Group) {
			g.Go(forever)
			g.Cancel(nil)
			g.Cancel(errChild)
		}, ErrCanceled},
		{"parent canceled", func(t *testing.T, f *Fiber, g *Group) {
			g.Go(forever)
			s := f.Scope()
			g.Go(func(f *Fiber) error { s.Cancel(errChaos); return nil })
		}, errChaos},
		{"a child starts more", func(t *testing.T, f *Fiber, g *Group) {
			g.Go(func(f *Fiber) error {
				g.Go(func(f *Fiber) error { f.Yield(); return errChild })
				return nil
			})
		}, errChild},
		{"a child stalls", func(t *testing.T, f *Fiber, g *Group) {
			for range 3 {
				g.Go(func(f *Fiber) error { time.Sleep(3 * time.Millisecond); return f.Err() })
			}
		}, nil},
		{"context", func(t *testing.T, f *Fiber, g *Group) {
			ctx := g.Context()
			g.Go(func(f *Fiber) error {
				mine := f.Context()
				return f.Block(func() {
					<-ctx.Done()
					<-mine.Done()
					if context.Cause(ctx) != errChild || context.Cause(mine) != errChild {
						t.Errorf("causes %v, %v", context.Cause(ctx), context.Cause(mine))
					}
				})
			})
			g.Go(func(f *Fiber) error { f.Yield(); return errChild })
		}, errChild},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rt := start(t, quiet(2))
			do(t, rt, func(f *Fiber) {
				g := NewGroup(f)
				c.fn(t, f, g)
				err := g.Wait(f)
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("Wait returned %v, want %v", err, c.want)
				}
				if c.name == "panic" && !errors.As(err, new(*PanicError)) {
					t.Errorf("%T", err)
				}
				if err2 := g.Wait(f); err2 != err {
					t.Errorf("a second Wait returned %v", err2)
				}
				if f.root.Load().groups != nil || g.scope.children != nil {
					t.Error("the group is still linked")
				}
				mustPanic(t, func() { g.Go(forever) })
			})
		})
	}
}

func TestGroupLimit(t *testing.T) {
	rt := start(t, quiet(2))
	do(t, rt, func(f *Fiber) {
		g := NewGroup(f)
		g.SetLimit(3)
		var running, most, total atomic.Int32
		for i := range 50 {
			g.GoOn(rt.Loops()[i%2], func(f *Fiber) error {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				f.Sleep(50 * time.Microsecond)
				running.Add(-1)
				total.Add(1)
				return nil
			})
		}
		if err := g.Wait(f); err != nil || most.Load() > 3 || total.Load() != 50 {
			t.Errorf("%v, at most %d at a time, %d in all", err, most.Load(), total.Load())
		}
		g = NewGroup(f)
		g.SetLimit(1)
		total.Store(0)
		for range 10 {
			g.Go(func(f *Fiber) error { total.Add(1); return errChild })
		}
		if err := g.Wait(f); err != errChild || total.Load() != 10 {
			t.Errorf("%v, %d ran; all must, canceled or not", err, total.Load())
		}
	})
}

// Children never outlive the code that started them, however it ends.
func TestGroupAbandoned(t *testing.T) {
	ends := map[string]func(){
		"return": func() {},
		"panic":  func() { panic("expected") },
		"goexit": runtime.Goexit,
		"stall":  func() { time.Sleep(3 * time.Millisecond) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			rt := start(t, quiet(2))
			var alive atomic.Int32
			do(t, rt, func(f *Fiber) {
				outer := NewGroup(f)
				outer.Go(func(f *Fiber) error {
					g, h := NewGroup(f), NewGroup(f)
					for i := range 6 {
						alive.Add(1)
						child := func(f *Fiber) error {
							defer alive.Add(-1)
							inner := NewGroup(f)
							alive.Add(1)
							inner.Go(func(f *Fiber) error { defer alive.Add(-1); return forever(f) })
							return forever(f)
						}
						g.GoOn(rt.Loops()[i%2], child)
						alive.Add(1)
						h.Go(child)
					}
					f.Yield()
					end()
					return nil
				})
				outer.Wait(f)
				if alive.Load() != 0 {
					t.Errorf("%d children left", alive.Load())
				}
			})
		})
	}
}

func TestGroupDeadline(t *testing.T) {
	rt := start(t, quiet(2))
	do(t, rt, func(f *Fiber) {
		err := f.WithTimeout(2*time.Millisecond, func() error {
			g := NewGroup(f)
			g.Go(forever)
			g.GoOn(rt.Loops()[0], forever)
			return g.Wait(f)
		})
		if err != context.DeadlineExceeded || f.Err() != nil {
			t.Error(err, f.Err())
		}
	})
}

// While the runtime closes, children get ErrClosed and Wait still waits for them. A
// loop that has ended takes no child.
func TestGroupClose(t *testing.T) {
	rt := start(t, quiet(2))
	other := start(t, quiet(1))
	other.Close(context.Background())
	done := make(chan error, 1)
	started := make(chan struct{})
	rt.Go(func(f *Fiber) {
		g := NewGroup(f)
		g.SetLimit(1)
		g.Go(func(f *Fiber) error {
			close(started)
			err := forever(f)
			f.Block(func() { time.Sleep(time.Millisecond) })
			return err
		})
		for range 100 {
			g.GoOn(other.Loops()[0], forever)
		}
		done <- g.Wait(f)
	})
	<-started
	rt.Close(context.Background())
	if err := <-done; err != ErrClosed {
		t.Error(err)
	}
}

func TestGroupMisuse(t *testing.T) {
	rt := start(t, quiet(1))
	do(t, rt, func(f *Fiber) {
		g := NewGroup(f)
		g.Go(func(f *Fiber) error {
			mustPanic(t, func() { g.Wait(f) })
			return nil
		})
		if err := g.Wait(f); err != nil {
			t.Error(err)
		}
	})
}

// A stalling child is recognized by its function the next time.
func TestGroupChildSite(t *testing.T) {
	rt := start(t, quiet(1))
	do(t, rt, func(f *Fiber) {
		slow := func(f *Fiber) error { time.Sleep(4 * time.Millisecond); return nil }
		for range 5 {
			g := NewGroup(f)
			g.Go(slow)
			g.Wait(f)
		}
		sites := 0
		rt.sites.Range(func(_, s any) bool {
			if strings.Contains(s.(*Site).Name(), "TestGroupChildSite") {
				sites++
				if n := s.(*Site).Stalls(); n != 1 {
					t.Errorf("%s: %d stalls", s.(*Site).Name(), n)
				}
			}
			return true
		})
		if sites != 1 {
			t.Errorf("%d sites", sites)
		}
	})
}

// Trees of groups whose members fail, panic, stall, are canceled and start more, on
// all loops: every Wait returns, and only after all below it have ended.
func TestGroupStress(t *testing.T) {
	stress(t, 12, 0, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		var alive, born atomic.Int64
		var tree func(w *worker, depth int) error
		tree = func(w *worker, depth int) error {
			loops := w.f.Loop().Runtime().Loops()
			g := NewGroup(w.f)
			if w.rng.IntN(3) == 0 {
				g.SetLimit(1 + w.rng.IntN(2))
			}
			var mine atomic.Int64
			n := 1 + w.rng.IntN(3)
			for range n {
				a, b := w.rng.Uint64(), w.rng.Uint64()
				mine.Add(1)
				alive.Add(1)
				born.Add(1)
				g.GoOn(loops[w.rng.IntN(len(loops))], func(f *Fiber) error {
					defer func() { mine.Add(-1); alive.Add(-1) }()
					w := &worker{f: f, rng: newRand(a, b)}
					w.pause()
					switch k := w.rng.IntN(16); {
					case k == 0:
						return errChild
					case k == 1:
						panic("expected")
					case k == 2:
						runtime.Goexit()
					case k == 3:
						g.Cancel(errChild)
					case k < 6 && depth > 0:
						return tree(w, depth-1)
					case k < 8 && depth > 0:
						return c.within(f, func() error { return tree(w, depth-1) })
					case k == 8 && depth > 0:
						NewGroup(f).Go(forever) // abandoned
					}
					w.pause()
					return nil
				})
			}
			if w.rng.IntN(4) == 0 {
				return nil // abandoned; the group above or the fiber's end waits
			}
			var err error
			if w.rng.IntN(4) == 0 {
				err = c.within(w.f, func() error { return g.Wait(w.f) })
			} else {
				err = g.Wait(w.f)
			}
			if mine.Load() != 0 {
				panic("children left")
			}
			return err
		}
		fn := func(w *worker) {
			for range 20 {
				tree(w, 3)
			}
		}
		return fn, func(t *testing.T) {
			t.Logf("%d children", born.Load())
			// Abandoned groups end with their fiber; this runs before it does.
			for alive.Load() != 0 {
				runtime.Gosched()
			}
		}
	})
}
