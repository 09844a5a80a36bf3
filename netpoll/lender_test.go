package netpoll

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// What small bytes are moved to is small, whatever the pool was used for before.
func TestKeptCopiesAreOfTheirSize(t *testing.T) {
	for range 2000 {
		b := kept.Get()
		b.B = append(b.B[:0], make([]byte, 64<<10)...)
		kept.Put(b)
	}
	for range 100 {
		b := keptCopy([]byte("head"))
		if string(b.B) != "head" || cap(b.B) > 2*len(b.B)+keptSlack {
			t.Fatalf("%q with room for %d", b.B, cap(b.B))
		}
	}
}

// mute takes nothing.
type mute struct{ Transport }

func (mute) Send([]byte) (int, error) { return 0, ErrWouldBlock }
func (mute) Close(bool) error         { return nil }

// A Write that waits once cost the loop its read buffer, 64 KiB for every peer that did
// not read. It still does if what it writes is in that buffer.
func TestWriteThatWaitsLeavesTheReadBuffer(t *testing.T) {
	rt, err := fiber.New(fiber.Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	l := rt.Loops()[0]
	lender := NewLender(l)
	rt.Start()
	same := make(chan bool)
	l.Go(func(f *fiber.Fiber) {
		for _, lent := range []bool{false, true} {
			var c Conn
			c.Init(mute{}, lender, 10)
			buf := lender.Room(&c)
			lender.Lend(&c, 100)
			p := make([]byte, 100)
			if lent {
				p = c.Buffered()[10:90:90]
			}
			f.Enter()
			c.WriteWait(f, p, l.Clock()+1)
			same <- &lender.buf.Load()[0] == &buf[0]
			c.Close()
			f.Leave()
		}
	})
	if !<-same {
		t.Error("the read buffer was given away for a Write of other bytes")
	}
	if <-same {
		t.Error("the read buffer was kept though it is being written from")
	}
}

// endless always has more of a stream of messages.
type endless struct {
	mute
	message string
	at      int
}

func (e *endless) Receive(c *Conn) error {
	room := c.Spare()
	own := room != nil
	if !own {
		room = c.lender.Room(c)
	}
	for i := range room {
		room[i] = e.message[e.at]
		e.at = (e.at + 1) % len(e.message)
	}
	if own {
		c.Filled(len(room))
	} else {
		c.lender.Lend(c, len(room))
	}
	return nil
}

// A peer whose messages never end where a receive does made the connection keep all it had
// ever sent, and twice that.
func TestMessageInTwoHalvesForEver(t *testing.T) {
	rt, err := fiber.New(fiber.Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	lender := NewLender(rt.Loops()[0])
	message := strings.Repeat("m", 6007) + "\n"
	var c Conn
	c.Init(&endless{message: message}, lender, 10)
	total, most := 0, 0
	for total < 16<<20 {
		b, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		for len(b) >= len(message) {
			if string(b[:len(message)]) != message {
				t.Fatalf("behind %d bytes: not what was sent", total)
			}
			c.Consume(len(message))
			b = b[len(message):]
			total += len(message)
		}
		if c.in != nil {
			most = max(most, cap(c.in.B))
		}
	}
	if limit := lendBytes + spareBytes; most > limit {
		t.Errorf("%d bytes kept behind %d, at most %d wanted", most, total, limit)
	}
	c.Close()
}

// echoing is a machine that sends back what it receives.
type echoing struct {
	fiber.Fiber
	c *Conn
}

func (e *echoing) Resume(*fiber.Fiber) fiber.Status {
	for {
		b, err := e.c.Receive()
		switch err {
		case nil:
			e.c.Send(b)
			e.c.Consume(len(b))
		case ErrWouldBlock:
			return fiber.Waiting
		default:
			e.c.Close()
			return fiber.Done
		}
	}
}

// A fiber that waits for a place in Block lets others run in the middle of its code: what it
// was lent must stay, as it does in Block itself. So must what Receive has just lent to a
// handler that is known to stall, and that waits for its place before Receive returns.
func TestLentBytesStayInTheQueueForBlock(t *testing.T) {
	const msg = "keep these bytes"
	for _, suspect := range []bool{false, true} {
		n := NewMemoryNetwork(1, MemoryOptions{})
		rt, err := fiber.New(fiber.Config{Loops: 1, BlockMax: 1, StallAfter: time.Millisecond, NewPoller: n.NewEngine, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		l := rt.Loops()[0]
		rt.Start()
		taken, gate, got := make(chan struct{}), make(chan struct{}), make(chan string, 1)
		occupy := func(f *fiber.Fiber) { f.Block(func() { close(taken); <-gate }) }
		var conn *Conn // nil: stall
		use := func(f *fiber.Fiber) {
			if conn == nil {
				time.Sleep(20 * time.Millisecond)
				got <- ""
				return
			}
			v := conn.As(f)
			if suspect {
				l.Go(occupy) // has its place as soon as this fiber gives up its own
			}
			b, err := v.Receive()
			if err != nil {
				t.Error(err)
			}
			if !suspect {
				f.Block(func() { got <- string(b) })
				return
			}
			got <- string(b)
		}
		if suspect {
			l.Go(use)
			<-got
		} else {
			l.Go(occupy)
			<-taken
		}
		first := true
		ln, err := Listen(rt, "tcp", "10.0.0.1:0", ListenConfig{}, func(c *Conn) {
			if first {
				first, conn = false, c
				l.Go(use)
				return
			}
			e := &echoing{c: c} // no user code, which would need a place if it was held up
			c.SetReader(&e.Fiber)
			l.Start(&e.Fiber, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Dial()
		if err != nil {
			t.Fatal(err)
		}
		if suspect {
			<-taken
		}
		io.WriteString(p, msg)
		q, err := n.Dial()
		if err != nil {
			t.Fatal(err)
		}
		echo := make([]byte, len("other traffic, which is longer"))
		for range 20 {
			io.WriteString(q, "other traffic, which is longer")
			if _, err := io.ReadFull(q, echo); err != nil {
				t.Fatal(err)
			}
		}
		close(gate)
		if b := <-got; b != msg {
			t.Errorf("suspect %v: lent bytes became %q", suspect, b)
		}
		p.Close()
		q.Close()
		ln.Close()
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
