package httpfw

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// What the simulation leaves out because its model could not say what each client gets:
// mounted handlers, tunnels for goroutines, goroutines left behind, panics at any time,
// stalls and deadlines, all at once. Only what must be true of all of it is asked.

// chaosApp has a handler for each way in which a connection can be used and left.
func chaosApp(tunnels *sync.WaitGroup) *App {
	line := strings.Repeat("0123456789", 300)
	quick := 20 * time.Millisecond
	a := New(Config{
		Logger:           slog.New(slog.DiscardHandler),
		FirstByteTimeout: quick, HeaderTimeout: quick, BodyTimeout: quick, IdleTimeout: quick, WriteTimeout: quick,
		PipelinedMax: 3,
	})
	native := map[string]Handler{
		"text":  func(c *Ctx) error { return c.Text(200, line) },
		"large": func(c *Ctx) error { return c.Text(200, strings.Repeat(line, 100)) },
		"stream": func(c *Ctx) error {
			for range 10 {
				if _, err := c.WriteString(line); err != nil {
					return err
				}
				if err := c.Flush(); err != nil {
					return err
				}
			}
			return nil
		},
		"body": func(c *Ctx) error {
			b, err := c.BodyBytes()
			if err != nil {
				return err
			}
			return c.Bytes(200, "text/plain", b)
		},
		"duplex": func(c *Ctx) error {
			_, err := io.Copy(c, c.Body())
			return err
		},
		"sleep":   func(c *Ctx) error { return c.Sleep(time.Millisecond) },
		"forever": func(c *Ctx) error { return c.Sleep(100 * time.Millisecond) },
		"block":   func(c *Ctx) error { return c.Block(func() { time.Sleep(time.Millisecond) }) },
		"stall": func(c *Ctx) error {
			time.Sleep(5 * time.Millisecond)
			return c.Text(200, c.Path())
		},
		"panic":  func(c *Ctx) error { panic("meant") },
		"goexit": func(c *Ctx) error { runtime.Goexit(); return nil },
		"begun": func(c *Ctx) error {
			c.WriteString(line)
			c.Flush()
			panic("meant")
		},
		"abort": func(c *Ctx) error { return ErrAbort },
		"view": func(c *Ctx) error {
			v, err := c.Hijack()
			if err != nil {
				return err
			}
			v.SetDeadline(time.Now().Add(quick))
			_, err = io.Copy(struct{ io.Writer }{v}, struct{ io.Reader }{v})
			return err
		},
		"viewpanic":  func(c *Ctx) error { c.Hijack(); panic("meant") },
		"viewshared": func(c *Ctx) error { return chaosShared(c, (*netpoll.View).Close) },
		"viewleft":   func(c *Ctx) error { return chaosShared(c, nil) },
		"conn": func(c *Ctx) error {
			conn, err := c.HijackConn()
			if err != nil {
				return err
			}
			tunnels.Go(func() {
				conn.SetDeadline(time.Now().Add(quick))
				io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
				conn.Close()
			})
			return nil
		},
	}
	mounted := map[string]http.HandlerFunc{
		"echo": func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) },
		"hints": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			io.WriteString(w, line)
			w.(http.Flusher).Flush()
			w.WriteHeader(103)
			io.WriteString(w, line)
		},
		"stray": func(w http.ResponseWriter, r *http.Request) {
			tunnels.Go(func() { io.Copy(io.Discard, r.Body) })
			tunnels.Go(func() { io.WriteString(w, line); w.(http.Flusher).Flush() })
		},
		"waits":   func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"panics":  func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, line); panic("meant") },
		"goexits": func(w http.ResponseWriter, r *http.Request) { runtime.Goexit() },
		"hijack": func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(quick))
			io.CopyN(rw, rw, 10)
			conn.Close()
		},
	}
	for name, h := range native {
		a.Get("/"+name, h)
		a.Post("/"+name, h).KeepRunning()
	}
	for name, h := range mounted {
		if name == "waits" {
			h = http.TimeoutHandler(h, quick, "late").ServeHTTP
		}
		a.Mount("/"+name, h)
	}
	return a
}

// chaosShared has two fibers use the connection, and ends it under them, by end or by its
// return.
func chaosShared(c *Ctx, end func(*netpoll.View) error) error {
	v, err := c.Hijack()
	if err != nil {
		return err
	}
	converse(v, loose(c))
	c.Sleep(time.Millisecond)
	if end != nil {
		v.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		return end(v)
	}
	return nil
}

var chaosPaths = []string{"text", "large", "stream", "body", "duplex", "sleep", "forever", "block", "stall", "panic", "goexit", "begun", "abort",
	"view", "viewpanic", "viewshared", "viewleft", "conn", "echo", "hints", "stray", "waits", "panics", "goexits", "hijack", "none"}

// chaosRequests writes some requests, the last of which may be cut or malformed.
func chaosRequests(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(5) {
		path := chaosPaths[r.IntN(len(chaosPaths))]
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n%s", path, strings.Repeat("x", 3000))
		case 1:
			fmt.Fprintf(&b, "POST /%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\nA: b\r\n\r\n", path, strings.Repeat("1\r\nx\r\n", r.IntN(100)))
		case 2:
			fmt.Fprintf(&b, "POST /%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n12345", path)
		case 3:
			fmt.Fprintf(&b, "GET /%s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", path)
		default:
			fmt.Fprintf(&b, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		}
	}
	s := b.String()
	switch r.IntN(6) {
	case 0:
		s = s[:r.IntN(len(s))]
	case 1:
		s += "BAD\r\n\r\n"
	}
	return s
}

// Whatever clients do and handlers end in, in whatever phase a connection is, it is counted
// out again, and the server comes to its end.
func TestChaosEndsInNothing(t *testing.T) {
	for seed := range uint64(2) {
		network := netpoll.NewMemoryNetwork(seed, netpoll.MemoryOptions{ShortReads: true, SplitWrites: true,
			ResetOneIn: 5, ResetBytesMax: 5000, BufferBytes: 4 << 10})
		rt, err := fiber.New(fiber.Config{Loops: 2, NewPoller: network.NewEngine, StallAfter: 2 * time.Millisecond,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var tunnels sync.WaitGroup
		srv, err := chaosApp(&tunnels).NewServer(rt)
		if err == nil {
			_, err = srv.Listen("tcp", "server:80")
		}
		if err != nil {
			t.Fatal(err)
		}
		rt.Start()
		var clients sync.WaitGroup
		for id := range uint64(16) {
			clients.Go(func() {
				r := rand.New(rand.NewPCG(seed, id))
				for range 40 {
					c, err := network.Dial()
					if err != nil {
						t.Error(err)
						return
					}
					c.SetDeadline(time.Now().Add(time.Duration(1+r.IntN(30)) * time.Millisecond))
					for s := chaosRequests(r); len(s) > 0; {
						n := 1 + r.IntN(len(s))
						if _, err := io.WriteString(c, s[:n]); err != nil {
							break
						}
						s = s[n:]
						io.CopyN(io.Discard, c, int64(r.IntN(3000)))
					}
					switch r.IntN(4) {
					case 0:
						c.Abort()
					case 1:
						c.CloseWrite()
						io.Copy(io.Discard, c)
					case 2:
						io.Copy(io.Discard, c)
					}
					c.Close()
				}
			})
		}
		clients.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		tunnels.Wait()
		if open, admitted, by := srv.open.Load(), srv.admitted.open.Load(), len(srv.admitted.byAddress); open != 0 || admitted != 0 || by != 0 {
			t.Errorf("seed %d: %d connections open, %d admitted, from %d addresses", seed, open, admitted, by)
		}
		if err := rt.Close(ctx); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		cancel()
	}
}
