package httpfw

import (
	"strings"
	"testing"
)

// The table of routes for benchmarks and tests: the API of an imaginary code
// forge, in the shape such APIs have (a few hundred routes, half of them below
// two parameters, many that share a pattern and differ in the method).
//
// Each line is a pattern and its methods.
const forgeRoutes = `
/ GET
/healthz GET
/version GET
/login GET POST
/logout POST
/search GET
/search/code GET
/search/commits GET
/search/issues GET
/search/people GET
/events GET
/feeds GET
/licenses GET
/licenses/:license GET
/emojis GET
/markdown POST
/markdown/raw POST
/rate GET
/templates GET
/templates/:template GET
/notifications GET PUT
/notifications/threads/:thread GET PATCH DELETE
/notifications/threads/:thread/subscription GET PUT DELETE
/me GET PATCH
/me/emails GET POST DELETE
/me/followers GET
/me/following GET
/me/following/:user GET PUT DELETE
/me/keys GET POST
/me/keys/:key GET DELETE
/me/orgs GET
/me/repos GET POST
/me/stars GET
/me/stars/:owner/:repo GET PUT DELETE
/me/watching GET
/me/teams GET
/me/issues GET
/people GET
/people/new GET
/people/:user GET
/people/:user/events GET
/people/:user/events/public GET
/people/:user/followers GET
/people/:user/following GET
/people/:user/following/:other GET
/people/:user/keys GET
/people/:user/orgs GET
/people/:user/repos GET
/people/:user/stars GET
/people/:user/snippets GET
/snippets GET POST
/snippets/public GET
/snippets/starred GET
/snippets/:snippet GET PATCH DELETE
/snippets/:snippet/commits GET
/snippets/:snippet/forks GET POST
/snippets/:snippet/star GET PUT DELETE
/snippets/:snippet/comments GET POST
/snippets/:snippet/comments/:comment GET PATCH DELETE
/snippets/:snippet/:revision GET
/orgs GET POST
/orgs/:org GET PATCH
/orgs/:org/events GET
/orgs/:org/issues GET
/orgs/:org/members GET
/orgs/:org/members/:user GET DELETE
/orgs/:org/hooks GET POST
/orgs/:org/hooks/:hook GET PATCH DELETE
/orgs/:org/repos GET POST
/orgs/:org/teams GET POST
/teams/:team GET PATCH DELETE
/teams/:team/members GET
/teams/:team/members/:user GET PUT DELETE
/teams/:team/repos GET
/teams/:team/repos/:owner/:repo GET PUT DELETE
/repos GET
/repos/:owner/:repo GET PATCH DELETE
/repos/:owner/:repo/archive/*ref GET
/repos/:owner/:repo/assignees GET
/repos/:owner/:repo/assignees/:user GET
/repos/:owner/:repo/branches GET
/repos/:owner/:repo/branches/:branch GET
/repos/:owner/:repo/branches/:branch/protection GET PUT DELETE
/repos/:owner/:repo/collaborators GET
/repos/:owner/:repo/collaborators/:user GET PUT DELETE
/repos/:owner/:repo/comments GET
/repos/:owner/:repo/comments/:comment GET PATCH DELETE
/repos/:owner/:repo/commits GET
/repos/:owner/:repo/commits/:sha GET
/repos/:owner/:repo/commits/:sha/comments GET POST
/repos/:owner/:repo/commits/:sha/status GET POST
/repos/:owner/:repo/compare/*range GET
/repos/:owner/:repo/contents/*path GET PUT DELETE
/repos/:owner/:repo/contributors GET
/repos/:owner/:repo/deployments GET POST
/repos/:owner/:repo/downloads GET
/repos/:owner/:repo/downloads/:download GET DELETE
/repos/:owner/:repo/events GET
/repos/:owner/:repo/forks GET POST
/repos/:owner/:repo/git/blobs POST
/repos/:owner/:repo/git/blobs/:sha GET
/repos/:owner/:repo/git/refs GET POST
/repos/:owner/:repo/git/refs/*ref GET PATCH DELETE
/repos/:owner/:repo/git/tags POST
/repos/:owner/:repo/git/tags/:sha GET
/repos/:owner/:repo/git/trees POST
/repos/:owner/:repo/git/trees/:sha GET
/repos/:owner/:repo/hooks GET POST
/repos/:owner/:repo/hooks/:hook GET PATCH DELETE
/repos/:owner/:repo/hooks/:hook/tests POST
/repos/:owner/:repo/issues GET POST
/repos/:owner/:repo/issues/comments GET
/repos/:owner/:repo/issues/comments/:comment GET PATCH DELETE
/repos/:owner/:repo/issues/:number GET PATCH
/repos/:owner/:repo/issues/:number/comments GET POST
/repos/:owner/:repo/issues/:number/events GET
/repos/:owner/:repo/issues/:number/labels GET POST PUT DELETE
/repos/:owner/:repo/issues/:number/labels/:label DELETE
/repos/:owner/:repo/keys GET POST
/repos/:owner/:repo/keys/:key GET DELETE
/repos/:owner/:repo/labels GET POST
/repos/:owner/:repo/labels/:label GET PATCH DELETE
/repos/:owner/:repo/languages GET
/repos/:owner/:repo/merges POST
/repos/:owner/:repo/milestones GET POST
/repos/:owner/:repo/milestones/:number GET PATCH DELETE
/repos/:owner/:repo/pulls GET POST
/repos/:owner/:repo/pulls/:number GET PATCH
/repos/:owner/:repo/pulls/:number/commits GET
/repos/:owner/:repo/pulls/:number/files GET
/repos/:owner/:repo/pulls/:number/merge GET PUT
/repos/:owner/:repo/pulls/:number/comments GET POST
/repos/:owner/:repo/readme GET
/repos/:owner/:repo/releases GET POST
/repos/:owner/:repo/releases/latest GET
/repos/:owner/:repo/releases/:release GET PATCH DELETE
/repos/:owner/:repo/releases/:release/assets GET POST
/repos/:owner/:repo/stargazers GET
/repos/:owner/:repo/stats/contributors GET
/repos/:owner/:repo/stats/activity GET
/repos/:owner/:repo/tags GET
/repos/:owner/:repo/teams GET
/repos/:owner/:repo/watchers GET
/static/*file GET
`

type testRoute struct{ method, pattern string }

func forge() (routes []testRoute) {
	for line := range strings.Lines(forgeRoutes) {
		if f := strings.Fields(line); len(f) > 0 {
			for _, method := range f[1:] {
				routes = append(routes, testRoute{method, f[0]})
			}
		}
	}
	return routes
}

// requestPath makes a path that the pattern matches.
func requestPath(pattern string) string {
	segs := strings.Split(pattern, "/")
	for i, s := range segs {
		switch {
		case strings.HasPrefix(s, ":"):
			segs[i] = "some-" + s[1:]
		case strings.HasPrefix(s, "*"):
			segs[i] = "a/deep/path.go"
		}
	}
	return strings.Join(segs, "/")
}

// newTestRouter holds in each route its method and pattern.
func newTestRouter(t testing.TB, routes []testRoute) *router[string] {
	t.Helper()
	r := new(router[string])
	for _, rt := range routes {
		if err := r.add(rt.method, rt.pattern, rt.method+" "+rt.pattern); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

var forgeRequests = []struct {
	name, method, path string
	want               routeKind
}{
	{"literal1", "GET", "/version", routeFound},
	{"literal2", "GET", "/search/commits", routeFound},
	{"literal3", "GET", "/snippets/starred", routeFound},
	{"param1", "GET", "/people/ada", routeFound},
	{"param1deep", "GET", "/people/ada/events/public", routeFound},
	{"param2", "GET", "/repos/heddle-go/heddle", routeFound},
	{"param2deep", "POST", "/repos/heddle-go/heddle/deployments", routeFound},
	{"param3", "GET", "/repos/heddle-go/heddle/issues/1234/comments", routeFound},
	{"rest", "GET", "/static/css/site.css", routeFound},
	{"param2rest", "GET", "/repos/heddle-go/heddle/contents/httpfw/router.go", routeFound},
	{"notFound", "GET", "/repos/heddle-go/heddle/nothing", routeNotFound},
	{"notAllowed", "PUT", "/people/ada", routeNotAllowed},
}

func BenchmarkRouterFind(b *testing.B) {
	r := newTestRouter(b, forge())
	for _, q := range forgeRequests {
		b.Run(q.name, func(b *testing.B) {
			path := []byte(q.path)
			var p routeParams
			b.ReportAllocs()
			for b.Loop() {
				if _, out := r.find(r.method(q.method), path, &p); out.kind != q.want {
					b.Fatal(out)
				}
			}
		})
	}
}

// BenchmarkRouterAll takes a different route each time, so that neither the
// branch predictor nor the cache knows the way by heart.
func BenchmarkRouterAll(b *testing.B) {
	routes := forge()
	r := newTestRouter(b, routes)
	paths := make([][]byte, len(routes))
	for i, rt := range routes {
		paths[i] = []byte(requestPath(rt.pattern))
	}
	var p routeParams
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 89) % len(routes)
		if _, out := r.find(r.method(routes[i].method), paths[i], &p); out.kind != routeFound {
			b.Fatal(out)
		}
	}
}

// BenchmarkRouterMap is the alternative that router_match.go argues about: a
// map of whole literal patterns, to be asked before the tree.
func BenchmarkRouterMap(b *testing.B) {
	m := make(map[string]*routeLeaf)
	for _, rt := range forge() {
		if !strings.ContainsAny(rt.pattern, ":*") {
			m[rt.pattern] = &routeLeaf{}
		}
	}
	for _, q := range forgeRequests {
		b.Run(q.name, func(b *testing.B) {
			path := []byte(q.path)
			for b.Loop() {
				if (m[string(path)] != nil) != strings.HasPrefix(q.name, "literal") {
					b.Fatal(q.path)
				}
			}
		})
	}
}

func BenchmarkRouterNormalPath(b *testing.B) {
	for _, q := range []struct{ name, path string }{
		{"clean", "/repos/heddle-go/heddle/issues/1234/comments"},
		{"escaped", "/people/ren%c3%a9/repos"},
		{"dots", "/people/./ada/x/../repos"},
	} {
		b.Run(q.name, func(b *testing.B) {
			path := []byte(q.path)
			var dst [128]byte
			b.ReportAllocs()
			for b.Loop() {
				if _, form := normalPath(dst[:0], path); form >= pathBad {
					b.Fatal(form)
				}
			}
		})
	}
}
