package middleware

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

const page = "https://page.example"

func TestCORS(t *testing.T) {
	some := CORSConfig{Origins: []string{page, "http://127.0.0.1:3000"}}
	ask1 := []string{"Access-Control-Request-Method", "PUT"}
	for _, test := range []struct {
		name   string
		config CORSConfig
		method string
		fields []string
		status int
		want   map[string]string // of the reply's fields named Access-Control-* (without that) and Vary
	}{
		{"no origin", CORSConfig{}, "GET", nil, 200, map[string]string{"Allow-Origin": "*"}},
		{"any origin", CORSConfig{}, "GET", []string{"Origin", page}, 200, map[string]string{"Allow-Origin": "*"}},
		{"star", CORSConfig{Origins: []string{"*"}}, "GET", []string{"Origin", page}, 200, map[string]string{"Allow-Origin": "*"}},
		{"listed", some, "GET", []string{"Origin", page}, 200, map[string]string{"Allow-Origin": page, "Vary": "Origin"}},
		{"listed, no origin", some, "GET", nil, 200, map[string]string{"Vary": "Origin"}},
		{"not listed", some, "GET", []string{"Origin", "https://evil.example"}, 200, map[string]string{"Vary": "Origin"}},
		{"listed as prefix", some, "GET", []string{"Origin", page + ".evil.example"}, 200, map[string]string{"Vary": "Origin"}},
		{"other scheme", some, "GET", []string{"Origin", "http://page.example"}, 200, map[string]string{"Vary": "Origin"}},
		{"null", some, "GET", []string{"Origin", "null"}, 200, map[string]string{"Vary": "Origin"}},
		{"null listed", CORSConfig{Origins: []string{"null"}}, "GET", []string{"Origin", "null"}, 200, map[string]string{"Allow-Origin": "null", "Vary": "Origin"}},
		{"func", CORSConfig{AllowOrigin: func(_ *httpfw.Ctx, o string) bool { return strings.HasSuffix(o, ".example") }},
			"GET", []string{"Origin", page}, 200, map[string]string{"Allow-Origin": page, "Vary": "Origin"}},
		{"func says no", CORSConfig{AllowOrigin: func(*httpfw.Ctx, string) bool { return false }},
			"GET", []string{"Origin", page}, 200, map[string]string{"Vary": "Origin"}},
		{"list before func", CORSConfig{Origins: []string{page}, AllowOrigin: func(*httpfw.Ctx, string) bool { return false }},
			"GET", []string{"Origin", page}, 200, map[string]string{"Allow-Origin": page, "Vary": "Origin"}},
		{"credentials", CORSConfig{Origins: []string{page}, Credentials: true, ExposeHeaders: []string{"A", "B"}},
			"GET", []string{"Origin", page}, 200, map[string]string{"Allow-Origin": page, "Allow-Credentials": "true", "Expose-Headers": "A, B", "Vary": "Origin"}},
		{"credentials, not listed", CORSConfig{Origins: []string{page}, Credentials: true, ExposeHeaders: []string{"A", "B"}},
			"GET", []string{"Origin", "https://evil.example"}, 200, map[string]string{"Vary": "Origin"}},
		{"preflight", CORSConfig{}, "OPTIONS", append(ask1, "Origin", page, "Access-Control-Request-Headers", "authorization,x-a"), 204,
			map[string]string{"Allow-Origin": "*", "Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE", "Allow-Headers": "authorization,x-a",
				"Vary": "Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"preflight, all set", CORSConfig{Origins: []string{page}, Methods: []string{"PURGE"}, Headers: []string{"A", "B"}, Credentials: true,
			MaxAge: time.Hour, PrivateNetwork: true, ExposeHeaders: []string{"C"}},
			"OPTIONS", append(ask1, "Origin", page, "Access-Control-Request-Headers", "x", "Access-Control-Request-Private-Network", "true"), 204,
			map[string]string{"Allow-Origin": page, "Allow-Methods": "PURGE", "Allow-Headers": "A, B", "Allow-Credentials": "true", "Max-Age": "3600",
				"Allow-Private-Network": "true", "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"preflight, not listed", some, "OPTIONS", append(ask1, "Origin", "https://evil.example"), 204,
			map[string]string{"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"preflight, private network not asked", CORSConfig{PrivateNetwork: true, MaxAge: -1}, "OPTIONS", append(ask1, "Origin", page), 204,
			map[string]string{"Allow-Origin": "*", "Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE", "Max-Age": "0",
				"Vary": "Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"preflight, private network not allowed", CORSConfig{}, "OPTIONS", append(ask1, "Origin", page, "Access-Control-Request-Private-Network", "true"), 204,
			map[string]string{"Allow-Origin": "*", "Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
				"Vary": "Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"plain OPTIONS", some, "OPTIONS", []string{"Origin", page}, 204, map[string]string{"Allow-Origin": page, "Vary": "Origin"}},
		{"OPTIONS without origin", some, "OPTIONS", ask1, 204, map[string]string{"Vary": "Origin"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
				app.Use(CORS(test.config))
				app.Get("/", ok)
			})
			a := ask(t, test.method, base+"/", nil, test.fields...)
			if a.status != test.status || !maps.Equal(corsFields(a.header), test.want) {
				t.Errorf("%d %v, want %d %v", a.status, corsFields(a.header), test.status, test.want)
			}
		})
	}
}

// corsFields returns the fields of a reply that CORS is about.
func corsFields(h http.Header) map[string]string {
	m := map[string]string{}
	for name, values := range h {
		if short, ok := strings.CutPrefix(name, "Access-Control-"); ok || name == "Vary" {
			m[short] = strings.Join(values, ", ")
		}
	}
	return m
}

// A handler that sets Vary does not take Origin out of it, and errors are readable by
// the page too.
func TestCORSVary(t *testing.T) {
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		app.Use(CORS(CORSConfig{Origins: []string{page}}))
		app.Get("/vary", func(c *httpfw.Ctx) error { c.SetHeader("Vary", "Accept"); return c.Text(200, "") })
		app.Get("/both", func(c *httpfw.Ctx) error { c.SetHeader("Vary", "Accept, origin"); return c.Text(200, "") })
		app.Get("/add", func(c *httpfw.Ctx) error { c.AddHeader("Vary", "Accept"); return c.Text(200, "") })
		app.Get("/star", func(c *httpfw.Ctx) error { c.SetHeader("Vary", "*"); return c.Text(200, "") })
		app.Get("/error", func(c *httpfw.Ctx) error { return errTest })
	})
	for path, want := range map[string][]string{
		"/vary": {"Accept", "Origin"}, "/both": {"Accept, origin"}, "/add": {"Origin", "Accept"}, "/star": {"*"},
		"/error": {"Origin"}, "/nowhere": {"Origin"},
	} {
		a := ask(t, "GET", base+path, nil, "Origin", page)
		if !slices.Equal(a.header["Vary"], want) || a.header.Get(allowOrigin) != page {
			t.Errorf("%s: %v", path, a.header)
		}
	}
}

func TestCORSConfig(t *testing.T) {
	for _, config := range []CORSConfig{
		{Credentials: true},
		{Credentials: true, Origins: []string{page, "*"}},
		{Origins: []string{"page.example"}},
		{Origins: []string{page + "/"}},
		{Origins: []string{"https://Page.example"}},
		{Origins: []string{""}},
	} {
		if panics(func() { CORS(config) }) == nil {
			t.Errorf("%+v was accepted", config)
		}
	}
}
