package netpoll

import (
	"context"
	"testing"
	"time"
	"io"

	"github.com/heddle-go/heddle/fiber"
)

// A connection that is on its way when the engine it goes to closes is refused.
func TestMemoryConnectionOnItsWayToAnEngineThatCloses(t *testing.T) {
	n := NewMemoryNetwork(1, MemoryOptions{DelayMin: time.Hour, DelayMax: time.Hour})
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: n.NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := Listen(rt, "tcp", "10.0.0.1:0", ListenConfig{}, func(c *Conn) { t.Error("accepted") })
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.Dial()
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := rt.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := p.Read(make([]byte, 1)); err == nil || err == io.EOF || isTimeout(err) {
		t.Errorf("Read returned %v", err)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(interface{ Timeout() bool })
	return ok && ne.Timeout()
}
