package middleware

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

func TestRecover(t *testing.T) {
	got := newRecords()
	returned := make(chan error, 1) // by Recover
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Use(
			func(next httpfw.Handler) httpfw.Handler {
				return func(c *httpfw.Ctx) error {
					err := next(c)
					returned <- err
					return err
				}
			},
			Recover(RecoverConfig{Logger: slog.New(got)}),
		)
		app.Get("/ok", ok)
		app.Get("/panic", func(c *httpfw.Ctx) error { panic("secret") })
		app.Get("/error", func(c *httpfw.Ctx) error { panic(errTest) })
		app.Get("/nil", func(c *httpfw.Ctx) error { panic(nil) })
		app.Get("/block", func(c *httpfw.Ctx) error { return c.Block(func() { panic("beside") }) })
		app.Get("/half", func(c *httpfw.Ctx) error { c.WriteString("half"); c.Flush(); panic("late") })
		app.Get("/half-kept", func(c *httpfw.Ctx) error { c.WriteString("half"); panic("late") })
		app.Get("/abort", func(c *httpfw.Ctx) error { panic(http.ErrAbortHandler) })
		app.Get("/abort2", func(c *httpfw.Ctx) error { panic(httpfw.ErrAbort) })
		app.Get("/goexit", func(c *httpfw.Ctx) error { runtime.Goexit(); return nil })
	})
	for _, test := range []struct{ path, value string }{
		{"/panic", "secret"},
		{"/error", "test"},
		{"/nil", "nil argument"},
		{"/block", "beside"},
		{"/half-kept", "late"},
	} {
		a := ask(t, "GET", base+test.path, nil)
		if a.status != 500 || a.body != "Internal Server Error\n" || a.header.Get("Connection") == "close" {
			t.Errorf("%s: %+v", test.path, a)
		}
		rec, attrs := got.next(t)
		if rec.Level != slog.LevelError || !strings.Contains(attrs["value"].String(), test.value) {
			t.Errorf("%s: logged %v %v", test.path, rec, attrs)
		}
		if !strings.Contains(attrs["stack"].String(), "recover_test.go") {
			t.Errorf("%s: the stack does not show the handler:\n%s", test.path, attrs["stack"])
		}
		seen := <-returned
		var pe *fiber.PanicError
		if !errors.As(seen, &pe) || httpfw.StatusOf(seen) != 500 || len(pe.Stack) == 0 {
			t.Errorf("%s: returned %v", test.path, seen)
		}
	}
	if !cut(t, base, "/half") {
		t.Error("half a reply looked whole")
	}
	got.next(t)
	<-returned
	for _, path := range []string{"/abort", "/abort2"} {
		if !cut(t, base, path) {
			t.Errorf("%s: not cut", path)
		}
		if err := <-returned; err != httpfw.ErrAbort {
			t.Errorf("%s: returned %v", path, err)
		}
	}
	if a, err := tryAsk("GET", base+"/goexit", nil); err != nil || a.status != 500 {
		t.Errorf("Goexit: %+v %v", a, err)
	}
	if a := ask(t, "GET", base+"/ok", nil); a.body != "ok" {
		t.Errorf("afterwards: %+v", a)
	}
	if len(got.more) > 0 {
		_, attrs := got.next(t)
		t.Errorf("something else was logged: %v", attrs)
	}
}

func TestRecoverWithoutStack(t *testing.T) {
	got := newRecords()
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Get("/", func(c *httpfw.Ctx) error { panic(1) }, RequestID(RequestIDConfig{}),
			Recover(RecoverConfig{Logger: slog.New(got), StackBytesMax: -1}))
	})
	ask(t, "GET", base+"/", nil, "X-Request-Id", "abc")
	_, attrs := got.next(t)
	if _, has := attrs["stack"]; has || attrs["request_id"].String() != "abc" {
		t.Errorf("%v", attrs)
	}
}
