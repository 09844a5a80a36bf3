package httpfw

import (
	"strings"
	"testing"
	"time"
)

// A path that could be led two ways at each of its segments costs no more than
// the routes there are. With a choice remade at each segment this test would
// take 2^40 steps.
func TestRouterNoBlowup(t *testing.T) {
	const depth = 40
	r := new(router[int])
	for i := range depth {
		for _, last := range []string{"/end", "/:end", "/:end/*rest"} {
			segs := strings.Repeat("/a", i) + "/:x" + strings.Repeat("/a", depth-i-1) + last + "/z"
			if strings.Contains(last, "*") {
				segs = strings.TrimSuffix(segs, "/z")
			}
			if err := r.add("GET", segs, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.add("POST", strings.Repeat("/a", i)+"/:y/:z/*all", i); err != nil {
			t.Fatal(err)
		}
	}
	var p routeParams
	start := time.Now()
	const rounds = 20
	for range rounds {
		for _, tail := range []string{"", "/", "/end", "/b", "/b/", "/" + strings.Repeat("a/", 10000)} {
			r.find(r.method("PUT"), []byte(strings.Repeat("/a", depth)+tail), &p)
			r.find(r.method("GET"), []byte(strings.Repeat("/a", depth)+tail), &p)
			r.find(r.method("GET"), []byte(strings.Repeat("/b", depth)+tail), &p)
		}
	}
	if each := time.Since(start) / (rounds * 18); each > 20*time.Millisecond {
		t.Errorf("%v for each find", each)
	}
}

func TestRouterAllocates0(t *testing.T) {
	r := newTestRouter(t, append(forge(), testRoute{"PURGE", "/static/*file"}))
	var p routeParams
	var allow [128]byte
	for _, q := range append(forgeRequests[:len(forgeRequests):len(forgeRequests)], []struct {
		name, method, path string
		want               routeKind
	}{
		{"otherForm", "GET", "/version/", routeNotFound},
		{"otherFormAdded", "GET", "/static", routeNotFound},
		{"options", "OPTIONS", "/me/emails", routeOptions},
		{"star", "OPTIONS", "*", routeOptions},
		{"long", "GET", "/" + strings.Repeat("x", 5000), routeNotFound},
	}...) {
		path := []byte(q.path)
		if n := testing.AllocsPerRun(100, func() {
			_, out := r.find(r.method(q.method), path, &p)
			if out.kind != q.want {
				t.Error(q.name, out)
			}
			p.get(path, "repo")
			r.appendAllow(allow[:0], out.allowed)
		}); n != 0 {
			t.Errorf("%s: %v allocations", q.name, n)
		}
	}
}
