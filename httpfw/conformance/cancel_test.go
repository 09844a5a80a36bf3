package conformance

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/middleware"
	"github.com/heddle-go/heddle/netpoll"
)

// A request ends when its client goes away or its deadline passes: then every wait of its
// handler and of the children returns the cause.

// waits are all the ways in which a handler can wait.
var waits = map[string]func(c *httpfw.Ctx, f *fiber.Fiber) error{
	"Sleep": func(c *httpfw.Ctx, f *fiber.Fiber) error { return f.Sleep(time.Hour) },
	"Recv":  func(c *httpfw.Ctx, f *fiber.Fiber) error { _, err := fiber.NewChan[int](0).Recv(f); return err },
	"Send":  func(c *httpfw.Ctx, f *fiber.Fiber) error { return fiber.NewChan[int](0).Send(f, 1) },
	"Lock": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		var m fiber.Mutex
		if err := m.Lock(f); err != nil {
			return err
		}
		return m.Lock(f)
	},
	"Cond": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		var m fiber.Mutex
		if err := m.Lock(f); err != nil {
			return err
		}
		return fiber.NewCond(&m).Wait(f)
	},
	"Semaphore": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		s := fiber.NewSemaphore(1)
		if err := s.Acquire(f, 1); err != nil {
			return err
		}
		return s.Acquire(f, 1)
	},
	"WaitGroup": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		var g fiber.WaitGroup
		g.Add(1)
		return g.Wait(f)
	},
	"Block": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		ctx := f.Context()
		if err := f.Block(func() { <-ctx.Done() }); err != nil {
			return err
		}
		return context.Cause(ctx)
	},
	"Select": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		_, err := fiber.Select(f, time.Hour, fiber.NewChan[int](0).RecvCase(nil), fiber.NewChan[int](0).SendCase(new(int)))
		return err
	},
	"WithTimeout": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		return f.WithTimeout(time.Hour, func() error { return f.Sleep(time.Hour) })
	},
	"WithContext": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		ctx, cancel := context.WithCancel(c.Context())
		defer cancel()
		return f.WithContext(ctx, func() error { return f.Sleep(time.Hour) })
	},
	"View.Read": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		return silent(f, func(v *netpoll.View) error { _, err := v.Read(make([]byte, 1)); return err })
	},
	"View.Receive": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		return silent(f, func(v *netpoll.View) error { _, err := v.Receive(); return err })
	},
	"View.Write": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		return silent(f, func(v *netpoll.View) error { _, err := v.Write(make([]byte, 64<<20)); return err })
	},
	"Group": func(c *httpfw.Ctx, f *fiber.Fiber) error {
		g := fiber.NewGroup(f)
		g.Go(func(f *fiber.Fiber) error { return f.Sleep(time.Hour) })
		return g.Wait(f)
	},
}

// silent runs fn with a connection to a peer that neither reads nor writes.
func silent(f *fiber.Fiber, fn func(v *netpoll.View) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	v, err := netpoll.Dial(f, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer v.Close()
	return fn(v)
}

// handlerWaits are those that only the handler itself can be in.
var handlerWaits = map[string]func(c *httpfw.Ctx) error{
	"Body": func(c *httpfw.Ctx) error { _, err := io.ReadAll(c.Body()); return err },
	"Write": func(c *httpfw.Ctx) error {
		_, err := c.WriteString(strings.Repeat("x", 64<<20))
		return err
	},
	"Ctx.Sleep": func(c *httpfw.Ctx) error { return c.Sleep(time.Hour) },
}

// canceling serves /wait/NAME and /child/NAME for each of waits and /own/NAME for each of
// handlerWaits. What a wait returned comes out of got, then why the context ended.
func canceling(t *testing.T, in chan struct{}, got chan error, m ...httpfw.Middleware) *target {
	c := never
	c.Logger, c.Fiber.Logger = quiet, quiet
	a := httpfw.New(c)
	// tell must be called before the handler returns, which ends the context as well.
	tell := func(ctx context.Context, err error) error {
		got <- err
		// A context has a timer of its own, which may come a moment later.
		select {
		case <-ctx.Done():
			got <- context.Cause(ctx)
		case <-time.After(patience / 4):
			got <- errors.New("the context goes on")
		}
		return err
	}
	g := a.Group("", m...)
	for name, wait := range waits {
		g.Post("/wait/"+name, func(c *httpfw.Ctx) error {
			ctx := c.Context()
			in <- struct{}{}
			return tell(ctx, wait(c, c.Fiber()))
		})
		g.Post("/child/"+name, func(c *httpfw.Ctx) error {
			ctx := c.Context()
			g := fiber.NewGroup(c.Fiber())
			inner := make(chan error, 1)
			g.Go(func(f *fiber.Fiber) error {
				in <- struct{}{}
				err := wait(c, f)
				inner <- err
				return err
			})
			g.Wait(c.Fiber())
			return tell(ctx, <-inner)
		})
	}
	for name, wait := range handlerWaits {
		g.Post("/own/"+name, func(c *httpfw.Ctx) error {
			ctx := c.Context()
			in <- struct{}{}
			return tell(ctx, wait(c))
		})
	}
	return listen(t, a)
}

// waitPaths lists the routes of canceling.
func waitPaths() (paths []string) {
	for name := range waits {
		paths = append(paths, "/wait/"+name, "/child/"+name)
	}
	for name := range handlerWaits {
		paths = append(paths, "/own/"+name)
	}
	return paths
}

// leave has the ways in which a client goes away.
var leave = map[string]func(p *peer){
	"FIN": func(p *peer) { p.Conn.(interface{ CloseWrite() error }).CloseWrite() },
	"RST": func(p *peer) { p.Close() },
}

func TestCancelClientGone(t *testing.T) {
	in, got := make(chan struct{}, 1), make(chan error, 2)
	s := canceling(t, in, got)
	for how, away := range leave {
		for _, path := range waitPaths() {
			p := s.slowly(t)
			p.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell")
			<-in
			away(p)
			for _, what := range []string{"the wait", "the context"} {
				select {
				case err := <-got:
					// A read of the body or a write may be told first by the connection.
					own := what == "the wait" && strings.HasPrefix(path, "/own/") && err != nil
					if !errors.Is(err, httpfw.ErrClientGone) && !own {
						t.Errorf("%s %s: %s returned %v", how, path, what, err)
					}
				case <-time.After(patience):
					t.Fatalf("%s %s: %s goes on", how, path, what)
				}
			}
			p.Close()
		}
	}
	s.empty(t, "client gone")
}

func TestCancelDeadline(t *testing.T) {
	in, got := make(chan struct{}, 1), make(chan error, 2)
	s := canceling(t, in, got, middleware.Timeout(middleware.TimeoutConfig{After: soon}))
	for _, path := range waitPaths() {
		p := s.slowly(t)
		p.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell")
		<-in
		for _, what := range []string{"the wait", "the context"} {
			select {
			case err := <-got:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %s returned %v", path, what, err)
				}
			case <-time.After(patience):
				t.Fatalf("%s: %s goes on", path, what)
			}
		}
		if path != "/own/Write" { // that one's reply had begun
			if a, err := p.answer("POST"); err != nil || a.status != 503 {
				t.Errorf("%s: %v %v", path, a, err)
			}
		}
		p.Close()
	}
	s.empty(t, "deadline")
}

// The switch of a route: its work is finished though nobody waits for the reply.
func TestCancelKeepRunning(t *testing.T) {
	in, release, got := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		ctx := c.Context()
		err := c.Block(func() { in <- struct{}{}; <-release })
		if err == nil {
			err = c.Sleep(time.Millisecond)
		}
		g := fiber.NewGroup(c.Fiber())
		g.Go(func(f *fiber.Fiber) error { return f.Sleep(time.Millisecond) })
		got <- errors.Join(err, g.Wait(c.Fiber()), ctx.Err(), c.Err())
		return c.Text(200, "done")
	}).KeepRunning()
	keepsRunning(t, a, in, release, got)
}

// keepsRunning has clients go away while a's handler for / is between in and release: what it
// says in got must be nil, and its reply "done".
func keepsRunning(t *testing.T, a *httpfw.App, in <-chan struct{}, release chan<- struct{}, got <-chan error) {
	t.Helper()
	a.Get("/ping", func(c *httpfw.Ctx) error { return c.Text(200, "pong") })
	s := listen(t, a)
	for how, away := range leave {
		p := s.connect(t)
		p.send(get(""))
		<-in
		away(p)
		s.turns(t)
		release <- struct{}{}
		if err := <-got; err != nil {
			t.Errorf("%s: %v", how, err)
		}
		if how == "FIN" {
			if a, err := p.answer("GET"); err != nil || a.body != "done" {
				t.Error(a, err)
			}
		}
	}
}

// A client that closes its side right behind a request it can be answered at once is
// answered; so are those pipelined before.
func TestCancelNotTooSoon(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		for range 20 {
			p := s.connect(t)
			p.send(before + post("hello", "Content-Length: 5") + behind)
			leave["FIN"](p)
			for _, want := range []string{sawBefore, saw("hello"), sawBehind} {
				if a, err := p.answer("GET"); err != nil || a.body != want {
					t.Fatalf("%v %v, want %q", a, err, want)
				}
			}
			if err := p.ended(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The same for a client whose body, or the end of it, comes while the handler waits for it:
// when the wait ends everything is there, and the end of the client's side with it.
func TestCancelNotBeforeTheBody(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		for _, body := range []string{"hello", "5\r\nhello\r\n0\r\n\r\n"} {
			field := "Content-Length: 5"
			if body != "hello" {
				field = "Transfer-Encoding: chunked"
			}
			for at := range len(body) {
				p := s.connect(t)
				// The server has seen the first piece when it has answered what is before.
				if err := p.sayBefore(post(body[:at], field)); err != nil {
					t.Fatal(err)
				}
				p.send(body[at:])
				leave["FIN"](p)
				if a, err := p.answer("POST"); err != nil || a.body != saw("hello") {
					t.Fatalf("%q, cut at %d: %v %v", body, at, a, err)
				}
				if err := p.ended(); err != nil {
					t.Fatal(err)
				}
				p.Close()
			}
		}
	})
}
