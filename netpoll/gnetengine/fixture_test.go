//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// How the tests start a server, talk to it as its clients, and see that nothing of it is
// left. Every wait is bounded.

// long bounds waits for what must happen; only a failing test waits so long.
const long = 20 * time.Second

// options are what a test starts a server with.
type options struct {
	Config
	gnet   gnet.Options
	unix   bool
	log    io.Writer
	noStop bool // the test stops it
}

// start starts a server that gives each connection a fiber, and checks in the end that
// nothing of it is left.
func start(t *testing.T, o options, fn func(f *fiber.Fiber, v *netpoll.View)) *Server {
	t.Helper()
	return startConns(t, o, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			v := c.As(f)
			defer v.Close()
			fn(f, v)
		})
	})
}

func startConns(t *testing.T, o options, accept func(c *netpoll.Conn)) *Server {
	t.Helper()
	if o.log == nil {
		o.log = io.Discard
	}
	o.Fiber.Logger = slog.New(slog.NewTextHandler(o.log, nil))
	if o.gnet.NumEventLoop == 0 {
		o.gnet.NumEventLoop = 1
	}
	network, address := "tcp", "127.0.0.1:0"
	if o.unix {
		dir, err := os.MkdirTemp("", "gnet")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		network, address = "unix", filepath.Join(dir, "s")
	}
	s, err := Start(network, address, o.Config, o.gnet, accept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !o.noStop {
			stop(t, s)
		}
		noGoroutines(t)
	})
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// noGoroutines waits until no goroutine of Heddle's is left but tests.
func noGoroutines(t *testing.T) {
	t.Helper()
	buf := make([]byte, 4<<20)
	for end := time.Now().Add(long); ; runtime.Gosched() {
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "heddle-go/heddle/") && !strings.Contains(g, "testing.tRunner") && !strings.Contains(g, "testing.Main") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines left:\n%s", len(left), strings.Join(left, "\n\n"))
		}
	}
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(long))
	t.Cleanup(func() { c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text, want string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	hear(t, c, want)
}

func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("got %q, %v; want %q", b[:n], err, want)
	}
}

// ended wants the server to end c, and nothing before that.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(c); len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %q, %v; want the end", b, err)
	}
}

func receive[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(long):
		t.Fatal("nothing came")
	}
	return v
}

func echo(_ *fiber.Fiber, v *netpoll.View) {
	io.Copy(struct{ io.Writer }{v}, struct{ io.Reader }{v})
}
