package middleware

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// All of it works under net/http as well.
func TestUnderNetHTTP(t *testing.T) {
	got := newRecords()
	app := httpfw.New(httpfw.Config{Logger: slog.New(slog.DiscardHandler)})
	app.Use(
		Logger(LoggerConfig{Logger: slog.New(got)}),
		RequestID(RequestIDConfig{}),
		CORS(CORSConfig{}),
		Recover(RecoverConfig{Logger: slog.New(slog.DiscardHandler)}),
		Timeout(TimeoutConfig{After: 30 * time.Millisecond}),
		BodyLimit(BodyLimitConfig{BytesMax: 4}),
	)
	app.Get("/ok", ok)
	app.Get("/stream", func(c *httpfw.Ctx) error { c.WriteString("a"); c.Flush(); c.WriteString("b"); return nil })
	app.Get("/panic", func(c *httpfw.Ctx) error { panic("secret") })
	app.Get("/sleep", func(c *httpfw.Ctx) error { return c.Sleep(time.Hour) })
	app.Post("/body", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Text(200, string(b))
	})
	s := httptest.NewServer(app)
	defer func() {
		s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := app.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	for _, test := range []struct {
		method, path, body string
		status, bytes      int64
	}{
		{"GET", "/ok", "", 200, 2},
		{"HEAD", "/ok", "", 200, 0},
		{"GET", "/stream", "", 200, 2},
		{"GET", "/panic", "", 500, int64(len("Internal Server Error\n"))},
		{"GET", "/sleep", "", 503, int64(len("Service Unavailable\n"))},
		{"POST", "/body", "four", 200, 4},
		{"POST", "/body", "fives", 413, int64(len("the body is longer than 4 bytes\n"))},
	} {
		a := ask(t, test.method, s.URL+test.path, strings.NewReader(test.body), "X-Request-Id", "r", "Origin", page)
		if int64(a.status) != test.status || int64(len(a.body)) != test.bytes || a.header.Get("X-Request-Id") != "r" || a.header.Get(allowOrigin) != "*" {
			t.Errorf("%s %s: %+v", test.method, test.path, a)
		}
		_, attrs := got.next(t)
		if s, b := attrs["status"].Int64(), attrs["bytes"].Int64(); s != test.status || b != test.bytes {
			t.Errorf("%s %s: logged status %d, %d bytes", test.method, test.path, s, b)
		}
	}
}
