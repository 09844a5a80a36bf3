package httpfw

import (
	"bufio"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// The contexts that a burst of waiting handlers has left are given up within some seconds,
// but for a few.
func TestSpareContextsAreTrimmed(t *testing.T) {
	const n = 200
	var clock atomic.Int64
	clock.Store(1)
	var sh *shard // on the baton
	waiting := make(chan *fiber.Fiber, n)
	a := New(Config{FirstByteTimeout: -1, IdleTimeout: -1})
	a.Get("/wait", func(c *Ctx) error {
		f := c.Fiber()
		f.Enter()
		sh = c.conn.shard
		waiting <- f
		f.Park(0)
		f.Leave()
		return c.Text(200, "waited")
	})
	network := startMemory(t, a, fiber.Config{Clock: clock.Load, StallAfter: -1})
	var clients sync.WaitGroup
	for range n {
		c, err := network.Dial()
		if err != nil {
			t.Fatal(err)
		}
		clients.Go(func() {
			defer c.Close()
			if body := ask(t, c, bufio.NewReader(c), "/wait"); body != "waited" {
				t.Errorf("got %q", body)
			}
		})
	}
	var fibers []*fiber.Fiber
	for range n {
		fibers = append(fibers, <-waiting)
	}
	for _, f := range fibers {
		f.Unpark()
	}
	clients.Wait()
	l := fibers[0].Loop()
	spares := func() (count int) {
		done := make(chan struct{})
		l.Post(func() { count = max(len(sh.spare), len(sh.works)); close(done) })
		<-done
		return count
	}
	before := spares()
	if before <= 2*spareKept {
		t.Fatalf("%d spare contexts after the burst: not the case to be tested", before)
	}
	for range 100 { // a Post may come into a turn that has looked already
		clock.Add(int64(time.Second))
		if spares() <= spareKept {
			break
		}
	}
	if after := spares(); after > spareKept || after == 0 {
		t.Errorf("%d spare contexts are left of %d, want %d", after, before, spareKept)
	}
}
