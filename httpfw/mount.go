package httpfw

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
)

// Mount lets any http.Handler answer prefix itself and everything below it, with every
// standard method, so at "/" CONNECT too. h sees the whole path: wrap it in http.StripPrefix if
// it should not.
// For what that costs see FromHTTP. What is set on the Route holds for all of it.
func (g *Group) Mount(prefix string, h http.Handler, m ...Middleware) *Route {
	prefix = strings.TrimSuffix(prefix, "/")
	all := &Route{}
	if h == nil {
		g.app.report(fmt.Errorf("httpfw: %s: the http.Handler is nil", g.prefix+prefix))
		return all
	}
	handler := FromHTTP(h)
	for _, method := range standardMethods {
		if prefix != "" {
			all.routes = append(all.routes, g.mount(method, prefix, h, handler, m))
		}
		all.routes = append(all.routes, g.mount(method, prefix+"/*path", h, handler, m))
	}
	return all
}

// mount adds a route that is known by h, not by what FromHTTP made of it.
func (g *Group) mount(method, pattern string, h http.Handler, handler Handler, m []Middleware) *route {
	r := g.handle(method, pattern, handler, m)
	if f, ok := h.(http.HandlerFunc); ok {
		r.site = fiber.NewSite(method+" "+r.pattern, f)
	} else {
		r.site = fiber.NewSite(method+" "+r.pattern, h.ServeHTTP)
	}
	return r
}

// FromHTTP makes a Handler of an http.Handler. Everything that net/http offers to
// handlers works: use of the ResponseWriter from any goroutine, Flush, Hijack, 1xx
// replies, trailers, http.ResponseController. The handler runs on a goroutine of its
// own, beside the loop: a request costs that goroutine and its hand-overs with the
// fiber (see exchange), as long as it lasts. Under net/http it costs nothing.
//
// Unlike in net/http the body can be read after the reply has begun, up to
// Config.BodyBytesMax; Date, Transfer-Encoding and Keep-Alive are Heddle's to set; the
// context has http.LocalAddrContextKey, but no http.ServerContextKey, as there is no http.Server; and
// when the client has gone or closed its side, calls that would have to wait for it
// fail, besides the end of the request's context.
func FromHTTP(h http.Handler) Handler {
	return func(c *Ctx) error {
		if c.reply.begun {
			return ErrReplied
		}
		if c.under != nil {
			c.under.pass(c, h)
			return nil
		}
		r, err := c.httpRequest()
		if err != nil {
			return err
		}
		x := &exchange{c: c}
		w := newResponseWriter(x, r)
		if c.body != nil && !c.body.done() {
			r.Body = &exchangeBody{x, r}
		}
		go x.run(h, w, r)
		x.serve()
		if x.panicked != nil {
			return x.crashed(r)
		}
		return w.finish(c)
	}
}

// crashed does what a panic on the handler's goroutine asks for.
func (x *exchange) crashed(r *http.Request) error {
	e, ok := x.panicked.(*fiber.PanicError)
	if !ok || e.Value == http.ErrAbortHandler {
		return ErrAbort
	}
	x.c.app.log.Error("httpfw: panic in an http.Handler", "method", r.Method, "path", r.URL.Path,
		"value", e.Value, "stack", string(e.Stack))
	panic(e.Value)
}

func stack() []byte { return debug.Stack() }

// httpRequest makes an http.Request of c's, all copies. The body is empty. User mode.
func (c *Ctx) httpRequest() (*http.Request, error) {
	target := string(c.req.Target)
	raw := target
	authority := c.req.Form == http1.AuthorityForm
	if authority {
		raw = "http://" + target
	}
	u, err := url.ParseRequestURI(raw)
	if err != nil {
		return nil, &HTTPError{Status: http.StatusBadRequest, Message: "malformed request target", Err: err}
	}
	if authority {
		u.Scheme = ""
	}
	r := &http.Request{
		Method:        c.Method(),
		URL:           u,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    int(c.req.Minor),
		Header:        make(http.Header, len(c.req.Fields)),
		Host:          string(c.req.Host),
		RequestURI:    target,
		Body:          http.NoBody,
		ContentLength: max(c.req.ContentLength, 0),
		Close:         !c.req.KeepAlive,
	}
	if c.req.Minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	if c.req.Chunked {
		r.ContentLength = -1
		r.TransferEncoding = []string{"chunked"}
	}
	for i := range c.req.Fields {
		name := textproto.CanonicalMIMEHeaderKey(string(c.req.Fields[i].Name))
		value := string(c.req.Fields[i].Value)
		switch {
		case name == "Host" || name == "Transfer-Encoding":
		case name == "Trailer" && c.req.Chunked:
			r.Trailer = announced(r.Trailer, value)
		default:
			r.Header[name] = append(r.Header[name], value)
		}
	}
	local, remote := c.addrs()
	if remote != nil {
		r.RemoteAddr = remote.String()
	}
	return r.WithContext(context.WithValue(c.Context(), http.LocalAddrContextKey, local)), nil
}

// addrs returns both addresses of the connection. User mode.
func (c *Ctx) addrs() (local, remote net.Addr) {
	c.fiber.Enter()
	defer c.fiber.Leave()
	return c.conn.nc.LocalAddr(), c.conn.nc.RemoteAddr()
}

// announced adds the names in the value of a Trailer field to t.
func announced(t http.Header, value string) http.Header {
	for name := range strings.SplitSeq(value, ",") {
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		switch name {
		case "", "Transfer-Encoding", "Trailer", "Content-Length":
			continue
		}
		if t == nil {
			t = http.Header{}
		}
		t[name] = nil
	}
	return t
}
