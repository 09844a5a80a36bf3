package middleware

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
)

func TestTimeout(t *testing.T) {
	const soon = 30 * time.Millisecond
	results := make(chan error, 1) // what the wait of a handler returned
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Use(func(next httpfw.Handler) httpfw.Handler {
			return func(c *httpfw.Ctx) error {
				err := next(c)
				if c.Err() != nil {
					t.Errorf("%s: the deadline reached beyond its handler: %v", c.Path(), c.Err())
				}
				return err
			}
		})
		late := Timeout(TimeoutConfig{After: soon})
		report := func(err error) error { results <- err; return err }
		app.Get("/fast", ok, late)
		app.Get("/default", ok, Timeout(TimeoutConfig{}))
		app.Get("/sleep", func(c *httpfw.Ctx) error { return report(c.Sleep(time.Hour)) }, late)
		app.Get("/chan", func(c *httpfw.Ctx) error {
			_, err := fiber.NewChan[int](0).Recv(c.Fiber())
			return report(err)
		}, late)
		app.Get("/context", func(c *httpfw.Ctx) error {
			ctx := c.Context()
			c.Block(func() { <-ctx.Done() })
			return report(ctx.Err())
		}, late)
		app.Post("/body", func(c *httpfw.Ctx) error {
			_, err := io.ReadAll(c.Body())
			return report(err)
		}, late)
		app.Get("/wrapped", func(c *httpfw.Ctx) error {
			c.Sleep(time.Hour)
			return report(httpfw.Error(400, "no"))
		}, Timeout(TimeoutConfig{After: soon, Status: 504, Message: "too slow"}))
		app.Get("/ignored", func(c *httpfw.Ctx) error {
			report(c.Sleep(time.Hour))
			return c.Text(200, "late but whole")
		}, late)
		app.Get("/own-error", func(c *httpfw.Ctx) error { return httpfw.Error(400, "no") }, late)
		app.Get("/other-deadline", func(c *httpfw.Ctx) error { return context.DeadlineExceeded }, Timeout(TimeoutConfig{}))
		app.Get("/nested", func(c *httpfw.Ctx) error { return report(c.Sleep(time.Hour)) },
			late, Timeout(TimeoutConfig{After: time.Hour, Status: 504}))
		app.Get("/half", func(c *httpfw.Ctx) error {
			c.WriteString("half")
			c.Flush()
			return report(c.Sleep(time.Hour))
		}, late)
	})
	for _, test := range []struct {
		path   string
		status int
		body   string
		waited bool
	}{
		{"/fast", 200, "ok", false},
		{"/default", 200, "ok", false},
		{"/sleep", 503, "Service Unavailable\n", true},
		{"/chan", 503, "Service Unavailable\n", true},
		{"/context", 503, "Service Unavailable\n", true},
		{"/wrapped", 504, "too slow\n", true},
		{"/ignored", 200, "late but whole", true},
		{"/own-error", 400, "no\n", false},
		{"/other-deadline", 504, "Gateway Timeout\n", false},
		{"/nested", 503, "Service Unavailable\n", true},
	} {
		a := ask(t, "GET", base+test.path, nil)
		if a.status != test.status || a.body != test.body {
			t.Errorf("%s: %d %q, want %d %q", test.path, a.status, a.body, test.status, test.body)
		}
		if test.waited {
			if err := <-results; !errors.Is(err, context.DeadlineExceeded) && test.path != "/wrapped" {
				t.Errorf("%s: the wait returned %v", test.path, err)
			}
		}
	}
	if !cut(t, base, "/half") {
		t.Error("half a reply looked whole")
	}
	<-results

	// A body that does not come.
	nc, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfive.")
	b := make([]byte, len("HTTP/1.1 503"))
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != "HTTP/1.1 503" {
		t.Errorf("body: %q %v", b, err)
	}
	if err := <-results; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("body: the wait returned %v", err)
	}

	if panics(func() { Timeout(TimeoutConfig{After: -1}) }) == nil {
		t.Error("a negative timeout was accepted")
	}
}
