package httpfw_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

// One App, asked the same over a connection of Heddle's and inside a server of
// net/http, must give the same replies.

func bothApp() *httpfw.App {
	a := httpfw.New(httpfw.Config{Logger: quiet, BodyBytesMax: 1000, ServerName: "heddle"})
	a.Use(func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			c.SetHeader("X-Outer", "yes")
			return next(c)
		}
	})
	a.Get("/text/:id", func(c *httpfw.Ctx) error { return c.Text(200, c.Param("id")+" "+c.Query("q")) })
	a.Get("/about", func(c *httpfw.Ctx) error {
		v, ok := c.Cookie("k")
		f, _ := c.LookupHeader("X-Field")
		return c.JSON(200, map[string]any{"method": c.Method(), "path": c.Path(), "target": c.Target(), "route": c.Route(),
			"host": c.Host(), "cookie": v, "has": ok, "field": f, "list": c.QueryValues("l"), "scheme": c.URLScheme(),
			"raw": string(c.RawQuery()), "length": c.BodyLength()})
	})
	a.Get("/empty", func(c *httpfw.Ctx) error { return nil })
	a.Get("/204", func(c *httpfw.Ctx) error { return c.NoContent(204) })
	a.Get("/304", func(c *httpfw.Ctx) error { c.SetHeader("Etag", `"e"`); return c.NoContent(304) })
	a.Get("/html", func(c *httpfw.Ctx) error { return c.HTML(201, "<p>") })
	a.Get("/bytes", func(c *httpfw.Ctx) error { return c.Bytes(200, "application/x", []byte{1, 2, 3}) })
	a.Get("/redirect", func(c *httpfw.Ctx) error { return c.Redirect(303, "/elsewhere") })
	a.Get("/cookies", func(c *httpfw.Ctx) error {
		c.SetCookie(&http.Cookie{Name: "a", Value: "1"})
		c.SetCookie(&http.Cookie{Name: "b", Value: "2"})
		return c.Text(200, "")
	})
	a.Get("/write", func(c *httpfw.Ctx) error {
		c.SetStatus(202)
		fmt.Fprintf(c, "one ")
		c.WriteString("two")
		return nil
	})
	a.Get("/flush", func(c *httpfw.Ctx) error {
		c.WriteString("one ")
		if err := c.Flush(); err != nil {
			return err
		}
		c.WriteString("two")
		return nil
	})
	a.Get("/large", func(c *httpfw.Ctx) error { return c.Text(200, strings.Repeat("x", 300<<10)) })
	a.Get("/stream", func(c *httpfw.Ctx) error {
		return c.Stream(200, "text/plain", strings.NewReader(strings.Repeat("y", 100<<10)))
	})
	a.Get("/stream/broken", func(c *httpfw.Ctx) error {
		return c.Stream(200, "text/plain", io.MultiReader(strings.NewReader(strings.Repeat("y", 20<<10)), broken{}))
	})
	a.Get("/length", func(c *httpfw.Ctx) error {
		c.SetHeader("Content-Length", "3")
		_, err := c.WriteString("abc")
		return err
	})
	a.Get("/stream/length", func(c *httpfw.Ctx) error {
		if err := c.SetHeader("Content-Length", "5"); err != nil {
			return err
		}
		return c.Stream(200, "text/plain", strings.NewReader("hello"))
	})
	a.Get("/stream/length/short", func(c *httpfw.Ctx) error {
		c.SetHeader("Content-Length", "5")
		return c.Stream(200, "text/plain", strings.NewReader("hell"))
	})
	a.Get("/length/short", func(c *httpfw.Ctx) error {
		c.SetHeader("Content-Length", "4")
		_, err := c.WriteString("abc")
		return err
	})
	a.Get("/close", func(c *httpfw.Ctx) error { c.SetHeader("Connection", "close"); return c.Text(200, "bye") })
	a.Get("/error", func(c *httpfw.Ctx) error { return errors.New("secret") })
	a.Get("/error/409", func(c *httpfw.Ctx) error { return httpfw.Errorf(409, "taken: %w", errors.New("cause")) })
	a.Get("/error/wait", func(c *httpfw.Ctx) error {
		return c.Fiber().WithTimeout(time.Millisecond, func() error { return c.Sleep(time.Hour) })
	})
	a.Get("/error/late", func(c *httpfw.Ctx) error {
		c.WriteString("half")
		c.Flush()
		return errors.New("late")
	})
	a.Get("/abort", func(c *httpfw.Ctx) error { return httpfw.ErrAbort })
	a.Get("/panic", func(c *httpfw.Ctx) error { panic("at the disco") })
	a.Get("/panic/late", func(c *httpfw.Ctx) error { c.WriteString("half"); c.Flush(); panic("late") })
	a.Get("/sleep", func(c *httpfw.Ctx) error {
		if err := c.Sleep(time.Millisecond); err != nil {
			return err
		}
		n := 0
		if err := c.Block(func() { n = 42 }); err != nil {
			return err
		}
		g := fiber.NewGroup(c.Fiber())
		g.Go(func(f *fiber.Fiber) error { n++; return f.Sleep(time.Millisecond) })
		if err := g.Wait(c.Fiber()); err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint(n, " ", c.Context().Err()))
	})
	a.Post("/echo", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Bytes(200, "text/plain", b)
	})
	a.Post("/echo/stream", func(c *httpfw.Ctx) error { return c.Stream(200, "text/plain", c.Body()) })
	a.Post("/ignore", func(c *httpfw.Ctx) error { return c.Text(200, "ignored") })
	a.Post("/json", func(c *httpfw.Ctx) error {
		var v struct{ A int }
		if err := c.BindJSON(&v); err != nil {
			return err
		}
		return c.JSON(200, v)
	})
	a.Post("/form", func(c *httpfw.Ctx) error {
		v, err := c.Form()
		if err != nil {
			return err
		}
		return c.Text(200, v.Encode())
	})
	a.Handle("REPORT", "/report", func(c *httpfw.Ctx) error { return c.Text(200, c.Method()) })
	a.Get("/slash/", func(c *httpfw.Ctx) error { return c.Text(200, "slash") })
	a.Mount("/std", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		w.Header().Set("X-Inner", "yes")
		fmt.Fprintf(w, "%s %s %q %v", r.Method, r.URL, b, err)
	}))
	return a
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// bothRequests are methods, targets, fields and bodies.
var bothRequests = []struct{ method, target, fields, body string }{
	{"GET", "/text/a%20b?q=%41", "", ""},
	{"HEAD", "/text/a", "", ""},
	{"POST", "/text/a", "", ""},
	{"OPTIONS", "/text/a", "", ""},
	{"OPTIONS", "*", "", ""},
	{"BREW", "/text/a", "", ""},
	{"GET", "/nowhere", "", ""},
	{"GET", "/text/a/", "", ""},
	{"GET", "/text/a/?x=1", "", ""},
	{"GET", "/slash", "", ""},
	{"POST", "/echo/", "", ""},
	{"GET", "//text/./b", "", ""},
	{"GET", "/text/..%2Fetc", "", ""},
	{"GET", "/about?l=1&l=2&m", "Cookie: k=v\r\nX-Field: f\r\n", ""},
	{"GET", "http://other/about", "", ""},
	{"GET", "/empty", "", ""},
	{"HEAD", "/empty", "", ""},
	{"GET", "/204", "", ""},
	{"GET", "/304", "", ""},
	{"GET", "/html", "", ""},
	{"GET", "/bytes", "", ""},
	{"GET", "/redirect", "", ""},
	{"GET", "/cookies", "", ""},
	{"GET", "/write", "", ""},
	{"HEAD", "/write", "", ""},
	{"GET", "/flush", "", ""},
	{"HEAD", "/flush", "", ""},
	{"GET", "/large", "", ""},
	{"HEAD", "/large", "", ""},
	{"GET", "/stream", "", ""},
	{"GET", "/stream/broken", "", ""},
	{"GET", "/stream/length", "", ""},
	{"HEAD", "/stream/length", "", ""},
	{"GET", "/stream/length/short", "", ""},
	{"GET", "/length", "", ""},
	{"HEAD", "/length", "", ""},
	{"GET", "/length/short", "", ""},
	{"GET", "/close", "", ""},
	{"GET", "/error", "", ""},
	{"GET", "/error/409", "", ""},
	{"GET", "/error/wait", "", ""},
	{"GET", "/error/late", "", ""},
	{"GET", "/abort", "", ""},
	{"GET", "/panic", "", ""},
	{"GET", "/panic/late", "", ""},
	{"GET", "/sleep", "", ""},
	{"POST", "/echo", "", "hello"},
	{"POST", "/echo", "", ""},
	{"POST", "/echo", "", strings.Repeat("z", 1000)},
	{"POST", "/echo", "", strings.Repeat("z", 1001)},
	{"POST", "/echo", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX-T: t\r\n\r\n"},
	{"POST", "/echo", "Transfer-Encoding: chunked\r\n", "5\r\nhelloXX\r\n0\r\n\r\n"},
	{"POST", "/echo", "Transfer-Encoding: chunked\r\n", "3e9\r\n" + strings.Repeat("z", 1001) + "\r\n0\r\n\r\n"},
	{"POST", "/echo/stream", "", "hello"},
	{"POST", "/ignore", "", "hello"},
	{"POST", "/json", "Content-Type: application/json\r\n", `{"A": 7}`},
	{"POST", "/json", "Content-Type: application/json\r\n", `{"A": "7"}`},
	{"POST", "/json", "Content-Type: text/plain\r\n", `{"A": 7}`},
	{"POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n", "a=1&b=%41+c"},
	{"POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n", "a=%4"},
	{"REPORT", "/report", "", ""},
	{"GET", "/std", "", ""},
	{"PUT", "/std/x?y=z", "", "body"},
	{"HEAD", "/std/x", "", ""},
}

func TestBothWays(t *testing.T) {
	got := map[string][]reply{}
	bothWays(t, bothApp, func(t *testing.T, dial func() *client) {
		for _, q := range bothRequests {
			c := dial()
			raw := q.method + " " + q.target + " HTTP/1.1\r\nHost: x\r\n" + q.fields
			if strings.HasPrefix(q.target, "http://other") {
				raw = strings.Replace(raw, "Host: x", "Host: other", 1)
			}
			if !strings.Contains(q.fields, "chunked") && q.method == "POST" {
				raw += fmt.Sprintf("Content-Length: %d\r\n", len(q.body))
			} else if q.body != "" && q.method == "PUT" {
				raw += fmt.Sprintf("Content-Length: %d\r\n", len(q.body))
			}
			c.send(raw + "\r\n" + q.body)
			key := q.method + " " + q.target + " " + q.fields + fmt.Sprintf("%.20q", q.body) + fmt.Sprint(len(q.body))
			got[key] = append(got[key], c.reply(q.method))
			c.Close()
		}
	})
	for key, r := range got {
		if len(r) != 2 {
			t.Fatalf("%s: %d replies", key, len(r))
		}
		if r[0].err != "" && r[1].err != "" && r[0].status == 0 && r[1].status == 0 {
			continue // cut before the head
		}
		if strings.Contains(key, "helloXX") { // which rule was broken, net/http does not say
			r[0].body, r[0].header = r[1].body, r[1].header
		}
		if r[0].err != "" {
			r[0].err, r[1].err = fmt.Sprint(r[0].err != ""), fmt.Sprint(r[1].err != "")
		}
		if r[0] != r[1] {
			t.Errorf("%s\non Heddle: %v\n\nunder net/http: %v", key, r[0], r[1])
		}
		if r[0].status == 0 && !strings.Contains(key, "abort") && !strings.Contains(key, "short") {
			t.Errorf("%s: %v", key, r[0])
		}
	}
}
