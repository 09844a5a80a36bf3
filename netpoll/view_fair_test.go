package netpoll

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A peer that always has bytes ready does not keep its loop from the others, though the
// fiber that reads them never waits.
func TestGreedyPeerStarvesNobody(t *testing.T) {
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: NewEngine, StallAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	stop := make(chan struct{})
	ln, err := Listen(rt, "tcp", "127.0.0.1:0", ListenConfig{}, func(c *Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			v := c.As(f)
			defer v.Abort()
			b := make([]byte, 1)
			if _, err := v.Read(b); err != nil {
				return
			}
			if b[0] == 'q' {
				v.Write(b)
				close(stop)
				return
			}
			// One byte a read out of a stream that another goroutine keeps full.
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := v.Read(b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	greedy, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer greedy.Close()
	go func() {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := greedy.Write(chunk); err != nil {
				return
			}
		}
	}()
	quiet, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	quiet.SetDeadline(time.Now().Add(20 * time.Second))
	quiet.Write([]byte{'q'})
	if _, err := io.ReadFull(quiet, make([]byte, 1)); err != nil {
		t.Fatal("the other connection was not served: ", err)
	}
	<-stop
}
