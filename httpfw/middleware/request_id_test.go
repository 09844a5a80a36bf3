package middleware

import (
	"regexp"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

func TestRequestID(t *testing.T) {
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		show := func(c *httpfw.Ctx) error { return c.Text(200, RequestIDOf(c)) }
		app.Get("/without", show)
		app.Get("/", show, RequestID(RequestIDConfig{}))
		app.Get("/error", func(c *httpfw.Ctx) error { return errTest }, RequestID(RequestIDConfig{}))
		app.Get("/own", show, RequestID(RequestIDConfig{
			Header: "Trace", Ignore: true, Generate: func() string { return "mine" },
		}))
		app.Get("/bad", show, RequestID(RequestIDConfig{Generate: func() string { return "a\nb" }}))
	})
	random := regexp.MustCompile("^[0-9a-f]{32}$")
	for _, id := range []string{"a", "7-_.~:/+=@Zz", strings.Repeat("x", 128)} {
		if a := ask(t, "GET", base+"/", nil, "X-Request-Id", id); a.body != id || a.header.Get("X-Request-Id") != id {
			t.Errorf("%q: %+v", id, a)
		}
	}
	for _, id := range []string{"", "a b", "a\"", "é", "{}", "a;b", strings.Repeat("x", 129)} {
		if a := ask(t, "GET", base+"/", nil, "X-Request-Id", id); !random.MatchString(a.body) || a.header.Get("X-Request-Id") != a.body {
			t.Errorf("%q: %+v", id, a)
		}
	}
	first, second := ask(t, "GET", base+"/", nil), ask(t, "GET", base+"/", nil)
	if first.body == second.body {
		t.Errorf("%q twice", first.body)
	}
	if a := ask(t, "GET", base+"/error", nil, "X-Request-Id", "e"); a.status != 500 || a.header.Get("X-Request-Id") != "e" {
		t.Errorf("error: %+v", a)
	}
	if a := ask(t, "GET", base+"/own", nil, "Trace", "theirs"); a.body != "mine" || a.header.Get("Trace") != "mine" {
		t.Errorf("own: %+v", a)
	}
	if a := ask(t, "GET", base+"/without", nil, "X-Request-Id", "e"); a.body != "" || a.header.Get("X-Request-Id") != "" {
		t.Errorf("without: %+v", a)
	}
	if a := ask(t, "GET", base+"/bad", nil); a.status != 500 {
		t.Errorf("bad: %+v", a)
	}
}
