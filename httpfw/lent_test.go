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

// lending starts an App with one loop on a network of its own, and an upstream that sends
// every connection what upstream says. POST /noise takes what noise sends.
func lending(t *testing.T, o netpoll.MemoryOptions, a *httpfw.App, upstream string) (dial func() *client) {
	t.Helper()
	network := netpoll.NewMemoryNetwork(1, o)
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: network.NewEngine, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
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

// noise has the loop receive other traffic, size bytes of it.
func noise(t *testing.T, dial func() *client, size int) {
	t.Helper()
	if r := dial().postReply("/noise", strings.Repeat("z", size)); r.body != "heard" {
		t.Error(r)
	}
}

// A Write of bytes that Receive has lent may wait in the middle: the loop's read buffer is
// not used for other connections before all of them are on their way.
func TestWriteOfLentBytes(t *testing.T) {
	const size = 60_000
	writing := make(chan struct{})
	a := httpfw.New(httpfw.Config{Logger: quiet, Listen: netpoll.ListenConfig{OwedBytesMax: 1 << 10}})
	a.Get("/relay", func(c *httpfw.Ctx) error {
		v, err := netpoll.Dial(c.Fiber(), "tcp", "10.0.0.2:80")
		if err != nil {
			return err
		}
		defer v.Close()
		if _, err := c.Write([]byte(strings.Repeat("x", size))); err != nil {
			return err
		}
		b, err := v.Receive() // what was sent at once arrives at once
		if err != nil || len(b) != size {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		close(writing)
		_, err = c.Write(b)
		return err
	})
	dial := lending(t, netpoll.MemoryOptions{}, a, strings.Repeat("u", size))
	c := dial()
	c.send("GET /relay HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, writing, "the handler")
	noise(t, dial, size)
	r := c.reply("GET")
	if want := strings.Repeat("x", size) + strings.Repeat("u", size); r.body != want {
		t.Errorf("%d bytes, the first wrong one is number %d", len(r.body), firstWrong(r.body, want))
	}
}

// What was lent may be given to Bytes: neither a wait behind that, of a middleware say, nor
// a client that reads slowly makes the reply another client's bytes.
func TestReplyOfLentBytes(t *testing.T) {
	const room = 40 << 10
	want := strings.Repeat("u", room)
	returned, gate := make(chan struct{}, 1), make(chan struct{})
	a := httpfw.New(httpfw.Config{Logger: quiet})
	relay := func(c *httpfw.Ctx) error {
		v, err := netpoll.Dial(c.Fiber(), "tcp", "10.0.0.2:80")
		if err != nil {
			return err
		}
		defer v.Close()
		b, err := v.Receive()
		for err == nil && len(b) < room {
			b, err = v.Receive()
		}
		if err != nil {
			return err
		}
		return c.Bytes(200, "text/plain", b[:room])
	}
	a.Get("/slow", relay)
	a.Get("/wait", relay, func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			err := next(c)
			returned <- struct{}{}
			c.Block(func() { <-gate })
			return err
		}
	})
	dial := lending(t, netpoll.MemoryOptions{BufferBytes: room}, a, want)
	c := dial()
	c.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil { // the reply has begun, and there was no room for all of it
		t.Fatal(err)
	}
	noise(t, dial, room)
	if r := c.reply("GET"); r.body != want {
		t.Errorf("%d bytes, which end in %q", len(r.body), r.body[max(0, len(r.body)-10):])
	}
	c.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, returned, "the handler")
	noise(t, dial, room)
	close(gate)
	if r := c.reply("GET"); r.body != want {
		t.Errorf("with a wait: %d bytes, which begin with %q", len(r.body), r.body[:min(10, len(r.body))])
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

// So may a part of the request: a large field whose reply is still being sent when the memory
// of its head is another connection's.
func TestReplyOfTheRequestsOwnBytes(t *testing.T) {
	const room, size = 64 << 10, 70 << 10
	a := httpfw.New(httpfw.Config{Logger: quiet, HeaderBytesMax: 2 * size})
	a.Get("/fill", func(c *httpfw.Ctx) error { return c.Text(200, strings.Repeat("f", 30<<10)) })
	a.Get("/field", func(c *httpfw.Ctx) (err error) {
		c.EachHeader(func(name, value []byte) bool {
			if string(name) == "X-Big" {
				err = c.Bytes(200, "text/plain", value)
			}
			return true
		})
		return err
	})
	a.Get("/other", func(c *httpfw.Ctx) error { return c.Text(200, "other") })
	dial := lending(t, netpoll.MemoryOptions{BufferBytes: room}, a, "")
	c := dial()
	c.send("GET /fill HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	c.send("GET /field HTTP/1.1\r\nHost: x\r\nX-Big: " + strings.Repeat("h", size) + "\r\n\r\n")
	if r := dial().get("GET", "/other", "X-Big: "+strings.Repeat("z", size)+"\r\n"); r.body != "other" {
		t.Error(r)
	}
	c.reply("GET")
	if r := c.reply("GET"); r.body != strings.Repeat("h", size) {
		t.Errorf("%d bytes, %d of them another client's", len(r.body), strings.Count(r.body, "z"))
	}
}
