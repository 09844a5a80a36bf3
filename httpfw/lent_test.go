package httpfw_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

// A Write of bytes that Receive has lent may wait in the middle: the loop's read buffer is
// not used for other connections before all of them are on their way.
func TestWriteOfLentBytes(t *testing.T) {
	const size = 60_000
	network := netpoll.NewMemoryNetwork(1, netpoll.MemoryOptions{})
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: network.NewEngine, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	sent := false
	writing := make(chan struct{})
	a := httpfw.New(httpfw.Config{Logger: quiet, Listen: netpoll.ListenConfig{OwedBytesMax: 1 << 10}})
	a.Get("/relay", func(c *httpfw.Ctx) error {
		v, err := netpoll.Dial(c.Fiber(), "tcp", "10.0.0.2:80")
		if err != nil {
			return err
		}
		defer v.Close()
		for !sent {
			c.Fiber().Yield()
		}
		c.Sleep(time.Microsecond) // what was sent at once arrives at once
		if _, err := c.Write([]byte(strings.Repeat("x", size))); err != nil {
			return err
		}
		b, err := v.Receive()
		if err != nil || len(b) != size {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		close(writing)
		_, err = c.Write(b)
		return err
	})
	a.Post("/noise", func(c *httpfw.Ctx) error {
		if _, err := io.Copy(io.Discard, c.Body()); err != nil {
			return err
		}
		return c.Text(200, "heard")
	})
	srv, err := a.NewServer(rt)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(t.Context())
	up, err := netpoll.Listen(rt, "tcp", "10.0.0.2:80", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		if err := c.Send([]byte(strings.Repeat("u", size))); err != nil {
			t.Error(err)
		}
		sent = true
	})
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	ln, err := srv.Listen("tcp", "10.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dial := func() *client {
		c, err := network.DialFrom(nil, "10.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		return newClient(t, c)
	}
	c := dial()
	c.send("GET /relay HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, writing, "the handler")
	if r := dial().postReply("/noise", strings.Repeat("z", size)); r.body != "heard" {
		t.Error(r)
	}
	r := c.reply("GET")
	if want := strings.Repeat("x", size) + strings.Repeat("u", size); r.body != want {
		at := 0
		for at < min(len(r.body), len(want)) && r.body[at] == want[at] {
			at++
		}
		t.Errorf("%d bytes, the first wrong one is number %d", len(r.body), at)
	}
}
