package netpolltest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases about waits that end early: deadlines and cancellation.

// stuck waits until a counter has started and does not move any more.
func stuck(n *atomic.Int64) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	last, same := int64(0), 0
	for same < 3 {
		<-tick.C
		if now := n.Load(); now > 0 && now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
}

func isTimeout(t *testing.T, what string, err error) {
	t.Helper()
	var ne net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("%s returned %v, want a timeout", what, err)
	}
}

const soon = 20 * time.Millisecond

func readDeadline(t *testing.T, h Harness) {
	past := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		buf := make([]byte, 10)
		for range 3 { // renewed
			start := time.Now()
			v.SetReadDeadline(start.Add(soon))
			_, err := v.Read(buf)
			isTimeout(t, "Read", err)
			_, err = v.Receive()
			isTimeout(t, "Receive", err)
			if d := time.Since(start); d < soon {
				t.Errorf("the deadline passed after %v", d)
			}
		}
		if _, err := v.Write([]byte("w")); err != nil {
			t.Errorf("Write after a read deadline: %v", err)
		}
		v.SetReadDeadline(time.Now().Add(patience))
		close(past)
		n, err := v.Read(buf)
		if err != nil || n == 0 {
			t.Errorf("after the deadline was renewed Read returned %d, %v", n, err)
		}
		v.SetReadDeadline(time.Time{})
		v.SetReadDeadline(time.Unix(1<<40, 0)) // later than the clock can count
		if _, err := v.Read(buf); err != io.EOF {
			t.Errorf("without a deadline Read returned %v", err)
		}
	})
	<-past
	io.WriteString(p, "x")
	io.ReadFull(p, make([]byte, 1)) // unread bytes would make Close a reset
	p.Close()
	wait()
}

func writeDeadline(t *testing.T, h Harness) {
	var written, total int
	timedOut := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		var err error
		for err == nil {
			v.SetWriteDeadline(time.Now().Add(soon))
			var n int
			n, err = v.Write(stream(written, 1<<20))
			written += n
		}
		isTimeout(t, "Write", err)
		isTimeout(t, "WriteVec", v.WriteVec([][]byte{{1}}))
		total = written + 100_000
		close(timedOut)
		v.SetWriteDeadline(time.Time{})
		n, err := v.Write(stream(written, 100_000))
		written += n
		fail(t, err)
	})
	<-timedOut
	got := make(chan error, 1)
	go func() { got <- verify(p, total, 1<<16) }()
	wait()
	fail(t, <-got)
	fail(t, verifyEnd(p))
}

func pastDeadline(t *testing.T, h Harness) {
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		b, err := receiveAll(v, 5) // it fails even though bytes wait
		if fail(t, err) {
			return
		}
		v.SetDeadline(time.Unix(1, 0))
		n, err := v.Read(make([]byte, 10))
		isTimeout(t, "Read", err)
		if n != 0 {
			t.Errorf("Read returned %d bytes", n)
		}
		n, err = v.Write(make([]byte, 1024))
		isTimeout(t, "Write", err)
		if n != 0 {
			t.Errorf("Write took %d bytes", n)
		}
		_, err = v.Receive()
		isTimeout(t, "Receive", err)
		v.SetDeadline(time.Time{})
		v.Consume(len(b))
		_, err = v.Write([]byte("ok"))
		fail(t, err)
	})
	io.WriteString(p, "bytes")
	got := make([]byte, 2)
	io.ReadFull(p, got)
	if string(got) != "ok" {
		t.Errorf("the peer read %q", got)
	}
	wait()
}

func deadlinesOfViews(t *testing.T, h Harness) {
	timedOut := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		done := make(chan struct{})
		f.Go(func(g *fiber.Fiber) {
			defer close(done)
			w := v.Conn().As(g)
			w.SetDeadline(time.Now().Add(soon))
			if w.Conn() != v.Conn() || w.Fiber() != g {
				t.Error("the view is not its own")
			}
			_, err := w.Read(make([]byte, 1))
			isTimeout(t, "the other view's Read", err)
			close(timedOut)
		})
		f.Block(func() { <-done })
		if _, err := v.Read(make([]byte, 1)); err != nil {
			t.Errorf("this view's Read returned %v", err)
		}
	})
	<-timedOut
	io.WriteString(p, "x")
	wait()
}

var errStop = errors.New("stop")

func cancelRead(t *testing.T, h Harness) {
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		scope := f.Scope()
		f.Go(func(g *fiber.Fiber) {
			g.Yield()
			g.Block(func() { scope.Cancel(errStop) })
		})
		_, err := v.Read(make([]byte, 1))
		if !errors.Is(err, errStop) {
			t.Errorf("Read returned %v", err)
		}
		if _, err := v.Write([]byte("x")); err != nil {
			t.Errorf("a canceled fiber could not write without waiting: %v", err)
		}
		if _, err := v.Receive(); !errors.Is(err, errStop) {
			t.Errorf("Receive returned %v", err)
		}
	})
	_, err := io.ReadFull(p, make([]byte, 1))
	fail(t, err)
	wait()
}

func cancelWrite(t *testing.T, h Harness) {
	_, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		scope := f.Scope()
		f.Go(func(g *fiber.Fiber) {
			fail(t, until(g, v.Conn().Blocked))
			scope.Cancel(errStop)
		})
		var err error
		for err == nil {
			_, err = v.Write(make([]byte, 1<<20))
		}
		if !errors.Is(err, errStop) {
			t.Errorf("Write returned %v", err)
		}
	})
	wait()
}

// Several fibers, each with its own view and short deadlines, read and write as fast
// as they can; nothing may hang, panic or race.
func racyReadWrite(t *testing.T, h Harness) {
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		done := make(chan struct{}, 2)
		f.Go(func(g *fiber.Fiber) {
			defer func() { done <- struct{}{} }()
			r := c.As(g)
			buf := make([]byte, 1000)
			for i := range 300 {
				r.SetReadDeadline(time.Now().Add(time.Duration(i%3) * time.Millisecond))
				_, err := r.Read(buf)
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
					return
				}
			}
		})
		f.Go(func(g *fiber.Fiber) {
			defer func() { done <- struct{}{} }()
			w := c.As(g)
			buf := make([]byte, 1000)
			for i := range 300 {
				w.SetWriteDeadline(time.Now().Add(time.Duration(i%3) * time.Millisecond))
				_, err := w.Write(buf)
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
					return
				}
				w.LocalAddr()
				w.RemoteAddr()
			}
		})
		f.Block(func() { <-done; <-done })
	})
	over := make(chan struct{})
	together(
		func() { wait(); close(over); p.SetDeadline(time.Unix(1, 0)) },
		func() { io.Copy(io.Discard, p) },
		func() {
			for {
				if _, err := p.Write(make([]byte, 100)); err != nil {
					return
				}
				select {
				case <-over:
					return
				default:
				}
			}
		},
	)
}
