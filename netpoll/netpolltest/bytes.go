package netpolltest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Cases about bytes: lending, sealing, owing.

// echoAll sends back what comes, until the end.
func echoAll(f *fiber.Fiber, v *netpoll.View) {
	defer v.Close()
	for {
		b, err := v.Receive()
		if err != nil {
			return
		}
		n := len(b)
		if _, err := v.Write(b); err != nil {
			return
		}
		v.Consume(n)
	}
}

// ping has the server echo a message.
func ping(p Peer, msg string) error {
	if _, err := io.WriteString(p, msg); err != nil {
		return err
	}
	got := make([]byte, len(msg))
	if _, err := io.ReadFull(p, got); err != nil {
		return err
	}
	if string(got) != msg {
		return &mismatch{string(got), msg}
	}
	return nil
}

type mismatch struct{ got, want string }

func (m *mismatch) Error() string { return "got " + m.got + ", want " + m.want }

func echo(t *testing.T, h Harness) {
	s := handle(t, h, 1, netpoll.ListenConfig{}, echoAll)
	for range 3 {
		p := connect(t, s)
		for range 50 {
			if fail(t, ping(p, "hello")) {
				return
			}
		}
	}
}

// receiveAll receives until so many bytes are buffered.
func receiveAll(v *netpoll.View, n int) (b []byte, err error) {
	for len(b) < n && err == nil {
		b, err = v.Receive()
	}
	return b, err
}

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

// recorder keeps what Hooks say. Holder only.
type recorder struct {
	fresh []byte
	moved int
	ends  int
	fails int
	cause error
	gone  func() // may be nil
}

func (r *recorder) Sealed(fresh []byte) { r.fresh, r.moved = fresh, r.moved+1 }

func (r *recorder) Gone(cause error) {
	if cause == io.EOF {
		r.ends++
	} else {
		r.fails++
		r.cause = cause
	}
	if r.gone != nil {
		r.gone()
	}
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

// A handler that stalls its loop goes on beside it: what it borrowed must stay, while
// the loop serves others.
func borrowedWhileStalled(t *testing.T, h Harness) {
	const msg = "keep these bytes"
	begun, gate, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var number atomic.Int32
	s := handle(t, h, 1, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		if number.Add(1) > 1 {
			echoAll(f, v)
			return
		}
		defer close(done)
		defer v.Close()
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
	await(t, done, "the handler")
}

func borrowedOverBlock(t *testing.T, h Harness) {
	const msg = "keep these bytes"
	var number atomic.Int32
	done := make(chan struct{})
	entered, gate := make(chan struct{}), make(chan struct{})
	s := handle(t, h, 1, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		if number.Add(1) > 1 {
			echoAll(f, v)
			return
		}
		defer close(done)
		defer v.Close()
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
	<-entered
	q := connect(t, s)
	for range 5 {
		fail(t, ping(q, "other traffic, which is longer than those"))
	}
	close(gate)
	await(t, done, "the handler")
}

// A handler that never parks is made to let others run inside any call; what it
// borrowed must stay.
func borrowedWhileOverstaying(t *testing.T, h Harness) {
	const msg = "keep these bytes"
	var number atomic.Int32
	var enough atomic.Bool
	begun, done := make(chan struct{}), make(chan struct{})
	s := handle(t, h, 1, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		if number.Add(1) > 1 {
			echoAll(f, v)
			return
		}
		defer close(done)
		defer v.Close()
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
	await(t, done, "the handler")
}

// Write may be given borrowed bytes although it parks.
func writeOfBorrowed(t *testing.T, h Harness) {
	const size = 40_000
	var number atomic.Int32
	filled := make(chan int, 1)
	done := make(chan struct{})
	s := handle(t, h, 1, netpoll.ListenConfig{OwedBytesMax: 100}, func(f *fiber.Fiber, v *netpoll.View) {
		if number.Add(1) > 1 {
			echoAll(f, v)
			return
		}
		defer close(done)
		defer v.Close()
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
	await(t, done, "the handler")
}

// A reading and a writing fiber work on one connection at once.
func bigBothWays(t *testing.T, h Harness) {
	size := min(4<<20, h.fill()/65_536*65_536)
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		written := make(chan struct{})
		f.Go(func(g *fiber.Fiber) {
			defer close(written)
			w := v.Conn().As(g)
			for off := 0; off < size; {
				n, err := w.Write(stream(off, min(100_003, size-off)))
				if fail(t, err) {
					return
				}
				off += n
			}
		})
		fail(t, verify(v, size, 10_007))
		f.Block(func() { <-written })
	})
	together(
		func() {
			for off := 0; off < size; off += 65_536 {
				if _, err := p.Write(stream(off, 65_536)); fail(t, err) {
					return
				}
			}
		},
		func() { fail(t, verify(p, size, 7_001)) },
	)
	wait()
}

func highWaterMark(t *testing.T, h Harness) {
	const most = 40_000
	size := h.fill() / 65_536 * 65_536
	chunk := stream(0, 1<<16) // the stream repeats itself, as far as this case cares
	blocked := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{OwedBytesMax: most}, func(f *fiber.Fiber, v *netpoll.View) {
		c := v.Conn()
		if c.OwedMax() != most {
			t.Errorf("OwedMax is %d", c.OwedMax())
		}
		written := 0
		f.Go(func(g *fiber.Fiber) {
			until(g, func() bool { return c.Blocked() })
			close(blocked)
		})
		for written < size {
			n, err := v.Write(chunk)
			written += n
			if fail(t, err) {
				return
			}
			over := false
			inLoop(f, func() { over = c.Owed() > most })
			if over {
				t.Errorf("Write returned with more than %d bytes owed", most)
				return
			}
		}
	})
	<-blocked
	got := make([]byte, 1<<16)
	for n := 0; n < size; n += len(got) {
		if _, err := io.ReadFull(p, got); fail(t, err) || !bytes.Equal(got, chunk) {
			t.Fatalf("wrong bytes after %d", n)
		}
	}
	wait()
	fail(t, verifyEnd(p))
}

// A connection that always owes a little must not keep all it ever owed, and lose
// nothing.
func owedIsBounded(t *testing.T, h Harness) {
	size := h.fill() / (6 << 10) * (3 << 10)
	p, wait := one(t, h, netpoll.ListenConfig{OwedBytesMax: 32 << 10}, func(f *fiber.Fiber, v *netpoll.View) {
		for off := 0; off < size; off += 3 << 10 {
			if _, err := v.Write(stream(off, 3<<10)); fail(t, err) {
				return
			}
		}
	})
	fail(t, verify(p, size, 50_000))
	wait()
}

func vectors(t *testing.T, h Harness) {
	rnd := rand.New(rand.NewPCG(1, 2))
	total := 0
	make1 := func(count, size int) [][]byte {
		bufs := make([][]byte, count)
		for i := range bufs {
			n := 0
			if i%3 != 0 {
				n = 1 + rnd.IntN(size)
			}
			bufs[i] = stream(total, n)
			total += n
		}
		return bufs
	}
	list := [][][]byte{
		make1(1, 10), {nil}, {}, make1(3, 100), make1(64, 50), make1(65, 50), make1(300, 40),
		make1(200, 60_000), // several socket buffers
		{{}, {}}, make1(130, 5_000), make1(2, 100),
	}
	size := total
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		for _, bufs := range list {
			if fail(t, v.WriteVec(bufs)) {
				return
			}
		}
	})
	fail(t, verify(p, size, 33_333))
	fail(t, verifyEnd(p))
	wait()
}

// Not receiving must stop the peer at last.
func pauseBoundsMemory(t *testing.T, h Harness) {
	size := int64(h.fill())
	var sent atomic.Int64
	gate := make(chan struct{})
	p, wait := one(t, h, netpoll.ListenConfig{}, func(f *fiber.Fiber, v *netpoll.View) {
		f.Block(func() { <-gate })
		buf := make([]byte, 1<<16)
		for n := int64(0); n < size; {
			m, err := v.Read(buf)
			if fail(t, err) {
				return
			}
			n += int64(m)
		}
	})
	go func() {
		chunk := make([]byte, 1<<16)
		for sent.Load() < size {
			n, err := p.Write(chunk)
			sent.Add(int64(n))
			if fail(t, err) {
				return
			}
		}
	}()
	stuck(&sent)
	if n := sent.Load(); n >= size {
		t.Errorf("%d bytes went to a connection that does not receive", n)
	}
	close(gate)
	wait()
}
