package httpfw_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

func says(s string) httpfw.Handler {
	return func(c *httpfw.Ctx) error { return c.Text(200, s) }
}

// mark is middleware that leaves its name in the reply, on the way in.
func mark(name string) httpfw.Middleware {
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error { c.AddHeader("X-Mark", name); return next(c) }
	}
}

func routedApp() *httpfw.App {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Use(mark("app1"), mark("app2"))
	a.Get("/", says("root"))
	a.Get("/users/:id", func(c *httpfw.Ctx) error { return c.Text(200, "id="+c.Param("id")+" none="+c.Param("none")) }, mark("own"))
	a.Get("/users/me", says("me"))
	a.Post("/users", says("post"))
	a.Put("/users/:id", says("put"))
	a.Patch("/users/:id", says("patch"))
	a.Delete("/users/:id", says("delete"))
	a.Get("/files/*path", func(c *httpfw.Ctx) error { return c.Text(200, c.Param("path")) })
	a.Handle("HEAD", "/head", func(c *httpfw.Ctx) error { c.SetHeader("X-Head", "own"); return nil })
	a.Get("/head", says("get"))
	a.Handle("OPTIONS", "/options", says("own options"))
	a.Handle("CONNECT", "/*path", func(c *httpfw.Ctx) error { return c.Text(200, c.Target()) })
	g := a.Group("/api", mark("group"))
	g.Get("/x", says("x"), mark("x"))
	h := g.Group("/v2/", mark("inner"))
	h.Get("/y", says("y"))
	g.Get("/z", says("z"))
	return a
}

// A route or middleware that comes when the App serves already would race with requests,
// and the route would be without the App's middleware: it is a panic that names it.
func TestAddedLate(t *testing.T) {
	a := routedApp()
	g := a.Group("/late")
	serve(t, a)
	for want, add := range map[string]func(){
		"route GET /late/x": func() { g.Get("/x", says("late")) },
		"middleware":        func() { a.Use(mark("late")) },
	} {
		func() {
			defer func() {
				if v := recover(); v != "httpfw: "+want+" added after the App began to serve" {
					t.Error(want, v)
				}
			}()
			add()
		}()
	}
}

func TestRouting(t *testing.T) {
	srv := serve(t, routedApp())
	c := connect(t, srv)
	for _, w := range []struct {
		method, target string
		status         int
		body, header   string // header: a line that must be there
	}{
		{"GET", "/", 200, "root", ""},
		{"GET", "/users/7", 200, "id=7 none=", ""},
		{"GET", "/users/a%2Fb%20c", 200, "id=a/b c none=", ""},
		{"GET", "/users/me", 200, "me", ""},
		{"POST", "/users", 200, "post", ""},
		{"PUT", "/users/7", 200, "put", ""},
		{"PATCH", "/users/7", 200, "patch", ""},
		{"DELETE", "/users/7", 200, "delete", ""},
		{"GET", "/files/a/b", 200, "a/b", ""},
		{"GET", "/files/", 200, "", ""},
		{"HEAD", "/users/7", 200, "", "Content-Length: 10"},
		{"HEAD", "/head", 200, "", "X-Head: own"},
		{"GET", "/head", 200, "get", ""},
		{"OPTIONS", "/options", 200, "own options", ""},
		{"OPTIONS", "/users/7", 204, "", "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
		{"POST", "/users/7", 405, "Method Not Allowed\n", "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
		{"BREW", "/users", 405, "Method Not Allowed\n", "Allow: OPTIONS, POST"},
		{"GET", "/none", 404, "Not Found\n", ""}, // whatever CONNECT has a route for
		{"OPTIONS", "/none", 404, "Not Found\n", ""},
		{"GET", "/files", 301, "", "Location: /files/"},
		{"GET", "/users/7/?a=%20", 301, "", "Location: /users/7?a=%20"},
		{"PUT", "/users/7/", 308, "", "Location: /users/7"},
		{"GET", "//users//7", 200, "id=7 none=", ""},
		{"GET", "/users/../users/./7", 200, "id=7 none=", ""},
		{"GET", "/users/..%2F7", 400, "the path has a '..' beside an escaped slash or backslash, or a broken escape\n", ""},
		{"GET", "/api/x", 200, "x", "X-Mark: group"},
		{"GET", "/api/v2/y", 200, "y", "X-Mark: inner"},
	} {
		r := c.get(w.method, w.target)
		if r.status != w.status || r.body != w.body || !strings.Contains(r.header+"\n", w.header+"\n") {
			t.Errorf("%s %s: got %v", w.method, w.target, r)
		}
	}
	if r := c.get("GET", "/"+strings.Repeat("a", 8192)); r.status != 414 {
		t.Error(r.status)
	}
}

// The first middleware added is the outermost, that of the App before that of groups,
// a route's own the innermost; that of the App sees misses too.
func TestMiddlewareOrder(t *testing.T) {
	srv := serve(t, routedApp())
	for target, want := range map[string]string{
		"/users/7":  "app1 app2 own",
		"/api/x":    "app1 app2 group x",
		"/api/v2/y": "app1 app2 group inner",
		"/api/z":    "app1 app2 group",
		"/none":     "app1 app2",
	} {
		resp, err := srv.Client().Get(srv.URL + target)
		if err != nil {
			t.Fatal(err)
		}
		srv.Body(resp)
		if got := strings.Join(resp.Header.Values("X-Mark"), " "); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
}

// Mistakes are reported when the App starts to serve, each with its place.
func TestSetUpErrors(t *testing.T) {
	a := httpfw.New(httpfw.Config{})
	a.Get("/a/:x", says(""))
	a.Get("/a/:y", says(""))
	a.Get("no/slash", says(""))
	a.Group("/g").Handle("get", "/b", says(""))
	a.Post("/nil", nil)
	a.Mount("/m", nil)
	_, err := a.Start("127.0.0.1:0")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"GET /a/:y conflicts with GET /a/:x", "no/slash", "write GET", "POST /nil: the handler is nil", "/m"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for l := range strings.Lines(err.Error()) {
		if !strings.Contains(l, "app_test.go:") {
			t.Errorf("no place in %q", l)
		}
	}
	defer func() {
		if v := recover(); v == nil {
			t.Error("ServeHTTP serves")
		}
	}()
	a.ServeHTTP(nil, nil)
}

func TestListenError(t *testing.T) {
	a := httpfw.New(httpfw.Config{})
	if _, err := a.Start("127.0.0.1:notaport"); err == nil || !strings.Contains(err.Error(), "notaport") {
		t.Error(err)
	}
}

// What a handler can learn about a request.
func TestCtxAccessors(t *testing.T) {
	type key struct{}
	type wide struct{}
	got := map[string]any{}
	a := httpfw.New(httpfw.Config{})
	a.Use(func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			c.Set(key{}, 1)
			c.Set(key{}, 2)
			c.Set(wide{}, "w")
			return next(c)
		}
	})
	a.Handle("PURGE", "/p/:id/*rest", func(c *httpfw.Ctx) error {
		cookie, has := c.Cookie("b")
		_, none := c.Cookie("none")
		empty, present := c.LookupHeader("x-empty")
		_, absent := c.LookupHeader("X-Absent")
		q, hasQ := c.LookupQuery("q")
		_, hasZ := c.LookupQuery("z")
		_, noQ := c.LookupQuery("nope")
		var names []string
		c.EachHeader(func(name, value []byte) bool {
			names = append(names, string(name)+"="+string(value))
			return len(names) < 3
		})
		got = map[string]any{
			"method": c.Method(), "path": c.Path(), "target": c.Target(), "route": c.Route(),
			"id": c.Param("id"), "rest": c.Param("rest"), "no": c.Param("no"),
			"q": q, "hasq": hasQ, "hasz": hasZ, "noq": noQ, "qs": c.QueryValues("q"), "esc": c.Query("e c"),
			"bad": c.Query("bad"), "raw": string(c.RawQuery()),
			"header": c.Header("X-TWICE"), "empty": empty + fmt.Sprint(present, absent), "names": names,
			"host": c.Host(), "cookie": cookie + fmt.Sprint(has, none),
			"value": c.Get(key{}), "wide": c.Get(wide{}), "unset": c.Get("unset"),
			"scheme": c.URLScheme(), "remote": c.RemoteAddr() != nil, "err": c.Err(), "status": c.Status(),
			"replied": c.Replied(), "length": c.BodyLength(), "ctx": c.Context().Err(),
		}
		return nil
	})
	srv := serve(t, a)
	c := connect(t, srv)
	c.send("PURGE /p/%41/x/y%2Fz?q=1&e+c=%2Bv&q=2&z&bad=%zz HTTP/1.1\r\nHost: h:1\r\nX-Twice: a\r\nx-twice: b\r\nX-Empty:\r\nCookie: a=1; b=\"2\"\r\n\r\n")
	if r := c.reply("PURGE"); r.status != 200 {
		t.Fatal(r)
	}
	want := map[string]any{
		"method": "PURGE", "path": "/p/A/x/y%2Fz", "target": "/p/%41/x/y%2Fz?q=1&e+c=%2Bv&q=2&z&bad=%zz", "route": "/p/:id/*rest",
		"id": "A", "rest": "x/y/z", "no": "",
		"q": "1", "hasq": true, "hasz": true, "noq": false, "qs": []string{"1", "2"}, "esc": "+v",
		"bad": "%zz", "raw": "q=1&e+c=%2Bv&q=2&z&bad=%zz",
		"header": "a", "empty": "true false", "names": []string{"Host=h:1", "X-Twice=a", "x-twice=b"},
		"host": "h:1", "cookie": "2true false",
		"value": 2, "wide": "w", "unset": nil,
		"scheme": "http", "remote": true, "err": nil, "status": 200,
		"replied": false, "length": int64(0), "ctx": nil,
	}
	for k, w := range want {
		if !reflect.DeepEqual(got[k], w) {
			t.Errorf("%s: got %#v, want %#v", k, got[k], w)
		}
	}
}

// Values and parameters of one request are not seen by the next on the same Ctx.
func TestCtxIsClean(t *testing.T) {
	a := httpfw.New(httpfw.Config{})
	a.Get("/set/:p", func(c *httpfw.Ctx) error {
		c.Set("k", "v")
		c.SetStatus(201)
		c.SetHeader("X-Left", "over")
		c.SetHeader("Content-Type", "text/x")
		c.WriteString("body")
		return nil
	})
	a.Get("/get", func(c *httpfw.Ctx) error {
		_, err := fmt.Fprint(c, c.Get("k"), c.Param("p"), c.Status(), c.ReplyHeader("X-Left"), c.ReplyHeader("Content-Type"))
		return err
	})
	srv := serve(t, a)
	c := connect(t, srv)
	c.get("GET", "/set/x")
	if r := c.get("GET", "/get"); r.body != fmt.Sprint(nil, "", http.StatusOK) || strings.Contains(r.header, "X-Left") {
		t.Error(r)
	}
}
