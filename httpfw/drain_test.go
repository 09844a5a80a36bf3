//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package httpfw

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Nobody who asks while a Shutdown begins is answered by a reset: neither a connection that is
// not accepted yet, nor a request that the loop has not seen.

// drained is a server with one loop, which the test can hold.
type drained struct {
	t    *testing.T
	s    *Server
	addr string
}

// drainPatience bounds what should take no time.
const drainPatience = 10 * time.Second

// hold keeps the loop from everything until the returned function is called.
func (d *drained) hold() (release func()) {
	held, done := make(chan struct{}), make(chan struct{})
	if err := d.s.rt.Loops()[0].Post(func() { close(held); <-done }); err != nil {
		d.t.Fatal(err)
	}
	<-held
	return func() { close(done) }
}

func (d *drained) dial() (net.Conn, *bufio.Reader) {
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(drainPatience))
	return c, bufio.NewReader(c)
}

func (d *drained) ask(c net.Conn) { fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") }

// answered reads a reply, and the end of the connection if last is set.
func (d *drained) answered(what string, r *bufio.Reader, last bool) {
	d.t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		d.t.Errorf("%s: %v", what, err)
		return
	}
	body, err := io.ReadAll(resp.Body)
	if string(body) != "ok" || err != nil || last && !resp.Close {
		d.t.Errorf("%s: %q, %v, close %v", what, body, err, resp.Close)
	}
	if last {
		if _, err := r.ReadByte(); err != io.EOF {
			d.t.Errorf("%s ended with %v", what, err)
		}
	}
}

func (d *drained) shutdown() chan error {
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainPatience)
		defer cancel()
		done <- d.s.Shutdown(ctx)
	}()
	return done
}

func drainedApp(c Config) *App {
	c.Logger = slog.New(slog.DiscardHandler)
	a := New(c)
	a.Get("/", func(c *Ctx) error { return c.Text(200, "ok") })
	return a
}

// A connection in the kernel's queue is let in and answered: requests are not turned away
// before the listener is closed.
func TestShutdownAnswersQueue(t *testing.T) {
	for range 10 {
		a := drainedApp(Config{Fiber: fiber.Config{Loops: 1, StallAfter: -1}, Listen: netpoll.ListenConfig{DeferAccept: -1}})
		s, err := a.Start("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		d := &drained{t, s, s.Addr().String()}
		release := d.hold()
		c, r := d.dial()
		d.ask(c)
		done := d.shutdown()
		for begun := false; !begun; runtime.Gosched() {
			s.mu.Lock()
			begun = s.shutdown
			s.mu.Unlock()
		}
		runtime.Gosched()
		if s.draining.Load() {
			t.Error("connections are turned away while the listener is open")
		}
		release()
		d.answered("the connection in the queue", r, false)
		c.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A request that has arrived on an idle connection is answered, though the loop closes what
// idles before it looks at the network.
func TestShutdownAnswersArrived(t *testing.T) {
	rt, err := fiber.New(fiber.Config{Loops: 1, StallAfter: -1, NewPoller: netpoll.NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	s, err := drainedApp(Config{OnShutdown: func() { close(told) }}).NewServer(rt)
	if err != nil {
		t.Fatal(err)
	}
	// Not the server's: its Shutdown need not wait for the loop to close it.
	ln, err := netpoll.Listen(rt, "tcp", "127.0.0.1:0", netpoll.ListenConfig{}, s.Accept)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	d := &drained{t, s, ln.Addr().String()}
	c, r := d.dial()
	d.ask(c)
	d.answered("the first request", r, false)
	release := d.hold()
	d.ask(c)
	done := d.shutdown()
	<-told // what closes idle connections waits for the loop
	release()
	d.answered("the request that had arrived", r, true)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
