package httpfw_test

import (
	"io"
	"net/http"
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

// lending starts an App with one loop on a network of its own, and an upstream that sends
// every connection what upstream says.
func lending(t *testing.T, o netpoll.MemoryOptions, a *httpfw.App, upstream string) (dial func() *client) {
	t.Helper()
	network := netpoll.NewMemoryNetwork(1, o)
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: network.NewEngine, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := a.NewServer(rt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close(t.Context()) })
	if _, err := netpoll.Listen(rt, "tcp", "10.0.0.2:80", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		c.Send([]byte(upstream))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Listen("tcp", "10.0.0.1:80"); err != nil {
		t.Fatal(err)
	}
	return func() *client {
		t.Helper()
		c, err := network.DialFrom(nil, "10.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		return newClient(t, c)
	}
}

// A request can be read after its connection was cut under it because the client did not
// take the reply.
func TestRequestOfAConnectionThatWasCut(t *testing.T) {
	for _, path := range []string{"/plain", "/mounted"} {
		cut, gate, got := make(chan struct{}), make(chan struct{}), make(chan string, 1)
		a := httpfw.New(httpfw.Config{Logger: quiet, WriteTimeout: 20 * time.Millisecond})
		after := func(next httpfw.Handler) httpfw.Handler {
			return func(c *httpfw.Ctx) error {
				err := next(c)
				close(cut)
				c.Block(func() { <-gate })
				got <- c.Path() + " " + c.Header("X-Who")
				return err
			}
		}
		a.Get("/plain", func(c *httpfw.Ctx) error {
			for {
				if _, err := c.Write(make([]byte, 32<<10)); err != nil {
					return err
				}
			}
		}, after).KeepRunning()
		a.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		}), after).KeepRunning()
		a.Get("/other", func(c *httpfw.Ctx) error { return c.Text(200, "other") })
		dial := lending(t, netpoll.MemoryOptions{}, a, "")
		dial().send("GET " + path + " HTTP/1.1\r\nX-Who: alice\r\nHost: x\r\n\r\n")
		within(t, cut, "the handler")
		if r := dial().get("GET", "/other", "X-Who: mallory\r\nX-More: of it\r\n"); r.body != "other" {
			t.Error(r)
		}
		close(gate)
		if who := <-got; who != path+" alice" {
			t.Errorf("%s: the request became %q", path, who)
		}
	}
}
