package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/fiber/cmd/fiberc/internal/compile"
)

// What README and docs say of the examples: no handler waits on a stack but where it calls
// Block, for a database or for what takes long.
func TestExamplesHoldNoStack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(repository(t), "examples")
	exe := fiberc(t)
	env := append(environment(t), "GOWORK=", "GOFLAGS=")
	out, errs, code := run1(t, dir, env, exe, "explain", "-json", "./...")
	var e compile.Explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 {
		t.Fatalf("%v %d %s", err, code, errs)
	}
	if len(e.Starts) < 15 {
		t.Errorf("only %d routes and fibers", len(e.Starts))
	}
	for _, s := range e.Starts {
		if s.Blocks {
			continue
		}
		if s.State != "compiled" && s.State != "never waits" {
			t.Errorf("%s (%s) is %s: %s (%s)", s.Title, s.Pos, s.State, s.Reason, s.ReasonPos)
		}
		for _, f := range s.OnStack {
			t.Errorf("%s (%s): %s is on a stack: %s (%s)", s.Title, s.Pos, f.Func, f.Reason, f.ReasonPos)
		}
	}
	if out, errs, code := run1(t, dir, env, exe, "explain", "./hello"); code != 0 || !strings.Contains(out, "GET /users/:id (") {
		t.Errorf("%d %q %q", code, out, errs)
	}
}

const routes = `package main

import (
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

const users = "/users"

func main() {
	app := httpfw.New(httpfw.Config{})
	app.Use(count, timed(3))
	group := app.Group("/v1/")
	group.Get(users+"/:id", get)
	app.Group("/v2").Handle("PURGE", "/", func(c *httpfw.Ctx) error { return deep(c, 3) })
	app.Post("/block", func(c *httpfw.Ctx) error {
		c.Sleep(time.Second)
		return c.Block(func() {})
	})
	for _, h := range []httpfw.Handler{get} {
		app.Put("/table", h)
	}
	rt, _ := fiber.New(fiber.Config{})
	rt.Go(func(f *fiber.Fiber) {
		defer func() { recover() }()
		type local struct{}
		f.Sleep(1)
	})
	unreached(nil)
}

func unreached(c *httpfw.Ctx) { c.Sleep(1) }

func get(c *httpfw.Ctx) error { return c.Sleep(time.Second) }

func deep(c *httpfw.Ctx, n int) error {
	if n > 0 {
		if err := deep(c, n-1); err != nil {
			return err
		}
	}
	return c.Sleep(time.Second)
}

func count(next httpfw.Handler) httpfw.Handler {
	n := 0
	return func(c *httpfw.Ctx) error {
		err := next(c)
		n++
		return err
	}
}

func timed(n int) httpfw.Middleware {
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			err := next(c)
			n++
			return err
		}
	}
}
`

func TestExplainRoutes(t *testing.T) {
	t.Parallel()
	exe := fiberc(t)
	env := environment(t)
	dir := writeModule(t, localMod(t), routes)
	out, errs, code := run1(t, dir, env, exe, "explain", "-json", ".")
	var e compile.Explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 {
		t.Fatalf("%v %d %s", err, code, errs)
	}
	got := map[string]compile.Start{}
	for _, s := range e.Starts {
		got[s.Title] = s
	}
	if s := got["GET /v1/users/:id"]; s.State != "compiled" || s.Func != "main.get" || len(s.Middleware) != 2 || s.Depth < 2 || s.FrameBytes == 0 || s.Cycle {
		t.Errorf("%+v", s)
	}
	if s := got["PURGE /v2/"]; s.State != "compiled" || !s.Cycle || len(s.Parks) != 3 {
		t.Errorf("%+v", s)
	}
	if s := got["POST /block"]; s.State != "compiled" || !s.Blocks || len(s.Parks) != 2 {
		t.Errorf("%+v", s)
	}
	if s := got["PUT /table"]; s.State != "unknown" {
		t.Errorf("%+v", s)
	}
	if s := got["fiber at main.go:26"]; s.State == "" || s.State == "unknown" {
		t.Errorf("%+v", s)
	}
	if len(e.Starts) != 5 {
		t.Errorf("%d starts", len(e.Starts))
	}
	if out, _, _ := run1(t, dir, env, exe, "explain", "."); strings.Contains(out, "unreached") {
		t.Errorf("what nothing reaches is listed:\n%s", out)
	}
	if _, errs, code := run1(t, dir, env, exe, "explain", "-v", "."); code != 2 || strings.Count(errs, "\n") != 1 {
		t.Errorf("%d %q", code, errs)
	}
}
