package netpolltest

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases for engines that listen and connect themselves.

// in runs fn in a fiber of the server's runtime.
func in(t *testing.T, s *Server, fn func(f *fiber.Fiber)) {
	t.Helper()
	done := make(chan struct{})
	if err := s.Runtime.Go(func(f *fiber.Fiber) { defer close(done); fn(f) }); err != nil {
		t.Fatal(err)
	}
	await(t, done, "the fiber")
}

func dial(t *testing.T, h Harness) {
	s := handle(t, h, 2, netpoll.ListenConfig{}, echoAll)
	a := s.Listener.Addr()
	for range 10 {
		in(t, s, func(f *fiber.Fiber) {
			v, err := netpoll.Dialer{Timeout: patience}.Dial(f, a.Network(), a.String())
			if fail(t, err) {
				return
			}
			if got := v.RemoteAddr().String(); got != a.String() {
				t.Errorf("RemoteAddr is %s, want %s", got, a)
			}
			const size = 300_000
			f.Go(func(g *fiber.Fiber) {
				w := v.Conn().As(g)
				_, err := w.Write(stream(0, size))
				fail(t, err)
			})
			fail(t, verify(v, size, 1<<16))
			fail(t, v.Close())
		})
	}
}

func dialRefused(t *testing.T, h Harness) {
	s := handle(t, h, 1, netpoll.ListenConfig{}, echoAll)
	a := s.Listener.Addr()
	fail(t, s.Listener.Close())
	in(t, s, func(f *fiber.Fiber) {
		v, err := netpoll.Dial(f, a.Network(), a.String())
		var oe *netpoll.OpError
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &oe) || !strings.Contains(err.Error(), a.String()) {
			t.Errorf("Dial returned %v, %v", v, err)
		}
	})
}

func dialCanceled(t *testing.T, h Harness) {
	var opened atomic.Int32
	s := handle(t, h, 1, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		opened.Add(1)
		io.Copy(io.Discard, struct{ io.Reader }{v}) // ends when the canceled end is closed
		v.Close()
		opened.Add(-1)
	})
	a := s.Listener.Addr()
	in(t, s, func(f *fiber.Fiber) {
		f.Scope().Cancel(errStop)
		if _, err := netpoll.Dial(f, a.Network(), a.String()); !errors.Is(err, errStop) {
			t.Errorf("Dial in a canceled fiber returned %v", err)
		}
	})
	in(t, s, func(f *fiber.Fiber) {
		fail(t, until(f, func() bool { return opened.Load() == 0 }))
	})
}

func listenerClose(t *testing.T, h Harness) {
	s := handle(t, h, 2, netpoll.ListenConfig{}, echoAll)
	p := connect(t, s)
	fail(t, ping(p, "hello"))
	together(
		func() { fail(t, s.Listener.Close()) },
		func() { fail(t, s.Listener.Close()) },
	)
	if _, err := s.Dial(); err == nil {
		t.Error("a closed listener accepts")
	}
	fail(t, ping(p, "still here"))
	fail(t, s.Runtime.Close(context.Background()))
	a := s.Listener.Addr()
	_, err := netpoll.Listen(s.Runtime, a.Network(), a.String(), netpoll.ListenConfig{}, func(*netpoll.Conn) {})
	if !errors.Is(err, fiber.ErrClosed) || !strings.Contains(err.Error(), a.String()) {
		t.Errorf("Listen on a closed runtime returned %v", err)
	}
}

// An address in use is an error that names it, however many loops both sides have.
func addressInUse(t *testing.T, h Harness) {
	for _, loops := range []int{1, 3} {
		s := handle(t, h, loops, netpoll.ListenConfig{}, echoAll)
		a := s.Listener.Addr()
		if strings.HasSuffix(a.String(), ":0") {
			t.Errorf("Addr is %s", a)
		}
		ln, err := netpoll.Listen(s.Runtime, a.Network(), a.String(), netpoll.ListenConfig{}, func(*netpoll.Conn) {})
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), a.String()) {
			t.Errorf("Listen on an address in use returned %v, %v", ln, err)
		}
		p := connect(t, s)
		fail(t, ping(p, "the first listener goes on"))
	}
}

func connsMax(t *testing.T, h Harness) {
	var open, most atomic.Int32
	s := handle(t, h, 1, netpoll.ListenConfig{ConnsMax: 2}, func(f *fiber.Fiber, v *netpoll.View) {
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		v.Write([]byte("!"))
		io.Copy(io.Discard, struct{ io.Reader }{v})
		open.Add(-1)
		v.Close()
	})
	var peers []Peer
	for range 6 {
		peers = append(peers, connect(t, s))
	}
	served := make(chan Peer, len(peers))
	for _, p := range peers {
		go func() {
			_, err := io.ReadFull(p, make([]byte, 1))
			fail(t, err)
			served <- p
		}()
	}
	first, second := <-served, <-served
	first.Close()
	second.Close()
	for range peers[2:] {
		(<-served).Close()
	}
	if n := most.Load(); n != 2 {
		t.Errorf("%d connections were open at once, want 2", n)
	}
}

// A panic in accept concerns one connection.
func panicInAccept(t *testing.T, h Harness) {
	var first atomic.Bool
	s := serve(t, h, 1, netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		if first.CompareAndSwap(false, true) {
			panic("expected by this test")
		}
		c.Loop().Go(func(f *fiber.Fiber) { echoAll(f, c.As(f)) })
	})
	p := connect(t, s)
	if _, err := p.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection whose accept panicked: %v", err)
	}
	q := connect(t, s)
	q.SetDeadline(time.Now().Add(patience))
	fail(t, ping(q, "hello"))
}
