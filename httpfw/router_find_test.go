package httpfw

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// routesOf reads "GET /a, POST /b".
func routesOf(list string) (routes []testRoute) {
	for s := range strings.SplitSeq(list, ",") {
		method, pattern, _ := strings.Cut(strings.TrimSpace(s), " ")
		routes = append(routes, testRoute{method, pattern})
	}
	return routes
}

// describe writes down all that find says: the route and its parameters, or the
// kind of the miss and the methods allowed, and " /" for the other form.
func describe(r *router[string], method, path string) string {
	var p routeParams
	value, out := r.find(r.method(method), []byte(path), &p)
	var s string
	switch out.kind {
	case routeFound:
		s = value
		for i := range p.count() {
			name, v := p.at([]byte(path), i)
			s += fmt.Sprintf(" %s=%s", name, v)
		}
	case routeNotFound:
		s = "404"
	case routeNotAllowed:
		s = "405 " + string(r.appendAllow(nil, out.allowed))
	case routeOptions:
		s = "options " + string(r.appendAllow(nil, out.allowed))
	}
	if out.slash {
		s += " /"
	}
	return s
}

func TestRouterFind(t *testing.T) {
	for _, group := range []struct {
		routes string
		cases  []string // request => answer
	}{
		{"GET /", []string{
			"GET / => GET /",
			"GET /a => 404",
			"GET * => 404",
			"GET host:80 => 404",
			"GET  => 404",
		}},
		{"GET /users/new, GET /users/:id, GET /users/:user/posts, GET /users/*rest", []string{
			"GET /users/new => GET /users/new",
			"GET /users/newer => GET /users/:id id=newer",
			"GET /users/ne => GET /users/:id id=ne",
			"GET /users/new/posts => GET /users/:user/posts user=new",
			"GET /users/7/posts => GET /users/:user/posts user=7",
			"GET /users/7/post => GET /users/*rest rest=7/post",
			"GET /users/7/posts/ => GET /users/*rest rest=7/posts/",
			"GET /users/ => GET /users/*rest rest=",
			"GET /users => 404 /",
		}},
		{"GET /users/new/x, GET /users/:id/y, GET /:a/new/*rest, GET /*all", []string{
			"GET /users/new/x => GET /users/new/x",
			"GET /users/new/y => GET /users/:id/y id=new",
			"GET /users/new/z => GET /:a/new/*rest a=users rest=z",
			"GET /users/old/z => GET /*all all=users/old/z",
			"GET / => GET /*all all=",
		}},
		// Of the patterns that match and have the method, the best.
		{"GET /a/:x, POST /a/b, PUT /*rest", []string{
			"GET /a/b => GET /a/:x x=b",
			"POST /a/b => POST /a/b",
			"PUT /a/b => PUT /*rest rest=a/b",
			"POST /a/c => 405 GET, HEAD, OPTIONS, PUT",
			"DELETE /a/b => 405 GET, HEAD, OPTIONS, POST, PUT",
			"OPTIONS /a/b => options GET, HEAD, OPTIONS, POST, PUT",
			"OPTIONS * => options GET, HEAD, OPTIONS, POST, PUT",
			"OPTIONS  => 404",
			"BREW /a/b => 405 GET, HEAD, OPTIONS, POST, PUT",
		}},
		{"POST /a/b, GET /a/:x/c", []string{
			"GET /a/b => 405 OPTIONS, POST",
			"GET /a/b/c => GET /a/:x/c x=b",
			"OPTIONS /a/z => 404",
		}},
		// GET answers HEAD, except where the same pattern has it.
		{"GET /a/b, HEAD /a/:x, GET /a/:y, HEAD /c, HEAD /d, GET /d", []string{
			"HEAD /a/b => GET /a/b",
			"HEAD /a/z => HEAD /a/:x x=z",
			"GET /a/z => GET /a/:y y=z",
			"HEAD /c => HEAD /c",
			"GET /c => 405 HEAD, OPTIONS",
			"HEAD /d => HEAD /d",
			"GET /d => GET /d",
			"POST /d => 405 GET, HEAD, OPTIONS",
		}},
		{"OPTIONS /a, GET /a, GET /b", []string{
			"OPTIONS /a => OPTIONS /a",
			"OPTIONS /b => options GET, HEAD, OPTIONS",
		}},
		// Methods of one's own come in the order of their names, and not before they are known.
		{"PROPFIND /dav/*path, ACL /dav/*path, GET /dav/*path", []string{
			"ACL /dav/x => ACL /dav/*path path=x",
			"MKCOL /dav/x => 405 ACL, GET, HEAD, OPTIONS, PROPFIND",
			"OPTIONS * => options ACL, GET, HEAD, OPTIONS, PROPFIND",
		}},
		{"GET /a, GET /b/, GET /c/:id, GET /d/:id/, POST /e, GET /e/, GET /f/*rest, GET /g/h/i", []string{
			"GET /a/ => 404 /",
			"GET /b => 404 /",
			"GET /b/ => GET /b/",
			"GET /c/1/ => 404 /",
			"GET /c/ => 404",
			"GET /c => 404",
			"GET /d/1 => 404 /",
			"GET /d/ => 404",
			"HEAD /d/1 => 404 /",
			"POST /d/1 => 404",
			"OPTIONS /d/1 => 404 /",
			"GET /e => 405 OPTIONS, POST /",
			"PUT /e => 405 OPTIONS, POST",
			"GET /f => 404 /",
			"GET /f/ => GET /f/*rest rest=",
			"GET /g/h => 404",
			"GET /g/h/ => 404",
			"GET /g/h/i/ => 404 /",
			"GET /g/h/i// => 404",
		}},
		// Names belong to the route: method and depth may differ in them.
		{"GET /r/:id, PUT /r/:key, GET /r/:name/x/:id", []string{
			"GET /r/1 => GET /r/:id id=1",
			"PUT /r/1 => PUT /r/:key key=1",
			"GET /r/1/x/2 => GET /r/:name/x/:id name=1 id=2",
		}},
		// What a failed way wrote into the parameters does not show.
		{"GET /x/:a/:b/:c/end, GET /:p/*q", []string{
			"GET /x/1/2/3/no => GET /:p/*q p=x q=1/2/3/no",
		}},
		{"GET /café/:id, GET /%7e/:id, GET /v1/%3aname, GET /a%2Fb, GET /a/b", []string{
			"GET /caf%C3%A9/1 => GET /café/:id id=1",
			"GET /~/1 => GET /%7e/:id id=1",
			"GET /v1/:name => GET /v1/%3aname",
			"GET /v1/x => 404",
			"GET /a%2Fb => GET /a%2Fb",
			"GET /a/b => GET /a/b",
			"GET /café/1 => 404", // not in normal form: see normalPath
			"GET /~/a%2Fb => GET /%7e/:id id=a%2Fb",
		}},
	} {
		routes := routesOf(group.routes)
		for range 2 { // both ways round
			r := newTestRouter(t, routes)
			for _, c := range group.cases {
				request, want, _ := strings.Cut(c, " => ")
				method, path, _ := strings.Cut(request, " ")
				if got := describe(r, method, path); got != want {
					t.Errorf("%s\n\t%s\n\tgot %s", group.routes, c, got)
				}
			}
			for i, j := 0, len(routes)-1; i < j; i, j = i+1, j-1 {
				routes[i], routes[j] = routes[j], routes[i]
			}
		}
	}
}

func TestRouterZeroValue(t *testing.T) {
	var r router[string]
	for request, want := range map[string]string{
		"GET /":     "404",
		"OPTIONS /": "404",
		"OPTIONS *": "options OPTIONS",
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := describe(&r, method, path); got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
}

func TestRouterAddErrors(t *testing.T) {
	seventeen := strings.Repeat("/:p", 17)
	for i := range 17 {
		seventeen = strings.Replace(seventeen, ":p/", fmt.Sprintf(":p%d/", i), 1)
	}
	for _, c := range []struct{ method, pattern, want string }{
		{"GET", "/users/:name", "GET /users/:name conflicts with GET /users/:id"},
		{"GET", "/users/:id", "GET /users/:id conflicts with GET /users/:id"},
		{"GET", "/f/*other", "GET /f/*other conflicts with GET /f/*path"},
		{"GET", "/%61/b", "GET /%61/b conflicts with GET /a/b"},
		{"HEAD", "/h", "HEAD /h conflicts with HEAD /h"},
		{"GET", "", "begins with '/'"},
		{"GET", "a", "begins with '/'"},
		{"GET", "*", "begins with '/'"},
		{"GET", "/a//b", "empty segment at offset 3"},
		{"GET", "//", "empty segment at offset 1"},
		{"GET", "/a/:", `":" at offset 3 has no name`},
		{"GET", "/a/:/b", `":" at offset 3 has no name`},
		{"GET", "/a/*", `"*" at offset 3 has no name`},
		{"GET", "/:a/b/:a", ":a at offset 6 is taken"},
		{"GET", "/:a/*a", "*a at offset 4 is taken"},
		{"GET", "/*a/b", "*a at offset 1 is not the last segment"},
		{"GET", "/*a/", "*a at offset 1 is not the last segment"},
		{"GET", "/a/:id.json", `bad byte '.' at offset 6 in the name ":id.json"`},
		{"GET", "/:1", "bad byte '1' at offset 2"},
		{"GET", "/:a:b", "bad byte ':' at offset 3"},
		{"GET", "/users:id", `':' at offset 6 inside the segment "users:id"`},
		{"GET", "/a*", "(a literal * is written %2A)"},
		{"GET", "/{id}", "bad byte '{' at offset 1: a parameter is written :name"},
		{"GET", "/a b", "bad byte ' ' at offset 2 (write %20"},
		{"GET", "/a?b", "bad byte '?' at offset 2"},
		{"GET", "/a\\b", `bad byte '\\' at offset 2 (write %5C`},
		{"GET", "/a\x00", `bad byte '\x00' at offset 2`},
		{"GET", "/a/\xff", "bad UTF-8 at offset 3"},
		{"GET", "/a%2", "bad percent-escape"},
		{"GET", "/%zz", "bad percent-escape"},
		{"GET", "/a/../b", `".." at offset 3 can match nothing`},
		{"GET", "/a/%2e", `"%2e" at offset 3 can match nothing`},
		{"GET", "/a/..%2fb", "can match nothing"},
		{"GET", seventeen, "one parameter too many: the limit is 8"},
		{"GET", "/" + strings.Repeat("a", routePathBytesMax), "longer than 65535 bytes"},
		{"", "/a", "method is empty"},
		{"G T", "/a", "bad byte ' ' at offset 1 of the method"},
		{"GÉT", "/a", "of the method"},
		{"get", "/a", "write GET"},
	} {
		routes := routesOf("GET /users/:id, GET /f/*path, GET /a/b, HEAD /h, GET /h")
		r := newTestRouter(t, routes)
		err := r.add(c.method, c.pattern, "new")
		if err == nil {
			t.Errorf("%s %.40q: no error", c.method, c.pattern)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "httpfw: ") {
			t.Errorf("%s %.40q: got %v, want %s", c.method, c.pattern, err, c.want)
		}
		for _, rt := range routes { // an error changes nothing
			if got := describe(r, rt.method, requestPath(rt.pattern)); !strings.HasPrefix(got, rt.method+" "+rt.pattern) {
				t.Errorf("after %v: %v gives %s", err, rt, got)
			}
		}
		if got, want := describe(r, "OPTIONS", "*"), "options GET, HEAD, OPTIONS"; got != want {
			t.Errorf("after %v: %s", err, got)
		}
	}
}

// What is easily taken for a conflict and is none.
func TestRouterNoConflict(t *testing.T) {
	newTestRouter(t, routesOf("GET /:a, POST /:b, GET /:c/x, GET /*r, GET /x, GET /x/, GET /:a/*r, "+
		"GET /h, HEAD /h, HEAD /i, GET /i, GET /:p1/:p2/:p3/:p4/:p5/:p6/:p7/*p8"))
}

func TestRouterMethodLimit(t *testing.T) {
	var r router[int]
	for i := range 64 - len(standardMethods) {
		if err := r.add(fmt.Sprintf("M%d", i), "/a", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.add("ONEMORE", "/a", 0); err == nil || !strings.Contains(err.Error(), "more than 64") {
		t.Fatal(err)
	}
	var p routeParams
	if v, out := r.find(r.method("M54"), []byte("/a"), &p); v != 54 || out.kind != routeFound {
		t.Fatal(v, out)
	}
}

func TestRouterForge(t *testing.T) {
	routes := forge()
	if len(routes) < 200 {
		t.Fatal(len(routes))
	}
	r := newTestRouter(t, routes)
	for _, rt := range routes {
		got := describe(r, rt.method, requestPath(rt.pattern))
		if value, _, _ := strings.Cut(got+" ", rt.pattern+" "); value != rt.method+" " {
			t.Errorf("%v: got %s", rt, got)
		}
	}
	for _, q := range forgeRequests {
		if _, out := r.find(r.method(q.method), []byte(q.path), new(routeParams)); out.kind != q.want {
			t.Errorf("%v: got %v", q, out)
		}
	}
}

func TestRouterParams(t *testing.T) {
	r := newTestRouter(t, routesOf("GET /a/:x/*y"))
	path := []byte("/a/one/two/three")
	var p routeParams
	if _, ok := p.get(path, "x"); ok || p.count() != 0 {
		t.Fatal("parameters before find")
	}
	r.find(r.method("GET"), path, &p)
	copied := append([]byte(nil), path...) // as a park does
	clear(path)
	for name, want := range map[string]string{"x": "one", "y": "two/three"} {
		v, ok := p.get(copied, name)
		if !ok || string(v) != want {
			t.Errorf("%s: got %q, %v", name, v, ok)
		}
		if cap(v) != len(v) {
			t.Errorf("%s: append to it would write into the path", name)
		}
	}
	if _, ok := p.get(copied, "z"); ok {
		t.Error("z is no parameter")
	}
	if r.find(r.method("GET"), []byte("/none"), &p); p.count() != 0 {
		t.Error("parameters of the request before")
	}
}

func TestRouterLongPath(t *testing.T) {
	r := newTestRouter(t, routesOf("GET /*rest"))
	var p routeParams
	path := []byte("/" + strings.Repeat("a/", routePathBytesMax/2))
	if _, out := r.find(r.method("GET"), path, &p); out.kind != routeFound || len(path) != routePathBytesMax {
		t.Fatal(out, len(path))
	}
	if v, _ := p.get(path, "rest"); len(v) != len(path)-1 {
		t.Fatal(len(v))
	}
	if _, out := r.find(r.method("GET"), append(path, 'a'), &p); out != (routeOutcome{}) {
		t.Fatal(out)
	}
}

func TestRouterConcurrentReaders(t *testing.T) {
	routes := forge()
	r := newTestRouter(t, routes)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, rt := range routes {
				describe(r, rt.method, requestPath(rt.pattern))
				describe(r, "BREW", requestPath(rt.pattern)+"/")
			}
		})
	}
	wg.Wait()
}
