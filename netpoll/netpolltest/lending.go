package netpolltest

import (
	"io"
	"sync/atomic"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases about lending: what a fiber has borrowed of its loop's buffer stays as it was,
// whatever the loop does with the buffer meanwhile.

func receiveConsume(t *testing.T, h Harness) {
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		b, err := receiveAll(v, 10)
		if fail(t, err) {
			return
		}
		if string(b) != "0123456789" {
			t.Errorf("received %q", b)
		}
		v.Consume(4)
		inLoop(f, func() { b = v.Conn().Buffered() })
		if string(b) != "456789" {
			t.Errorf("buffered %q after Consume", b)
		}
		v.Write([]byte("more"))
		if b, err = receiveAll(v, 12); fail(t, err) {
			return
		}
		if string(b) != "456789abcdef"[:len(b)] {
			t.Errorf("received %q after a part was consumed", b)
		}
		v.Consume(5)
		rest := make([]byte, 100) // Read takes what was lent first
		n, err := v.Read(rest)
		if err != nil || n == 0 || string(rest[:n]) != "9abcdef"[:n] {
			t.Errorf("read %q, %v", rest[:n], err)
		}
		inLoop(f, func() {
			c := v.Conn()
			c.Consume(len(c.Buffered()))
			if len(c.Buffered()) != 0 {
				t.Errorf("%q is left after everything was consumed", c.Buffered())
			}
		})
	})
	io.WriteString(p, "0123456789")
	if _, err := io.ReadFull(p, make([]byte, 4)); err != nil {
		t.Error(err)
	}
	io.WriteString(p, "abcdef")
	wait()
}

func sealed(t *testing.T, h Harness) {
	const first, more = "the first bytes", ", and more of them"
	conns := make(chan *netpoll.Conn, 2)
	s := serve(t, h, 1, netpoll.ListenConfig{}, func(c *netpoll.Conn) { conns <- c })
	pa := connect(t, s)
	a := <-conns
	pb := connect(t, s)
	b := <-conns
	io.WriteString(pa, first)
	done := make(chan struct{})
	a.Loop().Go(func(f *fiber.Fiber) {
		defer close(done)
		var rec recorder
		va, vb := a.As(f), b.As(f)
		defer va.Close()
		defer vb.Close()
		inLoop(f, func() { a.SetHooks(&rec) })
		lent, err := receiveAll(va, len(first))
		if fail(t, err) {
			return
		}
		moved := rec.moved
		go io.WriteString(pb, "other")
		other, err := receiveAll(vb, 5)
		if fail(t, err) || string(other) != "other" {
			t.Errorf("the other connection received %q", other)
			return
		}
		inLoop(f, func() {
			if got := string(a.Buffered()); got != first {
				t.Errorf("buffered %q after another connection used the buffer", got)
			}
			if rec.moved > moved && string(rec.fresh) != first {
				t.Errorf("Sealed was told %q", rec.fresh)
			}
			if rec.moved == moved && string(lent) != first {
				t.Errorf("the bytes were overwritten with %q and Sealed was not called", lent)
			}
		})
		go io.WriteString(pa, more)
		lent, err = receiveAll(va, len(first+more))
		if fail(t, err) || string(lent) != first+more {
			t.Errorf("received %q", lent)
		}
	})
	await(t, done, "the fiber")
}

// first starts a server with one loop that handles its first connection by fn and echoes
// on the others. wait returns when fn has returned.
func first(t *testing.T, h Harness, c netpoll.ListenConfig, fn func(f *fiber.Fiber, v *netpoll.View)) (s *Server, wait func()) {
	t.Helper()
	var number atomic.Int32
	done := make(chan struct{})
	s = handle(t, h, 1, c, func(f *fiber.Fiber, v *netpoll.View) {
		if number.Add(1) > 1 {
			echoAll(f, v)
			return
		}
		defer close(done)
		defer v.Close()
		fn(f, v)
	})
	return s, func() { t.Helper(); await(t, done, "the handler") }
}

// A handler that stalls its loop goes on beside it: what it borrowed must stay, while
// the loop serves others.
func borrowedWhileStalled(t *testing.T, h Harness) {
	const msg = "keep these bytes"
	begun, gate := make(chan struct{}), make(chan struct{})
	s, wait := first(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		b, err := receiveAll(v, len(msg))
		if fail(t, err) {
			return
		}
		close(begun)
		<-gate // the loop is not told
		if string(b) != msg {
			t.Errorf("borrowed bytes became %q", b)
		}
		v.Consume(len(b))
	})
	p := connect(t, s)
	io.WriteString(p, msg)
	await(t, begun, "the wait for the handler")
	q := connect(t, s)
	for range 5 {
		fail(t, ping(q, "other traffic, which is longer than those"))
	}
	close(gate)
	wait()
}

func borrowedOverBlock(t *testing.T, h Harness) {
	const msg = "keep these bytes"
	entered, gate := make(chan struct{}), make(chan struct{})
	s, wait := first(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		if _, err := receiveAll(v, len(msg)); fail(t, err) {
			return
		}
		f.Block(func() { close(entered); <-gate })
		inLoop(f, func() {
			if got := string(v.Conn().Buffered()); got != msg {
				t.Errorf("buffered %q after Block", got)
			}
		})
	})
	p := connect(t, s)
	io.WriteString(p, msg)
	await(t, entered, "the wait for the handler")
	q := connect(t, s)
	for range 5 {
		fail(t, ping(q, "other traffic, which is longer than those"))
	}
	close(gate)
	wait()
}

// A handler that never parks is made to let others run inside any call; what it
// borrowed must stay.
func borrowedWhileOverstaying(t *testing.T, h Harness) {
	const msg = "keep these bytes"
	var enough atomic.Bool
	begun := make(chan struct{})
	s, wait := first(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		b, err := receiveAll(v, len(msg))
		if fail(t, err) {
			return
		}
		close(begun)
		for !enough.Load() {
			v.RemoteAddr()
		}
		if string(b) != msg {
			t.Errorf("borrowed bytes became %q", b)
		}
	})
	p := connect(t, s)
	io.WriteString(p, msg)
	await(t, begun, "the wait for the handler")
	q := connect(t, s)
	fail(t, ping(q, "other traffic, which is longer than those"))
	enough.Store(true)
	wait()
}

// Write may be given borrowed bytes although it parks.
func writeOfBorrowed(t *testing.T, h Harness) {
	const size = 40_000
	filled := make(chan int, 1)
	s, wait := first(t, h, netpoll.ListenConfig{OwedBytesMax: 100}, func(f *fiber.Fiber, v *netpoll.View) {
		b, err := receiveAll(v, size)
		if fail(t, err) {
			return
		}
		total := 0
		inLoop(f, func() {
			for !v.Conn().Blocked() {
				n, _ := v.Conn().TrySend(make([]byte, 1<<16))
				total += n
			}
		})
		filled <- total
		_, err = v.Write(b[:size])
		fail(t, err)
	})
	p := connect(t, s)
	p.Write(stream(0, size))
	total := <-filled
	q := connect(t, s)
	for range 5 {
		fail(t, ping(q, "other traffic"))
	}
	_, err := io.CopyN(io.Discard, p, int64(total))
	fail(t, err)
	fail(t, verify(p, size, 1000))
	wait()
}
