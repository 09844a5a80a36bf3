package middleware

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// CORSConfig says which pages of other origins may read replies. The zero value lets
// all of them, without credentials: right for an API that is open to the world.
type CORSConfig struct {
	// Origins are the origins allowed, such as "https://example.com" or "null", or
	// "*" for all. Default: all, unless AllowOrigin is set.
	Origins []string
	// AllowOrigin decides about origins that are not in Origins. It may wait, as a
	// handler may.
	AllowOrigin func(c *httpfw.Ctx, origin string) bool
	// Methods are those a page may use beyond GET, HEAD and POST, which it always may.
	// Default: GET, HEAD, POST, PUT, PATCH, DELETE.
	Methods []string
	// Headers are the request fields a page may set beyond the harmless ones. Default:
	// whatever it asks for.
	Headers []string
	// ExposeHeaders are the fields of a reply a page may read beyond the harmless ones.
	ExposeHeaders []string
	// Credentials allows requests with cookies and the like. It needs Origins without
	// "*", or AllowOrigin: with all origins any page could act as its visitor.
	Credentials bool
	// MaxAge is how long a browser may remember a preflight, in whole seconds. Default:
	// the browser's choice (5 s); negative: not at all.
	MaxAge time.Duration
	// PrivateNetwork allows pages of public origins to reach this server in a private
	// network (Private Network Access).
	PrivateNetwork bool
}

// CORS answers preflights with 204 and marks replies, per the Fetch standard. Use it
// with App.Use: a preflight names a route by OPTIONS, which the middleware of a group
// does not see. It hides replies from pages; it does not keep requests from handlers.
func CORS(config CORSConfig) httpfw.Middleware {
	p := newCORSPolicy(config)
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			origin := c.Header("Origin")
			if origin != "" && c.Method() == http.MethodOptions && c.Header("Access-Control-Request-Method") != "" {
				return p.preflight(c, origin)
			}
			p.mark(c, origin)
			if p.expose != "" && c.ReplyHeader(allowOrigin) != "" {
				c.SetHeader("Access-Control-Expose-Headers", p.expose)
			}
			err := next(c)
			if !p.any && !c.Replied() && !hasToken(c.ReplyHeader("Vary"), "Origin") {
				c.AddHeader("Vary", "Origin") // the handler has set one of its own
			}
			return err
		}
	}
}

const allowOrigin = "Access-Control-Allow-Origin"

// corsPolicy is a CORSConfig in the form of fields. Immutable.
type corsPolicy struct {
	any             bool // every origin, so that replies do not depend on it
	origins         []string
	allow           func(c *httpfw.Ctx, origin string) bool
	methods, expose string
	headers, maxAge string
	credentials     bool
	privateNetwork  bool
}

func newCORSPolicy(config CORSConfig) *corsPolicy {
	p := &corsPolicy{
		any:            slices.Contains(config.Origins, "*") || len(config.Origins) == 0 && config.AllowOrigin == nil,
		allow:          config.AllowOrigin,
		origins:        config.Origins,
		methods:        strings.Join(config.Methods, ", "),
		headers:        strings.Join(config.Headers, ", "),
		expose:         strings.Join(config.ExposeHeaders, ", "),
		credentials:    config.Credentials,
		privateNetwork: config.PrivateNetwork,
	}
	if p.any && config.Credentials {
		panic("middleware: CORSConfig.Credentials needs Origins without \"*\", or AllowOrigin")
	}
	for _, o := range config.Origins {
		if u, err := url.Parse(o); o != "*" && o != "null" && (err != nil || u.Host == "" || o != strings.ToLower(u.Scheme+"://"+u.Host)) {
			panic("middleware: CORSConfig.Origins: " + strconv.Quote(o) + " is no origin: want scheme://host or scheme://host:port, in small letters")
		}
	}
	if p.methods == "" {
		p.methods = "GET, HEAD, POST, PUT, PATCH, DELETE"
	}
	switch {
	case config.MaxAge < 0:
		p.maxAge = "0"
	case config.MaxAge > 0:
		p.maxAge = strconv.FormatInt(int64(config.MaxAge/time.Second), 10)
	}
	return p
}

// mark allows the origin to read the reply, if it may, and says that the reply depends
// on the origin, if it does. Both also for requests without an origin, or a cache could
// give a page a reply that was not made for it.
func (p *corsPolicy) mark(c *httpfw.Ctx, origin string) (allowed bool) {
	if p.any {
		c.SetHeader(allowOrigin, "*")
		return true
	}
	c.AddHeader("Vary", "Origin")
	if origin == "" || !slices.Contains(p.origins, origin) && (p.allow == nil || !p.allow(c, origin)) {
		return false
	}
	c.SetHeader(allowOrigin, origin)
	if p.credentials {
		c.SetHeader("Access-Control-Allow-Credentials", "true")
	}
	return true
}

// preflight answers the question whether a request would be allowed.
func (p *corsPolicy) preflight(c *httpfw.Ctx, origin string) error {
	if p.mark(c, origin) {
		c.SetHeader("Access-Control-Allow-Methods", p.methods)
		headers := p.headers
		if headers == "" {
			headers = c.Header("Access-Control-Request-Headers")
		}
		if headers != "" {
			c.SetHeader("Access-Control-Allow-Headers", headers)
		}
		if p.maxAge != "" {
			c.SetHeader("Access-Control-Max-Age", p.maxAge)
		}
		if p.privateNetwork && c.Header("Access-Control-Request-Private-Network") == "true" {
			c.SetHeader("Access-Control-Allow-Private-Network", "true")
		}
	}
	c.AddHeader("Vary", "Access-Control-Request-Method")
	c.AddHeader("Vary", "Access-Control-Request-Headers")
	return c.NoContent(http.StatusNoContent)
}

// hasToken reports whether a list has a token, or "*", in any case of letters.
func hasToken(list, token string) bool {
	for t := range strings.SplitSeq(list, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.EqualFold(t, token) {
			return true
		}
	}
	return false
}
