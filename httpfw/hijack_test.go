package httpfw_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

func hijackApp(t *testing.T, conns chan net.Conn) *httpfw.App {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/ok", says("ok"))
	a.Get("/view/:id", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		if !c.Hijacked() || c.Param("id") != "7" || c.Header("X-F") != "f" {
			t.Error("the request is gone")
		}
		if _, err := c.Hijack(); err != httpfw.ErrHijacked {
			t.Error(err)
		}
		if _, err := c.Write(nil); err != httpfw.ErrHijacked {
			t.Error(err)
		}
		if err := c.Text(200, "no reply any more"); err != httpfw.ErrHijacked {
			t.Error(err)
		}
		if _, err := c.Body().Read(make([]byte, 1)); err != httpfw.ErrHijacked {
			t.Error(err)
		}
		_, err = io.Copy(v, v)
		if err == nil {
			io.WriteString(v, strings.Repeat("!", 200<<10)) // owed when the handler returns
		}
		return err
	})
	a.Get("/conn", func(c *httpfw.Ctx) error {
		conn, err := c.HijackConn()
		if err != nil {
			return err
		}
		conns <- conn
		return errors.New("of no consequence")
	})
	a.Get("/panic", func(c *httpfw.Ctx) error { c.Hijack(); panic("hijacked") })
	return a
}

// The view goes on behind the head, with what has come already; replies to earlier
// requests come first; what the handler wrote last still arrives.
func TestHijackView(t *testing.T) {
	srv := serve(t, hijackApp(t, nil))
	c := connect(t, srv)
	c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /view/7 HTTP/1.1\r\nHost: x\r\nX-F: f\r\n\r\nearly ")
	if r := c.reply("GET"); r.body != "ok" {
		t.Error(r)
	}
	c.send("late")
	c.halfClose()
	if b, err := io.ReadAll(c.r); err != nil || string(b) != "early late"+strings.Repeat("!", 200<<10) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	c = connect(t, srv)
	c.send("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n")
	c.ended()
}

// What a handler wrote reaches a client that has sent, and sends, what nobody reads.
func TestHijackLastWords(t *testing.T) {
	sent := make(chan struct{})
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err == nil {
			_, err = io.WriteString(v, "bye")
		}
		c.Fiber().Block(func() { <-sent })
		return err
	})
	srv := serve(t, a)
	c := connect(t, srv)
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nunread")
	if b, err := c.r.Peek(3); err != nil || string(b) != "bye" {
		t.Errorf("%q, %v", b, err)
	}
	c.send("unread too")
	close(sent)
	if b, err := io.ReadAll(c.r); err != nil || string(b) != "bye" {
		t.Errorf("%q, %v", b, err)
	}
}

// The net.Conn outlives the handler, for any goroutine.
func TestHijackConn(t *testing.T) {
	conns := make(chan net.Conn, 1)
	bothWays(t, func() *httpfw.App { return hijackApp(t, conns) }, func(t *testing.T, dial func() *client) {
		c := dial()
		c.send("GET /conn HTTP/1.1\r\nHost: x\r\n\r\nearly ")
		conn := within(t, conns, "the handler")
		defer conn.Close()
		c.send("late")
		c.halfClose()
		b, err := io.ReadAll(conn)
		if err != nil || string(b) != "early late" {
			t.Errorf("%q %v", b, err)
		}
		if _, err := io.WriteString(conn, "reply"); err != nil {
			t.Error(err)
		}
		conn.Close()
		if b, err := io.ReadAll(c.r); err != nil || string(b) != "reply" {
			t.Errorf("%q %v", b, err)
		}
	})
}

// A proxy for CONNECT copies both ways at once: a fiber for each, with views of its own,
// while the handler's fiber waits for them.
func TestHijackSplice(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		conn, err := far.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "hello ") // it speaks first
		io.Copy(conn, conn)
	}()
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Handle("CONNECT", "/*path", func(c *httpfw.Ctx) error {
		up, err := netpoll.Dial(c.Fiber(), "tcp", c.Target())
		if err != nil {
			return err
		}
		defer up.Close()
		down, err := c.Hijack()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return err
		}
		copyTo := func(to, from *netpoll.View) func(f *fiber.Fiber) error {
			return func(f *fiber.Fiber) error {
				w := to.Conn().As(f)
				if _, err := io.Copy(w, from.Conn().As(f)); err != nil {
					return err
				}
				return w.CloseWrite()
			}
		}
		g := fiber.NewGroup(c.Fiber())
		g.Go(copyTo(up, down))
		g.Go(copyTo(down, up))
		err = g.Wait(c.Fiber())
		if err != nil {
			t.Error(err)
		}
		return err
	})
	srv, err := a.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Shutdown(context.Background())
	conn, err := net.Dial("tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, conn)
	defer c.Close()
	to := far.Addr().String()
	c.send("CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\nearly ")
	head := make([]byte, len("HTTP/1.1 200 OK\r\n\r\n"))
	if _, err := io.ReadFull(c.r, head); err != nil || string(head) != "HTTP/1.1 200 OK\r\n\r\n" {
		t.Fatalf("%q %v", head, err)
	}
	c.send("late")
	c.halfClose()
	if b, err := io.ReadAll(c.r); err != nil || string(b) != "hello early late" {
		t.Errorf("%q %v", b, err)
	}
}

// Whose fiber reads is the handler's to say: it was that of the connection alone.
func TestHijackViewOfAnotherFiber(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		g := fiber.NewGroup(c.Fiber())
		g.Go(func(f *fiber.Fiber) error {
			r := v.Conn().As(f)
			_, err := io.Copy(struct{ io.Writer }{r}, struct{ io.Reader }{r})
			return err
		})
		return g.Wait(c.Fiber())
	})
	c := connect(t, serve(t, a))
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, s := range []string{"hello", "again"} {
		c.send(s + "\n")
		if got := c.line(); got != s {
			t.Errorf("%q for %q", got, s)
		}
	}
	c.halfClose()
	c.ended()
}
