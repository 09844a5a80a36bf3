package httpfw_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

// start serves on a port of the loopback, with loops of its own.
func start(t *testing.T, a *httpfw.App) *httpfw.Server {
	t.Helper()
	s, err := a.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Shutdown(ctx)
	})
	return s
}

// Idle connections are closed, running handlers finish, half a request is waited for,
// what is owed is delivered, and nobody new gets in.
func TestShutdown(t *testing.T) {
	in, hold := make(chan struct{}, 1), make(chan struct{})
	// Without DeferAccept, or a connection that is silent would not be known.
	a := httpfw.New(httpfw.Config{Logger: quiet, Fiber: fiber.Config{Loops: 2}, Listen: netpoll.ListenConfig{DeferAccept: -1}})
	a.Get("/ok", says("ok"))
	a.Get("/large", func(c *httpfw.Ctx) error { return c.Text(200, strings.Repeat("x", 8<<20)) })
	a.Get("/wait", func(c *httpfw.Ctx) error {
		if err := c.Block(func() { in <- struct{}{}; <-hold }); err != nil {
			return err
		}
		return c.Text(200, "waited")
	})
	s := start(t, a)
	idle, fresh, busy, half, slow := dialTCP(t, s.Addr()), dialTCP(t, s.Addr()), dialTCP(t, s.Addr()), dialTCP(t, s.Addr()), dialTCP(t, s.Addr())
	idle.get("GET", "/ok")
	half.get("GET", "/ok")
	half.send("GET /ok HTTP/1.1\r\nHos")
	slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(slow.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, in, "the handler")

	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- s.Shutdown(ctx)
	}()
	idle.ended()
	fresh.ended()
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a new connection is served")
		}
		c.Close()
	}
	half.send("t: x\r\n\r\n")
	if r := half.reply("GET"); r.body != "ok" || !r.close {
		t.Error(r)
	}
	close(hold)
	if r := busy.reply("GET"); r.body != "waited" || !r.close {
		t.Error(r)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != 8<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := within(t, done, "the end"); err != nil {
		t.Error(err)
	}
}

// When the time is up the handlers that still run are named and canceled.
func TestShutdownDeadline(t *testing.T) {
	in, got := make(chan struct{}, 1), make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet, Fiber: fiber.Config{Loops: 1}})
	a.Get("/stuck/:id", func(c *httpfw.Ctx) error {
		in <- struct{}{}
		err := c.Sleep(time.Hour)
		got <- err
		return err
	})
	s := start(t, a)
	c := dialTCP(t, s.Addr())
	c.send("GET /stuck/1 HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, in, "the handler")
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("why")
	cancel(why)
	err := s.Shutdown(ctx)
	var se *httpfw.ShutdownError
	if !errors.As(err, &se) || len(se.Running) != 1 || !errors.Is(err, why) {
		t.Fatalf("%#v", err)
	}
	if name := se.Running[0]; !strings.Contains(name, "GET /stuck/:id") || !strings.Contains(name, "shutdown_test.go:") {
		t.Errorf("name %q", name)
	}
	if err := within(t, got, "the handler's end"); !errors.Is(err, fiber.ErrClosed) {
		t.Error(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// Handlers that go on for as long as their clients do end when they are told of the shutdown,
// and their clients get the end of the reply.
func TestOnShutdown(t *testing.T) {
	stop, told := fiber.NewChan[struct{}](0), 0
	a := httpfw.New(httpfw.Config{Logger: quiet, OnShutdown: func() { told++; stop.Close() }})
	a.Get("/events", func(c *httpfw.Ctx) error {
		c.WriteString("data: 1\n\n")
		if err := c.Flush(); err != nil {
			return err
		}
		_, err := stop.Recv(c.Fiber())
		if errors.Is(err, fiber.ErrClosed) {
			_, err = c.WriteString("data: bye\n\n")
		}
		return err
	})
	s := start(t, a)
	if n := s.Conns(); n != 0 {
		t.Errorf("%d connections before the first", n)
	}
	resp, err := http.Get("http://" + s.Addr().String() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Conns(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "data: 1\n\ndata: bye\n\n" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if s.Shutdown(ctx); told != 1 {
		t.Errorf("told %d times", told)
	}
	if n := s.Conns(); n != 0 {
		t.Errorf("%d connections after the end", n)
	}
}

// App.Close ends what ServeHTTP has started.
func TestCloseUnderNetHTTP(t *testing.T) {
	in, got := make(chan struct{}), make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		close(in)
		err := c.Sleep(time.Hour)
		got <- err
		return err
	})
	dial := plain(t, a)
	c := dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-in
	if err := a.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := within(t, got, "the handler"); !errors.Is(err, fiber.ErrClosed) {
		t.Error(err)
	}
	if r := c.reply("GET"); r.status != 503 {
		t.Error(r)
	}
	if r := c.get("GET", "/"); r.status != 503 {
		t.Error(r)
	}
}

// Under net/http too, a client that goes cancels its request.
func TestClientGoneUnderNetHTTP(t *testing.T) {
	in, got := make(chan struct{}), make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		close(in)
		err := c.Sleep(time.Hour)
		got <- err
		return err
	})
	t.Cleanup(func() { a.Close(context.Background()) })
	c := plain(t, a)()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-in
	c.Close()
	if err := within(t, got, "the handler"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
