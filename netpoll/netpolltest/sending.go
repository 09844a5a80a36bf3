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

// Cases about sending: what is written arrives whole and in order, and what is owed to a
// slow reader, on either side, is bounded.

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
			fail(t, until(g, func() bool { return c.Blocked() }))
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
