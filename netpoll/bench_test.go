package netpoll_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// BenchmarkEcho compares a round trip of 64 bytes over loopback with the standard
// library's goroutine per connection. Every client is an ordinary goroutine.
func BenchmarkEcho(b *testing.B) {
	for _, s := range []struct {
		name  string
		serve func(b *testing.B) (address string, stop func())
	}{{"view", serveViews}, {"net", serveNet}} {
		b.Run(s.name, func(b *testing.B) {
			address, stop := s.serve(b)
			defer stop()
			b.SetParallelism(16)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				c, err := net.Dial("tcp", address)
				if err != nil {
					b.Error(err)
					return
				}
				defer c.Close()
				buf := make([]byte, 64)
				for pb.Next() {
					c.Write(buf)
					if _, err := io.ReadFull(c, buf); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func serveViews(b *testing.B) (string, func()) {
	rt, err := fiber.New(fiber.Config{NewPoller: netpoll.NewEngine})
	if err != nil {
		b.Fatal(err)
	}
	ln, err := netpoll.Listen(rt, "tcp", "127.0.0.1:0", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) { echoLoop(c.As(f)) })
	})
	if err != nil {
		b.Fatal(err)
	}
	return ln.Addr().String(), func() { ln.Close(); rt.Close(context.Background()) }
}

func serveNet(b *testing.B) (string, func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go echoLoop(c)
		}
	}()
	return ln.Addr().String(), func() { ln.Close() }
}

func echoLoop(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}
