package netpoll

import (
	"context"
	"strings"
	"testing"

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
			same <- &lender.buf[0] == &buf[0]
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
