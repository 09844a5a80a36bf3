package middleware

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

func TestBodyLimit(t *testing.T) {
	var called atomic.Int32
	base := serve(t, httpfw.Config{BodyBytesMax: 20}, func(app *httpfw.App) {
		read := func(c *httpfw.Ctx) error {
			called.Add(1)
			b, err := c.BodyBytes()
			if err != nil {
				return err
			}
			return c.Text(200, string(b))
		}
		app.Post("/ten", read, BodyLimit(BodyLimitConfig{BytesMax: 10}))
		app.Post("/more", read, BodyLimit(BodyLimitConfig{BytesMax: 40}))
		app.Post("/default", read, BodyLimit(BodyLimitConfig{}))
		app.Post("/nested", read, BodyLimit(BodyLimitConfig{BytesMax: 10}), BodyLimit(BodyLimitConfig{BytesMax: 40}))
	})
	for _, test := range []struct {
		path    string
		size    int
		chunked bool
		status  int
		called  int32
	}{
		{"/ten", 0, false, 200, 1},
		{"/ten", 10, false, 200, 1},
		{"/ten", 11, false, 413, 0},
		{"/ten", 10, true, 200, 1},
		{"/ten", 11, true, 413, 1},
		{"/more", 40, false, 200, 1},
		{"/more", 40, true, 200, 1},
		{"/more", 41, false, 413, 0},
		{"/default", 1 << 20, false, 200, 1},
		{"/nested", 11, false, 413, 0},
		{"/nested", 11, true, 413, 1},
	} {
		body := io.Reader(strings.NewReader(strings.Repeat("x", test.size)))
		if test.chunked {
			body = io.MultiReader(body) // of no known length
		}
		called.Store(0)
		a := ask(t, "POST", base+test.path, body)
		if a.status != test.status || called.Load() != test.called {
			t.Errorf("%s with %d bytes (chunked %v): %d, handler called %d times; want %d, %d",
				test.path, test.size, test.chunked, a.status, called.Load(), test.status, test.called)
		}
		if a.status == 200 && len(a.body) != test.size {
			t.Errorf("%s: %d bytes of %d", test.path, len(a.body), test.size)
		}
	}

	// Nobody has to send what will be refused.
	nc, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "POST /ten HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
	b, err := io.ReadAll(nc)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 413") {
		t.Errorf("%q %v", b, err)
	}
	if panics(func() { BodyLimit(BodyLimitConfig{BytesMax: -1}) }) == nil {
		t.Error("a negative limit was accepted")
	}
}
