package netpolltest

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases about several fibers that use one connection while one of them ends it.

// isClosed reports an error of a call whose connection another fiber has closed.
func isClosed(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("%s returned %v", what, err)
	}
}

// oweMuch has c owe more than the peer, who does not read, will take.
func oweMuch(f *fiber.Fiber, c *netpoll.Conn, size int) (err error) {
	inLoop(f, func() { err = c.Send(stream(0, size)) })
	return err
}

// closing waits until another fiber is in the middle of closing c.
func closing(f *fiber.Fiber, c *netpoll.Conn) error {
	return until(f, func() bool { _, err := c.TrySend([]byte{0}); return errors.Is(err, net.ErrClosed) })
}

// closeWhileWriting closes while another fiber is in the middle of a Write: that Write and
// whatever comes later end at once, and what had been written before still goes.
func closeWhileWriting(t *testing.T, h Harness) {
	size := h.fill() / 2
	over := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		fail(t, oweMuch(f, c, size))
		writes := false
		g := fiber.NewGroup(f)
		g.Go(func(f *fiber.Fiber) error {
			defer close(over) // the peer reads only now
			w := c.As(f)
			writes = true
			n, err := w.Write([]byte("lost"))
			isClosed(t, "the Write", err)
			if n != 0 {
				t.Errorf("%d bytes were accepted over OwedMax", n)
			}
			_, err = w.Write([]byte("late"))
			isClosed(t, "a later Write", err)
			isClosed(t, "a WriteVec", w.WriteVec([][]byte{{1}}))
			isClosed(t, "a second Close", w.Close())
			return nil
		})
		fail(t, until(f, func() bool { return writes }))
		fail(t, v.Close())
		fail(t, g.Wait(f))
	})
	await(t, over, "the Write")
	fail(t, verify(p, size, 1<<16))
	fail(t, verifyEnd(p))
	wait()
}

// consumeAfterClose gives bytes back that were received before another fiber closed the
// connection: nothing is left of them, and nothing goes wrong.
func consumeAfterClose(t *testing.T, h Harness) {
	for _, sealed := range []bool{false, true} {
		p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
			b, err := v.Receive()
			if fail(t, err) {
				return
			}
			n := len(b)
			if sealed {
				fail(t, f.Block(func() {}))
				if got := v.Buffered(); len(got) != n {
					t.Errorf("%q is buffered", got)
				}
			}
			c := v.Conn()
			g := fiber.NewGroup(f)
			g.Go(func(f *fiber.Fiber) error { return c.As(f).Close() })
			fail(t, g.Wait(f))
			v.Consume(n)
			if b := v.Buffered(); len(b) > 0 {
				t.Errorf("a closed connection has %q", b)
			}
		})
		io.WriteString(p, "hello")
		wait()
	}
}

// closeWakesReaders closes while other fibers read, with bytes owed and without.
func closeWakesReaders(t *testing.T, h Harness) {
	for _, receive := range []bool{false, true} {
		p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
			c := v.Conn()
			fail(t, oweMuch(f, c, h.fill()/2))
			g := fiber.NewGroup(f)
			reads := false
			g.Go(func(f *fiber.Fiber) error {
				r := c.As(f)
				reads = true
				var err error
				if receive {
					_, err = r.Receive()
				} else {
					_, err = r.Read(make([]byte, 1))
				}
				isClosed(t, "the Read", err)
				return nil
			})
			fail(t, until(f, func() bool { return reads }))
			fail(t, v.Close())
			fail(t, g.Wait(f))
		})
		fail(t, verify(p, h.fill()/2, 1<<16))
		fail(t, verifyEnd(p))
		wait()
	}
}

// abortWhileClosing does not wait for what a Close waits for.
func abortWhileClosing(t *testing.T, h Harness) {
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		fail(t, oweMuch(f, c, h.fill()))
		g := fiber.NewGroup(f)
		g.Go(func(f *fiber.Fiber) error {
			isClosed(t, "the Close", c.As(f).Close())
			return nil
		})
		fail(t, closing(f, c))
		fail(t, v.Abort())
		fail(t, g.Wait(f))
	})
	wait()
	cut(t, p)
}

// cut verifies that the peer learns that the stream was not whole.
func cut(t *testing.T, p Peer) {
	t.Helper()
	if n, err := io.Copy(io.Discard, struct{ io.Reader }{p}); !isReset(err) {
		t.Errorf("after %d bytes of a stream that was cut: %v", n, err)
	}
}

// resetWhileClosing ends a Close that waits with what the peer has done.
func resetWhileClosing(t *testing.T, h Harness) {
	waits := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		fail(t, oweMuch(f, c, h.fill()))
		g := fiber.NewGroup(f)
		g.Go(func(f *fiber.Fiber) error {
			if err := c.As(f).Close(); !isReset(err) {
				t.Errorf("Close returned %v", err)
			}
			return nil
		})
		fail(t, closing(f, c))
		close(waits)
		fail(t, g.Wait(f))
		isClosed(t, "a second Close", v.Close())
	})
	await(t, waits, "the Close")
	fail(t, p.Abort())
	wait()
}

// closeGivesUp is a Close that cannot wait until everything has gone: the peer must not
// take what it got for all there was.
func closeGivesUp(t *testing.T, h Harness) {
	cause := errors.New("enough")
	for name, how := range map[string]func(f *fiber.Fiber, v *netpoll.View) error{
		"deadline": func(f *fiber.Fiber, v *netpoll.View) error {
			v.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			isTimeout(t, "Close", v.Close())
			return nil
		},
		"canceled": func(f *fiber.Fiber, v *netpoll.View) error {
			s, c := f.Scope(), v.Conn()
			f.Go(func(f *fiber.Fiber) {
				fail(t, closing(f, c))
				s.Cancel(cause)
			})
			if err := v.Close(); !errors.Is(err, cause) {
				t.Errorf("a canceled Close returned %v", err)
			}
			return nil
		},
		"machine": func(f *fiber.Fiber, v *netpoll.View) (err error) {
			inLoop(f, func() { err = v.Conn().Close() })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
				fail(t, oweMuch(f, v.Conn(), h.fill()))
				fail(t, how(f, v))
				isClosed(t, "a second Close", v.Close())
			})
			wait()
			cut(t, p)
		})
	}
}

// closeTakenOver is a Close that waits when another closes the connection in its stead:
// what is owed is the other's to wait for.
func closeTakenOver(t *testing.T, h Harness) {
	size := h.fill() / 2
	over := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		fail(t, oweMuch(f, c, size))
		g := fiber.NewGroup(f)
		g.Go(func(f *fiber.Fiber) error {
			defer close(over) // the peer reads only now
			isClosed(t, "the Close", c.As(f).Close())
			return nil
		})
		fail(t, closing(f, c))
		inLoop(f, func() {
			c.Closing(f)
			fail(t, c.AwaitSent(f, 0))
			fail(t, c.Close())
		})
		fail(t, g.Wait(f))
	})
	await(t, over, "the Close")
	fail(t, verify(p, size, 1<<16))
	fail(t, verifyEnd(p))
	wait()
}

// closeWriteWhileWriting ends the Write of another fiber, as shutdown(2) does: what it
// had sent arrives, and then the end.
func closeWriteWhileWriting(t *testing.T, h Harness) {
	wrote := make(chan int, 1)
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		g := fiber.NewGroup(f)
		g.Go(func(f *fiber.Fiber) error {
			n, err := c.As(f).Write(stream(0, h.fill()))
			if !errors.Is(err, syscall.EPIPE) {
				t.Errorf("the Write returned %v", err)
			}
			wrote <- n // the peer reads only now
			return nil
		})
		fail(t, until(f, c.Blocked))
		fail(t, v.CloseWrite())
		fail(t, g.Wait(f))
	})
	select {
	case n := <-wrote:
		fail(t, verify(p, n, 1<<16))
		fail(t, verifyEnd(p))
	case <-time.After(patience):
		t.Error("the Write did not end")
		p.Close()
	}
	wait()
}

// closeRuntimeWhileClosing ends a Close that waits, too.
func closeRuntimeWhileClosing(t *testing.T, h Harness) {
	got, waits := make(chan error, 1), make(chan struct{})
	s := h.Serve(t, 1, netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			fail(t, oweMuch(f, c, h.fill()))
			f.Go(func(f *fiber.Fiber) { closing(f, c); close(waits) })
			got <- c.As(f).Close()
		})
	})
	p, err := s.Dial()
	if fail(t, err) {
		return
	}
	defer p.Close()
	p.SetDeadline(time.Now().Add(patience))
	await(t, waits, "the Close")
	begun := time.Now()
	stop(t, s)
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("the runtime took %v to close", d)
	}
	if err := <-got; !errors.Is(err, fiber.ErrClosed) {
		t.Errorf("Close returned %v", err)
	}
	cut(t, p)
}
