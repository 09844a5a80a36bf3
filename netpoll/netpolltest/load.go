package netpolltest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases with many connections, many loops and many goroutines.

func manyConnections(t *testing.T, h Harness) {
	const conns, dialers = 1000, 8
	var open, perLoop [4]atomic.Int32
	s := handle(t, h, len(perLoop), netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		i := f.Loop().Index() % len(perLoop)
		perLoop[i].Add(1)
		open[i].Add(1)
		echoAll(f, v)
		open[i].Add(-1)
	})
	var wg sync.WaitGroup
	for d := range dialers {
		wg.Go(func() {
			var peers []Peer
			for i := d; i < conns; i += dialers {
				p, err := s.Dial()
				if fail(t, err) {
					break
				}
				p.SetDeadline(time.Now().Add(patience))
				peers = append(peers, p)
			}
			for round := range 3 {
				for i, p := range peers {
					if fail(t, ping(p, fmt.Sprintf("round %d of %d by %d", round, i, d))) {
						break
					}
				}
			}
			for _, p := range peers {
				p.Close()
			}
		})
	}
	wg.Wait()
	used := 0
	for i := range perLoop {
		if perLoop[i].Load() > 0 {
			used++
		}
	}
	if used < 2 && len(s.Runtime.Loops()) > 1 {
		t.Errorf("%d loops of %d got connections", used, len(s.Runtime.Loops()))
	}
}

// Other goroutines wake the loops while connections keep them busy or let them sleep.
func wakeUps(t *testing.T, h Harness) {
	s := handle(t, h, 2, netpoll.ListenConfig{}, echoAll)
	p := connect(t, s)
	together(
		func() {
			for range 300 {
				if fail(t, ping(p, "hello")) {
					return
				}
			}
		},
		func() {
			for range 300 {
				done := make(chan struct{})
				s.Runtime.Go(func(f *fiber.Fiber) { close(done) })
				<-done
			}
		},
		func() {
			parked := make(chan *fiber.Fiber)
			var token atomic.Int32
			done := make(chan struct{})
			s.Runtime.Go(func(f *fiber.Fiber) {
				defer close(done)
				parked <- f
				for want := range int32(300) {
					f.Enter()
					for token.Load() <= want {
						if err := f.Park(0); err != nil {
							t.Error(err)
							break
						}
					}
					f.Leave()
				}
			})
			f := <-parked
			for range 300 {
				token.Add(1)
				f.Unpark()
				runtime.Gosched()
			}
			<-done
		},
	)
}

// descriptors counts the open descriptors of the process, -1 if it cannot be told.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}

// A runtime that closes with connections, waiting and idle, ends them and leaks
// nothing.
func closeRuntime(t *testing.T, h Harness) {
	before := descriptors()
	var kept []Peer
	var waiting atomic.Int32
	ready := make(chan struct{}, 20)
	s := h.Serve(t, 2, netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		if waiting.Add(1)%2 == 0 {
			ready <- struct{}{} // nobody serves it, nobody closes it
			return
		}
		c.Loop().Go(func(f *fiber.Fiber) {
			ready <- struct{}{}
			if _, err := c.As(f).Read(make([]byte, 1)); err == nil {
				t.Error("Read returned although nothing was sent")
			}
		})
	})
	for range 20 {
		p, err := s.Dial()
		if err != nil {
			t.Fatal(err)
		}
		p.SetDeadline(time.Now().Add(patience))
		kept = append(kept, p)
	}
	for range kept {
		<-ready
	}
	stop(t, s)
	for _, p := range kept {
		if n, err := p.Read(make([]byte, 1)); n > 0 || err == nil || os.IsTimeout(err) {
			t.Errorf("a peer of a closed runtime read %d bytes, %v", n, err)
		}
		p.Close()
	}
	if err := s.Runtime.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if after := descriptors(); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}
