package middleware

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

func TestLogger(t *testing.T) {
	got := newRecords()
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Use(
			Logger(LoggerConfig{Logger: slog.New(got), Skip: func(c *httpfw.Ctx) bool { return c.Path() == "/skip" }}),
			RequestID(RequestIDConfig{}),
		)
		app.Get("/users/:id", func(c *httpfw.Ctx) error { return c.Text(200, "hello") })
		app.Get("/skip", ok)
		app.Get("/bytes", func(c *httpfw.Ctx) error { return c.Bytes(201, "a/b", make([]byte, 70000)) })
		app.Get("/stream", func(c *httpfw.Ctx) error {
			for range 3 {
				c.Write(make([]byte, 20000))
			}
			return nil
		})
		app.Get("/write", func(c *httpfw.Ctx) error { c.WriteString("four"); return nil })
		app.Get("/none", func(c *httpfw.Ctx) error { return c.NoContent(204) })
		app.Get("/error", func(c *httpfw.Ctx) error { return errTest })
		app.Get("/teapot", func(c *httpfw.Ctx) error { return httpfw.Error(418, "short") })
		app.Get("/panic", func(c *httpfw.Ctx) error { panic("secret") })
		app.Get("/goexit", func(c *httpfw.Ctx) error { runtime.Goexit(); return nil })
	})
	ask(t, "GET", base+"/skip", nil)
	for _, test := range []struct {
		method, path, route string
		status, bytes       int64
		level               slog.Level
		err                 string
	}{
		{"GET", "/users/7", "/users/:id", 200, 5, slog.LevelInfo, ""},
		{"HEAD", "/users/7", "/users/:id", 200, 0, slog.LevelInfo, ""},
		{"GET", "/bytes", "/bytes", 201, 70000, slog.LevelInfo, ""},
		{"GET", "/stream", "/stream", 200, 60000, slog.LevelInfo, ""},
		{"GET", "/write", "/write", 200, 4, slog.LevelInfo, ""},
		{"GET", "/none", "/none", 204, 0, slog.LevelInfo, ""},
		{"GET", "/error", "/error", 500, int64(len("Internal Server Error\n")), slog.LevelError, "test"},
		{"GET", "/teapot", "/teapot", 418, 6, slog.LevelWarn, "httpfw: 418 short"},
		{"GET", "/nowhere", "404", 404, int64(len("Not Found\n")), slog.LevelWarn, "httpfw: 404 Not Found"},
		{"GET", "/panic", "/panic", 500, 0, slog.LevelError, "the handler panicked"},
		{"GET", "/goexit", "/goexit", 500, 0, slog.LevelError, "the handler panicked"},
	} {
		a, err := tryAsk(test.method, base+test.path, nil)
		if err != nil || int64(a.status) != test.status {
			t.Errorf("%s %s: %v %v, want %d", test.method, test.path, a.status, err, test.status)
		}
		rec, attrs := got.next(t)
		if rec.Level != test.level || rec.Message != "request" {
			t.Errorf("%s: level %v, message %q", test.path, rec.Level, rec.Message)
		}
		if m, p, r := attrs["method"].String(), attrs["path"].String(), attrs["route"].String(); m != test.method || p != test.path || r != test.route {
			t.Errorf("%s %s: method %q path %q route %q", test.method, test.path, m, p, r)
		}
		if s, b := attrs["status"].Int64(), attrs["bytes"].Int64(); s != test.status || b != test.bytes {
			t.Errorf("%s %s: status %d bytes %d, want %d %d", test.method, test.path, s, b, test.status, test.bytes)
		}
		if d := attrs["duration"].Duration(); d <= 0 {
			t.Errorf("%s: duration %v", test.path, d)
		}
		if r := attrs["remote"].String(); !strings.HasPrefix(r, "127.0.0.1:") {
			t.Errorf("%s: remote %q", test.path, r)
		}
		if id := attrs["request_id"].String(); len(id) != 32 {
			t.Errorf("%s: request_id %q", test.path, id)
		}
		have := ""
		if v, ok := attrs["err"]; ok {
			have = v.String()
		}
		if have != test.err {
			t.Errorf("%s: err %q, want %q", test.path, have, test.err)
		}
	}
}

// A logger that is not enabled for a level costs no record, and the reply to an error
// is made once.
func TestLoggerDisabled(t *testing.T) {
	var handled atomic.Int32
	base := serve(t, httpfw.Config{ErrorHandler: func(c *httpfw.Ctx, err error) {
		handled.Add(1)
		c.Text(599, err.Error())
	}}, func(app *httpfw.App) {
		app.Use(Logger(LoggerConfig{Logger: slog.New(slog.DiscardHandler)}))
		app.Get("/", func(c *httpfw.Ctx) error { return errTest })
	})
	if a := ask(t, "GET", base+"/", nil); a.status != 599 || a.body != "test" || handled.Load() != 1 {
		t.Errorf("%+v, handled %d times", a, handled.Load())
	}
}

func TestLoggerHijacked(t *testing.T) {
	got := newRecords()
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Use(Logger(LoggerConfig{Logger: slog.New(got), Message: "m"}))
		app.Get("/", func(c *httpfw.Ctx) error {
			v, err := c.Hijack()
			if err != nil {
				return err
			}
			_, err = v.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
			return err
		})
	})
	if a := ask(t, "GET", base+"/", nil); a.body != "x" {
		t.Errorf("%+v", a)
	}
	rec, attrs := got.next(t)
	if rec.Message != "m" || !attrs["hijacked"].Bool() {
		t.Errorf("%q %v", rec.Message, attrs)
	}
}

// What a proxy's operator asks of a log: where a tunnel or a URL led, and why it failed.
func TestLoggerProxy(t *testing.T) {
	got := newRecords()
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Use(Logger(LoggerConfig{Logger: slog.New(got)}))
		failed := func(c *httpfw.Ctx) error {
			return &httpfw.HTTPError{Status: 502, Message: "cannot reach it", Err: errTest}
		}
		app.Handle("CONNECT", "/*path", failed)
		app.Get("/*path", failed)
		app.Get("/wrapped", func(c *httpfw.Ctx) error { return httpfw.Errorf(502, "no: %w", errTest) })
	})
	for _, test := range []struct{ method, sent, target, cause string }{
		{"CONNECT", "a.example:443", "a.example:443", "test"},
		{"GET", "http://a.example/x?token=secret", "http://a.example/x", "test"},
		{"GET", "/x?y", "", "test"},
		{"GET", "/wrapped", "", ""},
		{"OPTIONS", "*", "", ""},
	} {
		nc, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(nc, "%s %s HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", test.method, test.sent)
		io.Copy(io.Discard, nc)
		nc.Close()
		_, attrs := got.next(t)
		for name, want := range map[string]string{"target": test.target, "cause": test.cause} {
			v, ok := attrs[name]
			if ok != (want != "") || ok && v.String() != want {
				t.Errorf("%s %s: %s is %v, want %q", test.method, test.sent, name, v, want)
			}
		}
	}
}
