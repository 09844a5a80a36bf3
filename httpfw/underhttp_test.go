package httpfw_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// An App is an ordinary http.Handler: behind the middleware of net/http, which may
// change the URL, and with any ResponseWriter.
func TestServeHTTP(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet, BodyBytesMax: 10})
	t.Cleanup(func() { a.Close(context.Background()) })
	a.Post("/x/:id", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprintf("%s %s %s %s %v", c.Param("id"), c.Query("q"), b, c.RemoteAddr(), c.Context().Value(t)))
	})
	a.Get("/flush", func(c *httpfw.Ctx) error {
		c.WriteString("a")
		c.Flush()
		c.WriteString("b")
		return nil
	})
	h := http.StripPrefix("/app", a)
	ask := func(method, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r = r.WithContext(context.WithValue(r.Context(), t, "value"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask("POST", "/app/x/a%20b?q=%41", "body"); w.Body.String() != "a b A body 192.0.2.1:1234 value" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := ask("POST", "/app/x/1", "more than ten"); w.Code != 413 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := ask("GET", "/app/flush", ""); w.Body.String() != "ab" || !w.Flushed {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Flushed)
	}
	if w := ask("GET", "/app/none", ""); w.Code != 404 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask("GET", "/app/x/1", ""); w.Code != 405 || w.Header().Get("Allow") != "OPTIONS, POST" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// Over HTTP/2, too, which only net/http speaks.
func TestServeHTTP2(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	t.Cleanup(func() { a.Close(context.Background()) })
	a.Post("/", func(c *httpfw.Ctx) error {
		c.SetHeader("X-Scheme", c.URLScheme())
		return c.Stream(200, "text/plain", c.Body())
	})
	srv := httptest.NewUnstartedServer(a)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	body := strings.Repeat("0123456789", 50_000)
	resp, err := srv.Client().Post(srv.URL, "text/plain", io.MultiReader(strings.NewReader(body))) // of unknown length
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != body || resp.ProtoMajor != 2 || resp.Header.Get("X-Scheme") != "https" {
		t.Errorf("%s, %d bytes, %v, %v", resp.Proto, len(b), err, resp.Header)
	}
}
