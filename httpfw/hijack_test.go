package httpfw_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
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
