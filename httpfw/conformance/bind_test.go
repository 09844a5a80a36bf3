package conformance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// How much may be in a body that is taken apart: pairs of a form, depth of JSON. Only Ctx
// takes one apart, so there is no mounted half; the connection goes on whatever comes of it.

// inner is native that also binds: /form answers with how many names there are, /json with
// "bound".
func inner(t *testing.T, c httpfw.Config) *target {
	c.Logger = quiet
	ran := new(atomic.Int64)
	a := native(ran, c)
	a.Post("/form", func(c *httpfw.Ctx) error {
		ran.Add(1)
		v, err := c.Form()
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint(len(v)))
	})
	a.Post("/json", func(c *httpfw.Ctx) error {
		ran.Add(1)
		var v any
		if err := c.BindJSON(&v); err != nil {
			return err
		}
		return c.Text(200, "bound")
	})
	s := listen(t, a)
	s.ran = ran
	return s
}

const (
	formKind = "application/x-www-form-urlencoded"
	jsonKind = "application/json"
)

// bind makes vectors of a body for inner, with a length and in chunks. The handler runs
// though the body is too much.
func bind(name, path, kind, body string, status int, saw string) []vector {
	if status != 200 {
		saw = failure
	}
	start := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n", path, kind)
	chunk := "0\r\n\r\n"
	if body != "" {
		chunk = sized(body) + chunk
	}
	return []vector{
		{name, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", start, len(body), body), status, saw, true},
		{name + ", chunked", start + "Transfer-Encoding: chunked\r\n\r\n" + chunk, status, saw, true},
	}
}

func TestLimitFormPairs(t *testing.T) {
	of := func(n int) string { return strings.TrimSuffix(strings.Repeat("a=b&", n), "&") }
	with := func(c httpfw.Config, vectors ...[]vector) {
		s := inner(t, c)
		for _, v := range vectors {
			s.check(t, "form", v)
		}
	}
	form := func(name, body string, status int, names string) []vector {
		return bind(name, "/form", formKind, body, status, names)
	}
	with(httpfw.Config{}, form("none", "", 200, "0"), form("one", of(1), 200, "1"), form("met", of(1000), 200, "1"),
		form("exceeded", of(1001), 400, ""))
	with(httpfw.Config{FormPairsMax: 3}, form("met", "a&b&c", 200, "3"), form("exceeded", "a&b&c&d", 400, ""), form("empty ones", "&&&", 400, ""))
	once(t, inner(t, httpfw.Config{}), form("far exceeded", of(100_000), 400, ""))
	once(t, inner(t, httpfw.Config{FormPairsMax: -1}), form("without limit", strings.Repeat("a=b&", 5000), 200, "1"))
}

// once sends vectors that are too long to be cut everywhere.
func once(t *testing.T, s *target, vectors []vector) {
	p := s.connect(t)
	for _, v := range vectors {
		p.send(v.sent)
		if a, err := p.answer("POST"); err != nil || a.status != v.status || a.close || v.status == 200 && a.body != v.saw {
			t.Errorf("%s: %v %v", v.name, a, err)
		}
	}
}

func TestLimitJSONDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	s := inner(t, httpfw.Config{})
	once(t, s, bind("far too deep", "/json", jsonKind, nested(100_000), 400, ""))
	for n, status := range map[int]int{1: 200, 100: 200, 101: 400} {
		s.check(t, "JSON", bind(fmt.Sprint(n, " deep"), "/json", jsonKind, nested(n), status, "bound"))
	}
	s = inner(t, httpfw.Config{JSONDepthMax: 2})
	p := s.connect(t)
	for body, status := range map[string]int{
		`{"a": [1]}`: 200, `[{"a": 1}, {"b": 2}, [], [3]]`: 200, `{"a": "[[[{{{"}`: 200, `["\"[[[", "\\"]`: 200, `"[[["`: 200, `7`: 200,
		`{"a": [{}]}`: 400, `[[[`: 400, `["\\", [[]]]`: 400, `{"[": [{"a": 1}]}`: 400,
	} {
		vectors := bind(body, "/json", jsonKind, body, status, "bound")
		s.check(t, "JSON", vectors)
		// And it is the depth that is complained about.
		p.send(vectors[0].sent)
		if a, err := p.answer("POST"); err != nil || status == 400 && !strings.Contains(a.body, "deep") {
			t.Error(body, a, err)
		}
	}
}
