package httpfw

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
)

// A Ctx is one request and its reply, as the handler sees them. Only the handler's
// own fiber may use it, and not after the handler has returned. What its methods
// return as a string is a copy and may be kept; what they return as []byte is borrowed
// until the handler's next wait.
type Ctx struct {
	app   *App
	conn  *conn  // nil under net/http
	under *under // the net/http exchange; nil on a connection of Heddle's
	fiber *fiber.Fiber
	route *route

	*work // nil while a compiled handler waits that can do without, see rest

	head    []byte // the request's head, if it was moved to memory of its own
	headLen int32  // bytes of the head that the connection still lends, 0 if moved
	moved   bool   // the request points to other memory than the loop's buffer
	kept    bool   // somebody else may hold on to it: not to be reused; set when the handler has returned
	params  routeParams
	miss    *miss // why no route answers
	values  []value
	body    *body // nil without a body
}

// work is the larger part of a Ctx: what can be made anew from the request's head as long
// as the handler has said nothing about its reply.
type work struct {
	req   http1.Request // with the path in normal form
	chars chars
	reply reply
}

// miss is what the router said about a request that no route answers.
type miss struct {
	outcome routeOutcome
	err     error // what is wrong with the path
}

// value is what a middleware leaves for a handler.
type value struct{ key, value any }

// headKeptMax bounds the memory for a head that a spare Ctx keeps.
const headKeptMax = 2 << 10

// reset makes c ready for another request; memory is kept, references are not.
func (c *Ctx) reset() {
	c.conn, c.under, c.fiber, c.route = nil, nil, nil, nil
	c.headLen = 0
	if c.moved {
		c.req.Reset() // or a spare Ctx would keep that memory
		c.moved = false
	}
	if cap(c.head) > headKeptMax {
		c.head = nil
	}
	c.params.pattern = nil // a path that is refused is looked up nowhere, and has none
	c.miss = nil
	if len(c.values) > 0 {
		clear(c.values)
		c.values = c.values[:0]
	}
	if c.body != nil {
		c.body.reset()
	}
	c.reply.reset()
}

// Method returns the method as it was sent.
func (c *Ctx) Method() string {
	if c.req.Method != http1.MethodOther {
		return c.req.Method.String()
	}
	return c.chars.of(c.req.MethodBytes)
}

// Path returns the path of the request in normal form: escapes decoded where that
// changes nothing, dot segments resolved. "%2F" and "%25" stay as they are.
func (c *Ctx) Path() string { return c.chars.of(c.req.Path) }

// Target returns the request target as it was sent: path and query, host:port of a CONNECT,
// "*" of an OPTIONS, or a whole URL, which clients send to a proxy. Routes see its path only.
func (c *Ctx) Target() string { return c.chars.of(c.req.Target) }

// Route returns the pattern of the route that answers. Where none does it is a word for
// the framework's own reply: "404", "405", "OPTIONS", "trailing slash" or "bad path".
func (c *Ctx) Route() string {
	if c.route == nil {
		return ""
	}
	return c.route.pattern
}

// Param returns the value of a parameter of the route, decoded, "" if it has none of
// that name.
func (c *Ctx) Param(name string) string {
	v, ok := c.params.get(c.req.Path, name)
	if !ok {
		return ""
	}
	return c.decode(v, false)
}

// Query returns the first value of a key in the query, decoded, "" if there is none.
// A value with a broken escape is returned as it was sent.
func (c *Ctx) Query(name string) string {
	v, _ := c.LookupQuery(name)
	return v
}

// LookupQuery is Query for those who must tell an empty value from none.
func (c *Ctx) LookupQuery(name string) (v string, ok bool) {
	if len(c.req.RawQuery) == 0 {
		return "", false
	}
	for key, val := range pairs(c.req.RawQuery) {
		if c.sameKey(key, name) {
			return c.decode(val, true), true
		}
	}
	return "", false
}

// QueryValues returns all values of a key in the query, in order.
func (c *Ctx) QueryValues(name string) []string {
	var list []string
	for key, val := range pairs(c.req.RawQuery) {
		if c.sameKey(key, name) {
			list = append(list, c.decode(val, true))
		}
	}
	return list
}

// RawQuery returns the query as it was sent, borrowed.
func (c *Ctx) RawQuery() []byte { return c.req.RawQuery }

// pairs adapts EachPair to range.
func pairs(query []byte) func(yield func(k, v []byte) bool) {
	return func(yield func(k, v []byte) bool) { http1.EachPair(query, yield) }
}

// sameKey compares an encoded key with a name.
func (c *Ctx) sameKey(key []byte, name string) bool {
	if string(key) == name {
		return true
	}
	var buf [64]byte
	k, err := http1.AppendUnescape(buf[:0], key, true)
	return err == nil && string(k) == name
}

// decode returns an escaped value as a string.
func (c *Ctx) decode(v []byte, plusIsSpace bool) string {
	for _, b := range v {
		if b == '%' || b == '+' {
			var buf [128]byte
			if d, err := http1.AppendUnescape(buf[:0], v, plusIsSpace); err == nil {
				return c.chars.of(d)
			}
			break
		}
	}
	return c.chars.of(v)
}

// Header returns the value of the first request field of that name, in any case of
// letters, "" if there is none.
func (c *Ctx) Header(name string) string { return c.chars.of(c.req.Field(name)) }

// LookupHeader is Header for those who must tell an empty field from none.
func (c *Ctx) LookupHeader(name string) (string, bool) {
	v, ok := c.req.Lookup(name)
	return c.chars.of(v), ok
}

// EachHeader calls yield for every request field, in order, until it returns false.
// Both are borrowed.
func (c *Ctx) EachHeader(yield func(name, value []byte) bool) {
	for i := range c.req.Fields {
		if f := &c.req.Fields[i]; !yield(f.Name, f.Value) {
			return
		}
	}
}

// Host returns the host the client asked for, with its port if it sent one.
func (c *Ctx) Host() string { return c.chars.of(c.req.Host) }

// Cookie returns the value of the first cookie of that name and whether there is one.
func (c *Ctx) Cookie(name string) (v string, ok bool) {
	for i := range c.req.Fields {
		f := &c.req.Fields[i]
		if len(f.Name) != len("cookie") || !equalFold(f.Name, "cookie") {
			continue
		}
		http1.EachCookie(f.Value, func(n, val []byte) bool {
			if string(n) == name {
				v, ok = c.chars.of(val), true
			}
			return !ok
		})
		if ok {
			break
		}
	}
	return v, ok
}

// equalFold compares a field name with a lower-case one.
func equalFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, b := range name {
		if b|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// RemoteAddr returns the address of the client.
func (c *Ctx) RemoteAddr() net.Addr {
	if c.under != nil {
		return c.under.remoteAddr()
	}
	c.fiber.Enter()
	defer c.fiber.Leave()
	return c.conn.nc.RemoteAddr()
}

// allow is the value of Allow for a request that no route answers.
func (c *Ctx) allow() string {
	var buf [128]byte
	return string(c.app.router.appendAllow(buf[:0], c.miss.outcome.allowed))
}

// Fiber returns the fiber the handler runs on, which every fiber primitive asks for.
func (c *Ctx) Fiber() *fiber.Fiber { return c.fiber }

// Sleep waits for d; it holds no thread. It returns the cause at once when the
// request is canceled.
func (c *Ctx) Sleep(d time.Duration) error { return c.fiber.Sleep(d) }

// Block calls fn beside the loop, so that it may block as it likes. It returns the
// cause without calling fn if the request is canceled while it waits for a place. fn
// may use what the handler copied, not c itself nor what c lent.
func (c *Ctx) Block(fn func()) error { return c.fiber.Block(fn) }

// Context returns a context that ends when the request is canceled or its handler has
// returned. It can be handed to any library.
func (c *Ctx) Context() context.Context { return c.fiber.Context() }

// Err returns why the request was canceled, nil if it was not.
func (c *Ctx) Err() error { return c.fiber.Err() }

// Set leaves a value for the handlers inside, by a key that should have a type of its
// own.
func (c *Ctx) Set(key, v any) {
	for i := range c.values {
		if c.values[i].key == key {
			c.values[i].value = v
			return
		}
	}
	c.values = append(c.values, value{key, v})
}

// Get returns the value that was left for a key, nil if there is none.
func (c *Ctx) Get(key any) any {
	for i := range c.values {
		if c.values[i].key == key {
			return c.values[i].value
		}
	}
	return nil
}

// URLScheme returns "http", or "https" under net/http with TLS.
func (c *Ctx) URLScheme() string {
	if c.under != nil && c.under.r.TLS != nil {
		return "https"
	}
	return "http"
}

// isHead reports whether the reply may have no body because the method is HEAD.
func (c *Ctx) isHead() bool { return c.req.Method == http1.HEAD }

// bodyAllowed reports whether a reply of this status has a body (RFC 9110 section
// 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// bodyAllowed is that for the reply to c: behind a 2xx to CONNECT the tunnel begins, and
// there is no body (RFC 9110 section 9.3.6).
func (c *Ctx) bodyAllowed(status int) bool { return bodyAllowed(status) && !c.opensTunnel(status) }

// opensTunnel reports whether a client takes a reply of this status for the start of a
// tunnel.
func (c *Ctx) opensTunnel(status int) bool { return c.isConnect() && status < 300 }

// isConnect reports whether the client may take what it sends behind the request for the
// content of a tunnel. No reply of HTTP's lets the connection outlive that: one side's early
// content would be requests to the other (RFC 9931 section 8).
func (c *Ctx) isConnect() bool { return c.req.Method == http1.CONNECT }
