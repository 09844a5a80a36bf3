package fiber

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A runtime made inside a synctest bubble lives by the bubble's clock, also after
// runtimes outside it and other bubbles have left seats behind.
func TestInSynctestBubble(t *testing.T) {
	use := func(t *testing.T, rt *Runtime) {
		do(t, rt, func(f *Fiber) {
			f.Block(func() {})
			f.Detach()
			f.Yield()
		})
	}
	use(t, start(t, Config{Loops: 1}))
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			rt, err := New(Config{Loops: 2})
			if err != nil {
				t.Fatal(err)
			}
			rt.Start()
			use(t, rt)
			begun := time.Now()
			do(t, rt, func(f *Fiber) {
				if now := f.loop.Clock(); now < 1 {
					t.Errorf("the clock shows %d", now)
				}
				f.Sleep(time.Hour)
				f.WithTimeout(time.Hour, func() error {
					f.Block(func() { <-f.innermost().Context(f.loop).Done() })
					return nil
				})
			})
			if d := time.Since(begun); d < 2*time.Hour || d > 2*time.Hour+time.Second {
				t.Errorf("two hours took %v", d)
			}
			parked := make(chan error, 1)
			rt.Go(func(f *Fiber) { parked <- f.Sleep(1000 * time.Hour) })
			synctest.Wait()
			if err := rt.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-parked; err != ErrClosed {
				t.Errorf("got %v", err)
			}
		})
	}
	use(t, start(t, Config{Loops: 1}))
}
