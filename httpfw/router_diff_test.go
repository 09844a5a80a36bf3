package httpfw

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The router is held against a matcher too simple to be wrong: it tries every
// route on every path, segment by segment and decoded, and compares the ones
// that match by precedence.

type naiveRouter []testRoute

// segmentKind orders segments by precedence, the best first.
func segmentKind(seg string) int {
	switch {
	case strings.HasPrefix(seg, ":"):
		return 1
	case strings.HasPrefix(seg, "*"):
		return 2
	}
	return 0
}

func unescaped(seg string) string {
	s, err := url.PathUnescape(seg)
	if err != nil {
		panic(err)
	}
	return s
}

// naiveMatch returns the parameters in the form of describe.
func naiveMatch(pattern, path string) (params string, ok bool) {
	segs, parts := strings.Split(pattern, "/")[1:], strings.Split(path, "/")[1:]
	for i, seg := range segs {
		if i >= len(parts) {
			return "", false
		}
		switch segmentKind(seg) {
		case 0:
			if unescaped(seg) != unescaped(parts[i]) {
				return "", false
			}
		case 1:
			if parts[i] == "" {
				return "", false
			}
			params += " " + seg[1:] + "=" + parts[i]
		case 2:
			return params + " " + seg[1:] + "=" + strings.Join(parts[i:], "/"), true
		}
	}
	return params, len(segs) == len(parts)
}

// naiveShape is the pattern without its names: equal shapes match equal paths.
func naiveShape(pattern string) string {
	segs := strings.Split(pattern, "/")
	for i, seg := range segs {
		if k := segmentKind(seg); k > 0 {
			segs[i] = seg[:1]
		} else {
			segs[i] = "=" + url.QueryEscape(unescaped(seg))
		}
	}
	return strings.Join(segs, "/")
}

func naiveBetter(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		if ka, kb := segmentKind(as[i]), segmentKind(bs[i]); ka != kb {
			return ka < kb
		}
	}
	return false
}

// answers says that a route of the naive router answers the method.
func (n naiveRouter) answers(rt testRoute, method string) bool {
	if rt.method == method {
		return true
	}
	return rt.method == "GET" && method == "HEAD" && !slices.ContainsFunc(n, func(o testRoute) bool {
		return o.method == "HEAD" && naiveShape(o.pattern) == naiveShape(rt.pattern)
	})
}

func (n naiveRouter) allowed(path string) (names []string) {
	for _, rt := range n {
		if _, ok := naiveMatch(rt.pattern, path); ok {
			names = append(names, rt.method, "OPTIONS")
			if rt.method == "GET" {
				names = append(names, "HEAD")
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (n naiveRouter) describe(method, path string) string {
	var best *testRoute
	for i, rt := range n {
		if _, ok := naiveMatch(rt.pattern, path); ok && n.answers(rt, method) {
			if best == nil || naiveBetter(rt.pattern, best.pattern) {
				best = &n[i]
			}
		}
	}
	if best != nil {
		params, _ := naiveMatch(best.pattern, path)
		return best.method + " " + best.pattern + params
	}
	s := "404"
	if names := n.allowed(path); names != nil {
		if method == "OPTIONS" {
			return "options " + strings.Join(names, ", ")
		}
		s = "405 " + strings.Join(names, ", ")
	}
	other := path + "/"
	if strings.HasSuffix(path, "/") {
		other = strings.TrimSuffix(path, "/")
	}
	if other != "" && slices.Contains(n.allowed(other), method) {
		s += " /"
	}
	return s
}

// randomPattern uses few segments, which share prefixes, so that routes meet.
func randomPattern(rnd *rand.Rand) string {
	var b strings.Builder
	names := rnd.Perm(9)
	for i := range 1 + rnd.IntN(5) {
		switch k := rnd.IntN(10); {
		case k < 5:
			b.WriteString("/" + []string{"a", "b", "ab", "abc", "a%2Fb", "%61c"}[rnd.IntN(6)])
		case k < 9:
			fmt.Fprintf(&b, "/:p%d", names[i])
		default:
			fmt.Fprintf(&b, "/*p%d", names[i])
			return b.String()
		}
	}
	if rnd.IntN(5) == 0 {
		b.WriteString("/")
	}
	return b.String()
}

func randomPath(rnd *rand.Rand) string {
	var b strings.Builder
	for range 1 + rnd.IntN(6) {
		b.WriteString("/" + []string{"a", "b", "ab", "abc", "abcd", "ac", "a%2Fb", "x", "", "a", "b", "ab"}[rnd.IntN(12)])
	}
	if rnd.IntN(4) == 0 {
		b.WriteString("/")
	}
	return b.String()
}

var randomMethods = []string{"GET", "GET", "POST", "HEAD", "OPTIONS", "ACL", "SEARCH"}

// addAll adds routes to both, and checks that they agree on the conflicts.
func addAll(t *testing.T, routes []testRoute) (r *router[string], naive naiveRouter) {
	r = new(router[string])
	for _, rt := range routes {
		at := slices.IndexFunc(naive, func(o testRoute) bool {
			return o.method == rt.method && naiveShape(o.pattern) == naiveShape(rt.pattern)
		})
		err := r.add(rt.method, rt.pattern, rt.method+" "+rt.pattern)
		if (at >= 0) != (err != nil) {
			t.Fatalf("%q then %v: %v", naive, rt, err)
		}
		if err != nil {
			want := fmt.Sprintf("httpfw: %s %s conflicts with %s %s", rt.method, rt.pattern, rt.method, naive[at].pattern)
			if err.Error() != want {
				t.Fatalf("got %v, want %s", err, want)
			}
			continue
		}
		naive = append(naive, rt)
	}
	return r, naive
}

func TestRouterDifferential(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	for range rounds {
		var routes []testRoute
		for range 1 + rnd.IntN(25) {
			routes = append(routes, testRoute{randomMethods[rnd.IntN(len(randomMethods))], randomPattern(rnd)})
		}
		r, naive := addAll(t, routes)
		for range 60 {
			path := randomPath(rnd)
			if rnd.IntN(3) == 0 {
				normal, _ := normalPath(nil, []byte(requestPath(naive[rnd.IntN(len(naive))].pattern)))
				path = string(normal)
			}
			method := append(randomMethods, "PUT", "BREW")[rnd.IntN(len(randomMethods)+2)]
			if got, want := describe(r, method, path), naive.describe(method, path); got != want {
				t.Fatalf("seed %d\nroutes %q\n%s %s\ngot  %s\nwant %s", seed, naive, method, path, got, want)
			}
		}
	}
}

// The order in which routes are added does not show: every order of a few that
// interact, and random orders of many.
func TestRouterOrder(t *testing.T) {
	check := func(routes []testRoute, requests []testRoute, want []string) (answers []string) {
		r := newTestRouter(t, routes)
		for i, q := range requests {
			answers = append(answers, describe(r, q.method, q.pattern))
			if want != nil && answers[i] != want[i] {
				t.Fatalf("%q: %v: got %s, in another order %s", routes, q, answers[i], want[i])
			}
		}
		return answers
	}
	few := routesOf("GET /a/b, GET /a/:x, POST /a/:y, GET /a/*r, HEAD /a/:h, GET /a/bc/")
	requests := routesOf("GET /a/b, HEAD /a/b, POST /a/b, PUT /a/b, GET /a/c, HEAD /a/c, GET /a/bc, GET /a/bc/, GET /a/, GET /a, POST /a/c/")
	want := check(few, requests, nil)
	var permute func(k int)
	permute = func(k int) {
		if k == len(few) {
			check(few, requests, want)
			return
		}
		for i := k; i < len(few); i++ {
			few[k], few[i] = few[i], few[k]
			permute(k + 1)
			few[k], few[i] = few[i], few[k]
		}
	}
	permute(0)

	seed := rand.Uint64()
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	many := forge()
	requests = nil
	for _, rt := range many {
		requests = append(requests, testRoute{rt.method, requestPath(rt.pattern)}, testRoute{"PURGE", requestPath(rt.pattern)})
	}
	want = check(many, requests, nil)
	for range 20 {
		rnd.Shuffle(len(many), func(i, j int) { many[i], many[j] = many[j], many[i] })
		check(many, requests, want)
	}
}

// FuzzRouter takes routes as "GET /a,POST /b", and a request as it comes from
// the network. Run it with -fuzzminimizetime 1x: otherwise nearly all its time
// goes into making long interesting inputs shorter.
func FuzzRouter(f *testing.F) {
	f.Add("GET /a/:x,POST /a/b,HEAD /a/*r", "GET", "/a/b")
	f.Add("GET /users/new/x,GET /users/:id/y,GET /*all", "HEAD", "/users/new/y")
	f.Add("GET /caf\u00e9/:x/,GET /%63af%C3%a9/:x", "OPTIONS", "/caf%c3%a9/a%2fb//")
	f.Add("PROPFIND /:a/:b/*c,GET /:x/b,GET /a/", "PUT", "/a")
	f.Add("GET /:a/%3Ab/:c,GET /x/y/z", "GET", "/x/%3ab/./z")
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 20 {
		var list []string
		for range 8 {
			list = append(list, randomMethods[rnd.IntN(len(randomMethods))]+" "+randomPattern(rnd))
		}
		f.Add(strings.Join(list, ","), "GET", randomPath(rnd))
	}
	f.Fuzz(func(t *testing.T, list, method, path string) {
		if len(list)+len(path) > 2000 {
			return // the other matcher is slow
		}
		var routes []testRoute
		for _, rt := range routesOf(list) {
			if checkMethod(rt.method) != nil {
				continue
			}
			if _, err := parsePattern(rt.pattern); err == nil && len(routes) < 40 {
				routes = append(routes, rt)
			}
		}
		r, naive := addAll(t, routes)
		normal, form := normalPath(nil, []byte(path))
		if form >= pathBad {
			describe(r, method, path) // must not fall over, at least
			return
		}
		if string(normal) == "*" {
			return
		}
		if got, want := describe(r, method, string(normal)), naive.describe(method, string(normal)); got != want {
			t.Fatalf("routes %q\n%s %s\ngot  %s\nwant %s", naive, method, normal, got, want)
		}
	})
}
