package netpolltest

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases about how connections end.

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func peerHalfCloses(t *testing.T, h Harness) {
	const size = 300_000
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		got, err := io.ReadAll(struct{ io.Reader }{v})
		if err != nil || len(got) != size {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		fail(t, verifyEnd(v))
		_, err = v.Write(got)
		fail(t, err)
		fail(t, v.CloseWrite())
		fail(t, v.CloseWrite())
	})
	p.Write(stream(0, size))
	fail(t, p.CloseWrite())
	fail(t, verify(p, size, 4096))
	fail(t, verifyEnd(p))
	wait()
}

func closeWriteAfterOwed(t *testing.T, h Harness) {
	size := h.fill() / 2
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		inLoop(f, func() {
			c := v.Conn()
			fail(t, c.Send(stream(0, size)))
			fail(t, c.CloseWrite())
			if err := c.Send([]byte("late")); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("Send after CloseWrite returned %v", err)
			}
		})
		fail(t, verify(v, 1000, 100)) // the other direction still works
	})
	fail(t, verify(p, size, 1<<16))
	fail(t, verifyEnd(p))
	p.Write(stream(0, 1000))
	wait()
}

// The end may arrive together with the last bytes, at any moment.
func dataThenEnd(t *testing.T, h Harness) {
	var bad atomic.Int32
	ended := make(chan struct{}, 1)
	s := handle(t, h, 1, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		got, err := io.ReadAll(struct{ io.Reader }{v})
		if err != nil || len(got) != 100 {
			t.Errorf("read %d bytes, %v", len(got), err)
			bad.Add(1)
		}
		v.Close()
		ended <- struct{}{}
	})
	for i := range 200 {
		p, err := s.Dial()
		if fail(t, err) {
			return
		}
		p.Write(stream(0, 100-i%50))
		if i%50 > 0 {
			p.Write(stream(0, i%50))
		}
		p.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("the end was not seen")
		}
	}
}

// reading is a machine that receives until the end.
type reading struct {
	fiber.Fiber
	c    *netpoll.Conn
	got  int
	done chan error
}

func (m *reading) Resume(f *fiber.Fiber) fiber.Status {
	if err := f.Err(); err != nil {
		return m.finish(err)
	}
	for {
		b, err := m.c.Receive()
		if err == netpoll.ErrWouldBlock {
			return fiber.Waiting
		}
		if err != nil {
			return m.finish(err)
		}
		m.got += len(b)
		m.c.Consume(len(b))
	}
}

func (m *reading) finish(err error) fiber.Status {
	m.c.SetReader(nil)
	m.c.Close()
	m.done <- err
	return fiber.Done
}

func machineSeesEnd(t *testing.T, h Harness) {
	machines := make(chan *reading, 1)
	s := serve(t, h, 1, netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		m := &reading{c: c, done: make(chan error, 1)}
		c.SetReader(&m.Fiber)
		c.Loop().Start(&m.Fiber, m)
		machines <- m
	})
	for range 100 {
		p := connect(t, s)
		p.Write(stream(0, 1000))
		p.Write(stream(0, 1000))
		p.Close()
		m := <-machines
		select {
		case err := <-m.done:
			if err != io.EOF || m.got != 2000 {
				t.Fatalf("received %d bytes, %v", m.got, err)
			}
		case <-time.After(patience):
			t.Fatal("the end was not seen")
		}
	}
}

func goneAtEndThenReset(t *testing.T, h Harness) {
	first := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		var rec recorder
		inLoop(f, func() { v.Conn().SetHooks(&rec) })
		fail(t, until(f, func() bool { return rec.ends == 1 || v.Conn().PeerGone() }))
		close(first)
		fail(t, until(f, func() bool { return rec.fails == 1 }))
		if b, err := receiveAll(v, 4); err != nil || string(b) != "last" {
			t.Errorf("after the reset: %q, %v", b, err)
		}
		inLoop(f, func() {
			if rec.ends > 1 || rec.fails != 1 || !isReset(rec.cause) {
				t.Errorf("Gone said the end %d times, and %d times that it broke: %v", rec.ends, rec.fails, rec.cause)
			}
			if err := v.Conn().Send([]byte("x")); !isReset(err) {
				t.Errorf("Send returned %v", err)
			}
		})
	})
	io.WriteString(p, "last")
	fail(t, p.CloseWrite())
	<-first
	fail(t, p.Abort())
	wait()
}

func resetWhileReading(t *testing.T, h Harness) {
	got := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		var rec recorder
		inLoop(f, func() { v.Conn().SetHooks(&rec) })
		b, err := receiveAll(v, 5)
		if fail(t, err) {
			return
		}
		v.Consume(len(b))
		close(got)
		for range 2 {
			if n, err := v.Read(make([]byte, 10)); n != 0 || !isReset(err) {
				t.Errorf("Read returned %d, %v", n, err)
			}
		}
		if _, err := v.Write([]byte("x")); !isReset(err) {
			t.Errorf("Write returned %v", err)
		}
		fail(t, until(f, func() bool { return rec.fails == 1 && rec.ends == 0 && v.Conn().PeerGone() }))
	})
	io.WriteString(p, "hello")
	<-got
	fail(t, p.Abort())
	wait()
}

func resetWhileWriting(t *testing.T, h Harness) {
	blocked := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		f.Go(func(g *fiber.Fiber) {
			until(g, func() bool { return v.Conn().Blocked() })
			close(blocked)
		})
		chunk := make([]byte, 1<<16)
		for range 2 * h.fill() / len(chunk) {
			if _, err := v.Write(chunk); err != nil {
				if !isReset(err) {
					t.Errorf("Write returned %v", err)
				}
				return
			}
		}
		t.Error("everything was written to a peer that does not read")
	})
	<-blocked
	fail(t, p.Abort())
	wait()
}

func closeWakesWaiters(t *testing.T, h Harness) {
	_, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		errs := make(chan error, 2)
		f.Go(func(g *fiber.Fiber) {
			_, err := c.As(g).Read(make([]byte, 1))
			errs <- err
		})
		f.Go(func(g *fiber.Fiber) {
			w := c.As(g)
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					errs <- err
					return
				}
			}
		})
		fail(t, until(f, c.Blocked))
		inLoop(f, func() { c.Close() })
		f.Block(func() {
			for range 2 {
				if err := <-errs; !errors.Is(err, net.ErrClosed) {
					t.Errorf("a waiter got %v", err)
				}
			}
		})
	})
	wait()
}

func closeSendsWhatIsOwed(t *testing.T, h Harness) {
	size := h.fill() / 2
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		fail(t, oweMuch(f, v.Conn(), size))
		fail(t, v.Close())
	})
	fail(t, verify(p, size, 1<<16))
	fail(t, verifyEnd(p))
	wait()
}

func afterClose(t *testing.T, h Harness) {
	_, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		remote := v.RemoteAddr().String()
		fail(t, v.Close())
		_, err := v.Read(make([]byte, 1))
		isClosed(t, "Read", err)
		_, err = v.Receive()
		isClosed(t, "Receive", err)
		_, err = v.Write([]byte("x"))
		isClosed(t, "Write", err)
		isClosed(t, "WriteVec", v.WriteVec([][]byte{{1}}))
		isClosed(t, "CloseWrite", v.CloseWrite())
		isClosed(t, "Close", v.Close())
		v.LocalAddr()
		if a := v.RemoteAddr(); a == nil || a.String() != remote {
			t.Errorf("RemoteAddr was %s and is %v", remote, a)
		}
		inLoop(f, func() {
			c.Close()
			c.Abort()
			c.Consume(0)
			if !c.Closed() || c.Owed() != 0 || len(c.Buffered()) != 0 {
				t.Error("a closed connection holds something")
			}
		})
	})
	wait()
}

func abort(t *testing.T, h Harness) {
	gate := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		f.Block(func() { <-gate })
		v.Abort()
	})
	close(gate)
	wait()
	if _, err := p.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("the peer's Read returned %v", err)
	}
}

// closer closes another connection when its own peer goes.
type closer struct{ other *netpoll.Conn }

func (h *closer) Sealed([]byte) {}
func (h *closer) Gone(error)    { h.other.Close() }

// Connections close each other while their events wait in one batch; the descriptors
// are used again at once.
func closeInEvents(t *testing.T, h Harness) {
	conns := make(chan *netpoll.Conn, 2)
	s := serve(t, h, 1, netpoll.ListenConfig{}, func(c *netpoll.Conn) { conns <- c })
	for range 50 {
		p, q := connect(t, s), connect(t, s)
		a, b := <-conns, <-conns
		ready := make(chan struct{})
		release, held := make(chan struct{}), make(chan struct{})
		a.Loop().Post(func() {
			a.SetHooks(&closer{b})
			b.SetHooks(&closer{a})
			close(ready)
		})
		<-ready
		// The loop is held up, so that both ends arrive in one batch.
		a.Loop().Post(func() { close(held); <-release })
		<-held
		p.Close()
		q.Close()
		close(release)
		u := connect(t, s)
		c := <-conns
		done := make(chan struct{})
		c.Loop().Go(func(f *fiber.Fiber) { defer close(done); echoAll(f, c.As(f)) })
		fail(t, ping(u, "still well"))
		u.Close()
		await(t, done, "the echo")
	}
}
