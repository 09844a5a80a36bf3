package httpfw_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

// Several fibers or goroutines have a connection that was hijacked when its handler ends,
// in whatever way, or one of them closes it.

const hijackRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// users are fibers in the middle of a Read and a Write of a connection whose client sends
// nothing and does not read.
type users struct {
	ends chan error
	busy int
}

func (u *users) reads(v *netpoll.View) error {
	u.busy++
	v.Read(make([]byte, 1))
	_, err := v.Read(make([]byte, 1)) // nor does it come back
	u.ends <- err
	return err
}

func (u *users) writes(v *netpoll.View) error {
	u.busy++
	for {
		if _, err := v.Write(make([]byte, 1<<20)); err != nil {
			u.ends <- err
			return err
		}
	}
}

// The handler ends without waiting for its fibers: they hear why, whether they are its
// children or not, and the client that the stream was cut.
func TestHijackEndsUnderFibers(t *testing.T) {
	for name, end := range map[string]func(c *httpfw.Ctx) error{
		"panic":  func(c *httpfw.Ctx) error { panic("meant") },
		"goexit": func(c *httpfw.Ctx) error { runtime.Goexit(); return nil },
		"return": func(c *httpfw.Ctx) error { return nil },
		"close":  func(c *httpfw.Ctx) error { return c.Sleep(time.Hour) },
	} {
		for _, children := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				u := &users{ends: make(chan error, 2)}
				ready := make(chan struct{})
				a := httpfw.New(httpfw.Config{Logger: quiet})
				a.Get("/", func(c *httpfw.Ctx) error {
					v, err := c.Hijack()
					if err != nil {
						return err
					}
					nc := v.Conn()
					if children {
						g := fiber.NewGroup(c.Fiber())
						g.Go(func(f *fiber.Fiber) error { return u.reads(nc.As(f)) })
						g.Go(func(f *fiber.Fiber) error { return u.writes(nc.As(f)) })
					} else {
						c.Fiber().Go(func(f *fiber.Fiber) { u.reads(nc.As(f)) })
						c.Fiber().Go(func(f *fiber.Fiber) { u.writes(nc.As(f)) })
					}
					for u.busy < 2 {
						c.Fiber().Yield()
					}
					close(ready)
					return end(c)
				})
				srv := serve(t, a)
				c := connect(t, srv)
				c.send(hijackRequest)
				within(t, ready, "the fibers' start")
				if name == "close" {
					ctx, cancel := context.WithCancel(context.Background())
					cancel()
					srv.Server().Shutdown(ctx)
					go srv.Server().Runtime().Close(context.Background())
				}
				for range 2 {
					err := within(t, u.ends, "a fiber")
					switch {
					case children || name == "close": // canceled first
						if err == nil {
							t.Error("no error")
						}
					case !errors.Is(err, net.ErrClosed):
						t.Error(err)
					}
				}
				if name == "return" || name == "close" { // the handler has had its say
					io.Copy(io.Discard, c.r)
					return
				}
				if n, err := io.Copy(io.Discard, c.r); err == nil {
					t.Errorf("%d bytes and an orderly end", n)
				}
			})
		}
	}
}

// What a fiber has written goes out although the handler returns while the fiber is still
// waiting for that in Close.
func TestHijackReturnsWhileClosing(t *testing.T) {
	const size = 4 << 20
	over := make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		nc := v.Conn()
		begun := false
		c.Fiber().Go(func(f *fiber.Fiber) {
			w := nc.As(f)
			f.Enter()
			err := nc.Send([]byte(strings.Repeat("x", size)))
			f.Leave()
			if err != nil {
				t.Error(err)
			}
			begun = true
			over <- w.Close()
		})
		for !begun {
			c.Fiber().Yield()
		}
		return nil
	})
	c := connect(t, serve(t, a))
	c.send(hijackRequest)
	if err := within(t, over, "the Close"); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, c.r); err != nil || n != size {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// A panic of the handler concerns nobody who has the connection by then.
func TestHijackConnThenPanic(t *testing.T) {
	conns := make(chan net.Conn, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		conn, err := c.HijackConn()
		if err != nil {
			return err
		}
		conns <- conn
		panic("meant")
	})
	c := connect(t, serve(t, a))
	c.send(hijackRequest + "early")
	conn := within(t, conns, "the connection")
	defer conn.Close()
	b := make([]byte, 5)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "early" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := io.WriteString(conn, "late\n"); err != nil {
		t.Error(err)
	}
	if got := c.line(); got != "late" {
		t.Error(got)
	}
}

// A hijacked connection is closed while goroutines of the http.Handler read and write it,
// and while one still reads the body.
func TestMountHijackShared(t *testing.T) {
	ends := make(chan error, 3)
	dial := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			_, err := r.Body.Read(make([]byte, 1))
			ends <- err
		}()
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if err := within(t, ends, "the body"); err == nil {
			t.Error("the body can be read")
		}
		begun := make(chan struct{}, 2)
		go func() {
			begun <- struct{}{}
			_, err := conn.Read(make([]byte, 1))
			ends <- err
		}()
		go func() {
			begun <- struct{}{}
			for {
				if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
					ends <- err
					return
				}
			}
		}()
		<-begun
		<-begun
		conn.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := within(t, ends, "a call"); !errors.Is(err, net.ErrClosed) && !isTimeoutErr(err) {
				t.Error(err)
			}
		}
	}), httpfw.Config{})
	c := dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	io.Copy(io.Discard, c.r)
}

func isTimeoutErr(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// A connection that was cut, because the client did not take an informational reply in
// time, cannot be hijacked.
func TestMountHijackAfterCut(t *testing.T) {
	got := make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		w.Header().Set("Link", strings.Repeat("x", 1<<20))
		w.WriteHeader(103)
		rc.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		w.WriteHeader(103)
		_, _, err := rc.Hijack()
		got <- err
	}))
	srv := serve(t, a)
	c := connect(t, srv)
	c.send(hijackRequest)
	if err := within(t, got, "Hijack"); !errors.Is(err, httpfw.ErrClientGone) {
		t.Error(err)
	}
	if n := srv.Server().Runtime().Stats().Panics; n != 0 {
		t.Errorf("%d panics", n)
	}
}
