package netpoll

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/heddle-go/heddle/fiber"
)

func TestEchoSmoke(t *testing.T) {
	rt, err := fiber.New(fiber.Config{Loops: 2, NewPoller: NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	ln, err := Listen(rt, "tcp", "127.0.0.1:0", ListenConfig{}, func(c *Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			v := c.As(f)
			defer v.Close()
			io.Copy(struct{ io.Writer }{v}, struct{ io.Reader }{v})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for range 20 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			c.Write([]byte("hello"))
			b := make([]byte, 5)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
				t.Fatal(err, string(b))
			}
		}
		c.Close()
	}
	done := make(chan error, 1)
	rt.Go(func(f *fiber.Fiber) {
		v, err := Dial(f, "tcp", ln.Addr().String())
		if err != nil {
			done <- err
			return
		}
		big := make([]byte, 1<<20)
		f.Go(func(g *fiber.Fiber) { w := v.Conn().As(g); w.Write(big); w.CloseWrite() })
		n, err := io.Copy(io.Discard, struct{ io.Reader }{v})
		if n != 1<<20 {
			t.Errorf("n=%d", n)
		}
		done <- err
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
