//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// What the tests of this package start with: loops on the system's engine, whose
// descriptors are counted, fibers on them, and a server that echoes.

// runLoops returns a running runtime that is closed at the end of the test, which
// fails if descriptors are left then.
func runLoops(t testing.TB, n int) *fiber.Runtime {
	t.Helper()
	before := descriptors(t)
	rt, err := fiber.New(fiber.Config{Loops: n, NewPoller: NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := rt.Close(ctx); err != nil {
			t.Error(err)
		}
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors open, %d before", after, before)
		}
	})
	return rt
}

// descriptors counts the open descriptors, 0 where that is unknown. The first call
// opens those that the Go runtime keeps.
func descriptors(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// inFiber runs fn in a fiber of l and waits for it.
func inFiber(t testing.TB, l *fiber.Loop, fn func(f *fiber.Fiber)) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Go(func(f *fiber.Fiber) { defer close(done); fn(f) }); err != nil {
		t.Fatal(err)
	}
	<-done
}

// echoOn accepts connections that send back what they get.
func echoOn(c *Conn) {
	c.Loop().Go(func(f *fiber.Fiber) {
		v := c.As(f)
		io.Copy(struct{ io.Writer }{v}, struct{ io.Reader }{v})
		v.Close()
	})
}

// listenEcho starts an echo server.
func listenEcho(t testing.TB, loops int, network, address string, c ListenConfig) *Listener {
	t.Helper()
	ln, err := Listen(runLoops(t, loops), network, address, c, echoOn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// pingOn sends a message over a new connection and wants it back.
func pingOn(t testing.TB, a net.Addr) {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	pingConn(t, c)
}

func pingConn(t testing.TB, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	got := make([]byte, 5)
	io.WriteString(c, "hello")
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}
