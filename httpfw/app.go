package httpfw

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/heddle-go/heddle/fiber"
)

// A Handler answers one request. It runs on the fiber of the connection and may
// block through the methods of c; anything else that blocks is moved beside the loop
// when it is noticed. An error it returns goes to Config.ErrorHandler.
type Handler func(c *Ctx) error

// A Middleware wraps a handler in another.
type Middleware func(next Handler) Handler

// An App is a set of routes and how to serve them. Routes and middleware are added
// by one goroutine before the first Start, Run, NewServer or ServeHTTP. Mistakes made
// then, such as conflicting routes, are reported there, with the place of each. Adding
// later panics.
type App struct {
	group // the whole tree: "" and no middleware

	config     Config
	log        *slog.Logger
	router     router[*route]
	added      []*route
	middleware []Middleware // around everything, the router included

	formPairs, jsonDepth int // of config, with defaults

	once    sync.Once
	sealed  atomic.Bool
	err     error // of set-up
	problem []error
	misses  [routeOptions + 1]*route // answers for what has no route, by outcome
	slash   *route
	badPath *route
	adapter adapter
}

// route is a handler with what belongs to it. Immutable once sealed.
type route struct {
	method, pattern string
	handler         Handler
	middleware      []Middleware
	site            *fiber.Site
	keepRunning     bool // FIN from the client does not cancel the request
}

// New makes an App.
func New(c Config) *App {
	a := &App{config: c, log: c.Logger}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.config.ErrorHandler == nil {
		a.config.ErrorHandler = DefaultError
	}
	if a.config.BaseContext == nil {
		a.config.BaseContext = context.Background()
	}
	lim := c.limits()
	a.formPairs, a.jsonDepth = lim.formPairs, lim.jsonDepth
	a.group.app = a
	return a
}

// Use adds middleware around every request, also those that have no route. The first
// added is the outermost.
func (a *App) Use(m ...Middleware) {
	a.mayAdd("middleware")
	a.middleware = append(a.middleware, m...)
}

// mayAdd panics once the App serves: what is added then would race with requests, and a route
// would be without the App's middleware.
func (a *App) mayAdd(what string) {
	if a.sealed.Load() {
		panic("httpfw: " + what + " added after the App began to serve")
	}
}

// A Group is a set of routes that share a prefix and middleware.
type Group struct {
	app        *App
	prefix     string
	middleware []Middleware
}

// group is the name of the field under which App embeds a Group, as that of the type
// would hide the method.
type group = Group

// Group returns a group inside g: its patterns start with prefix, its middleware runs
// inside that of g.
func (g *Group) Group(prefix string, m ...Middleware) *Group {
	return &Group{app: g.app, prefix: g.prefix + strings.TrimSuffix(prefix, "/"),
		middleware: append(g.middleware[:len(g.middleware):len(g.middleware)], m...)}
}

// Handle adds a route. Segments of the pattern that start with ':' match one segment,
// a last one that starts with '*' the rest of the path: "/users/:id", "/files/*path".
// A literal segment is preferred to a parameter, a parameter to the rest, in whatever
// order routes are added. A GET route answers HEAD as well.
func (g *Group) Handle(method, pattern string, h Handler, m ...Middleware) *Route {
	return &Route{[]*route{g.handle(method, pattern, h, m)}}
}

func (g *Group) handle(method, pattern string, h Handler, m []Middleware) *route {
	r := &route{method: method, pattern: g.prefix + pattern, handler: h,
		middleware: append(g.middleware[:len(g.middleware):len(g.middleware)], m...)}
	g.app.mayAdd("route " + method + " " + r.pattern)
	if h == nil {
		g.app.report(fmt.Errorf("httpfw: %s %s: the handler is nil", method, r.pattern))
		return r
	}
	r.site = fiber.NewSite(method+" "+r.pattern, h)
	if err := g.app.router.add(method, r.pattern, r); err != nil {
		g.app.report(err)
	}
	g.app.added = append(g.app.added, r)
	return r
}

// A Route is what was just added, for settings of its own: one route, or those of a Mount.
type Route struct{ routes []*route }

// KeepRunning lets the handler finish though the client has gone: by default its
// waits end then, and those of its groups. Timeouts and the end of the server still end
// them. It returns r.
func (r *Route) KeepRunning() *Route {
	for _, one := range r.routes {
		one.keepRunning = true
	}
	return r
}

// Get adds a route for GET and HEAD.
func (g *Group) Get(pattern string, h Handler, m ...Middleware) *Route {
	return g.Handle(http.MethodGet, pattern, h, m...)
}

// Post adds a route for POST.
func (g *Group) Post(pattern string, h Handler, m ...Middleware) *Route {
	return g.Handle(http.MethodPost, pattern, h, m...)
}

// Put adds a route for PUT.
func (g *Group) Put(pattern string, h Handler, m ...Middleware) *Route {
	return g.Handle(http.MethodPut, pattern, h, m...)
}

// Patch adds a route for PATCH.
func (g *Group) Patch(pattern string, h Handler, m ...Middleware) *Route {
	return g.Handle(http.MethodPatch, pattern, h, m...)
}

// Delete adds a route for DELETE.
func (g *Group) Delete(pattern string, h Handler, m ...Middleware) *Route {
	return g.Handle(http.MethodDelete, pattern, h, m...)
}

// report records a mistake made at set-up and where it was made: outside this
// package.
func (a *App) report(err error) {
	for skip := 2; ; skip++ {
		pc, file, line, ok := runtime.Caller(skip)
		if !ok {
			break
		}
		if strings.HasSuffix(file, "_test.go") || !strings.Contains(runtime.FuncForPC(pc).Name(), "/httpfw.") {
			err = fmt.Errorf("%w (added at %s:%d)", err, file, line)
			break
		}
	}
	a.problem = append(a.problem, err)
}

// seal ends set-up: from here on the App is read-only.
func (a *App) seal() error {
	a.once.Do(func() {
		a.sealed.Store(true)
		for _, r := range a.added {
			r.handler = a.wrap(r.handler, r.middleware)
		}
		answer := func(name string, h Handler) *route {
			return &route{pattern: name, handler: a.wrap(h, nil), site: fiber.NewSite(name, h)}
		}
		a.misses[routeNotFound] = answer("404", func(*Ctx) error { return errNotFound })
		a.misses[routeNotAllowed] = answer("405", func(c *Ctx) error {
			c.SetHeader("Allow", c.allow())
			return errMethodNotAllowed
		})
		a.misses[routeOptions] = answer("OPTIONS", func(c *Ctx) error {
			c.SetHeader("Allow", c.allow())
			return c.NoContent(http.StatusNoContent)
		})
		a.slash = answer("trailing slash", redirectSlash)
		a.badPath = answer("bad path", func(c *Ctx) error { return c.miss.err })
		a.err = errors.Join(a.problem...)
	})
	return a.err
}

// wrap puts a handler inside its own middleware and that of the App.
func (a *App) wrap(h Handler, own []Middleware) Handler {
	for i := len(own) - 1; i >= 0; i-- {
		h = own[i](h)
	}
	for i := len(a.middleware) - 1; i >= 0; i-- {
		h = a.middleware[i](h)
	}
	return h
}

// redirectSlash sends the client to the other form of the path, with or without the
// slash at its end, where a route is.
func redirectSlash(c *Ctx) error {
	path := c.req.Path
	if n := len(path) - 1; path[n] == '/' {
		path = path[:n]
	} else {
		path = append(path[:len(path):len(path)], '/')
	}
	to := string(path)
	if len(c.req.RawQuery) > 0 {
		to += "?" + string(c.req.RawQuery)
	}
	status := http.StatusPermanentRedirect
	if m := c.Method(); m == http.MethodGet || m == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	return c.Redirect(status, to)
}

// route finds what answers the request in c and sets c's path and parameters.
func (a *App) route(c *Ctx) *route {
	switch form := c.normalize(); form {
	case pathBad:
		c.miss = &miss{err: errBadPath}
		return a.badPath
	case pathTooLong:
		c.miss = &miss{err: errPathTooLong}
		return a.badPath
	}
	want := methodBits[c.req.Method]
	if want == 0 {
		want = a.router.method(c.Method())
	}
	r, out := a.router.find(want, c.req.Path, &c.params)
	if out.kind == routeFound {
		return r
	}
	c.miss = &miss{outcome: out}
	if out.slash && out.kind != routeOptions {
		return a.slash
	}
	return a.misses[out.kind]
}

// normalize brings the path of the request into normal form.
func (c *Ctx) normalize() pathForm {
	path, form := normalPath(nil, c.req.Path)
	if form == pathRespelled || form == pathResolved {
		c.req.Path = path
	}
	return form
}
