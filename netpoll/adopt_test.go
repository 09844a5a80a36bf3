//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/heddle-go/heddle/fiber"
)

// Connections that another opened, on a loop: Adopt takes a net.Conn's descriptor over,
// or leaves it alone and says why.

func TestAdopt(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = t.TempDir() + "/s"
		}
		ln, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		peer, err := net.Dial(network, ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		remote := nc.RemoteAddr().String()
		c, err := Adopt(l, nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the adopted connection's old self: %v", err)
		}
		inFiber(t, l, func(f *fiber.Fiber) {
			v := c.As(f)
			if got := v.RemoteAddr().String(); network == "tcp" && got != remote {
				t.Errorf("remote address %v, want %v", got, remote)
			}
			f.Go(func(g *fiber.Fiber) { g.Block(func() { peer.Write([]byte("hello")) }) })
			b := make([]byte, 5)
			if _, err := io.ReadFull(v, b); err != nil || string(b) != "hello" {
				t.Errorf("%q, %v", b, err)
			}
			v.Write([]byte("bye"))
			v.Close()
		})
		if b, err := io.ReadAll(peer); err != nil || string(b) != "bye" {
			t.Errorf("%q, %v", b, err)
		}
		peer.Close()
		ln.Close()
	}
	p, q := net.Pipe()
	if _, err := Adopt(l, p); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a pipe: %v", err)
	}
	p.Close()
	q.Close()
	u, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(l, u); !errors.Is(err, ErrUnsupported) {
		t.Errorf("datagrams: %v", err)
	}
	u.Close()
}

// A connection adopted and closed in the same turn is never entered.
func TestAdoptCloseAtOnce(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	inFiber(t, l, func(f *fiber.Fiber) {
		c, err := Adopt(l, nc)
		if err != nil {
			t.Error(err)
			return
		}
		c.As(f).Close()
	})
	if b, err := io.ReadAll(peer); err != nil || len(b) != 0 {
		t.Errorf("%q, %v", b, err)
	}
	rt.Close(context.Background())
	again, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := Adopt(l, again); !errors.Is(err, fiber.ErrClosed) {
		t.Errorf("an ended loop: %v", err)
	}
	if _, err := again.Write([]byte("x")); err != nil {
		t.Errorf("a connection that was not adopted: %v", err)
	}
}
