package httpfw

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// adapter is what an App needs to be an http.Handler: a runtime for its fibers, made
// when the first request comes.
type adapter struct {
	mu     sync.Mutex
	rt     *fiber.Runtime // under mu
	err    error          // why there is none; under mu
	closed bool           // under mu
}

// ServeHTTP makes an App an http.Handler, so that it can live inside a server of
// net/http, and Heddle can be tried route by route. Handlers find everything they know:
// their fiber runs on the goroutine of net/http, beside a loop, so it costs what
// net/http costs and each wait on a fiber primitive two hand-overs between goroutines
// more. What concerns the connection is net/http's business: limits on heads, timeouts,
// keep-alive. Config.BodyBytesMax holds, Route.KeepRunning has no effect.
//
// The first call makes a runtime from Config.Fiber for the fibers; Close ends it.
// ServeHTTP panics if mistakes were made when the App was set up.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rt, err := a.adopter()
	if err == nil {
		u := &under{w: w, r: r, control: http.NewResponseController(w)}
		err = rt.Adopt(func(f *fiber.Fiber) {
			f.WithContext(r.Context(), func() error { u.serve(a, f); return nil })
		})
		if u.abort {
			panic(http.ErrAbortHandler)
		}
	}
	if err != nil {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	}
}

// adopter returns the runtime for ServeHTTP.
func (a *App) adopter() (*fiber.Runtime, error) {
	if err := a.seal(); err != nil {
		panic(err)
	}
	d := &a.adapter
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, fiber.ErrClosed
	}
	if d.rt == nil && d.err == nil {
		fc := a.config.Fiber
		if fc.NewPoller == nil {
			fc.NewPoller = netpoll.NewEngine // handlers may dial
		}
		if fc.Logger == nil {
			fc.Logger = a.log
		}
		if d.rt, d.err = fiber.New(fc); d.err != nil {
			a.log.Error("httpfw: no runtime for ServeHTTP", "err", d.err)
		} else {
			d.rt.Start()
		}
	}
	return d.rt, d.err
}

// Close ends what ServeHTTP has started: handlers that still run are canceled with
// fiber.ErrClosed, and later requests get 503. It waits for the handlers until ctx
// ends. It does nothing to servers of Start, Run and NewServer. Any goroutine may call
// it.
func (a *App) Close(ctx context.Context) error {
	a.adapter.mu.Lock()
	a.adapter.closed = true
	rt := a.adapter.rt
	a.adapter.mu.Unlock()
	if rt == nil {
		return nil
	}
	return rt.Close(ctx)
}

// under is the exchange of net/http that a Ctx stands on. The fiber only.
type under struct {
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	read    int64 // bytes of the body
	passed  bool  // an http.Handler has made the reply
	abort   bool  // the connection is to be cut
}

// serve answers the request in u.
func (u *under) serve(a *App, f *fiber.Fiber) {
	c := &Ctx{app: a, work: &work{}, under: u, fiber: f}
	c.reply.reset()
	if err := u.request(c); err != nil {
		c.route = a.badPath
		c.fail(err)
	} else {
		c.route = a.route(c)
		u.call(c)
	}
	u.complete(c)
}

// call runs the handler. After a panic the client gets an error reply, as on a
// connection of Heddle's.
func (u *under) call(c *Ctx) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler || c.reply.hijack {
			panic(v)
		}
		c.app.log.Error("httpfw: panic in a handler", "route", c.Route(), "value", fmt.Sprint(v), "stack", string(stack()))
		if c.reply.begun {
			c.reply.broken = true
			return
		}
		c.reply.reset()
		c.reply.close = true
		c.Text(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError)+"\n")
	}()
	if err := c.route.handler(c); err != nil {
		c.fail(err)
	}
}

// head sends the head of the reply; size is the length of the body, -1 if unknown.
func (u *under) head(c *Ctx, size int64) {
	r := &c.reply
	h := u.w.Header()
	for _, f := range r.fields {
		h.Del(f.name)
	}
	c.eachField(h.Add)
	if r.kind == "" {
		h["Content-Type"] = nil // no guessing
	}
	if size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(size, 10))
	}
	if r.close {
		h.Set("Connection", "close")
	}
	u.name(c, h)
	u.w.WriteHeader(c.Status())
}

// name sets the Server field.
func (u *under) name(c *Ctx, h http.Header) {
	if name := c.app.config.ServerName; name != "" && h.Get("Server") == "" {
		h.Set("Server", name)
	}
}

// stream is Ctx.stream.
func (u *under) stream(c *Ctx, p []byte) (int, error) {
	r := &c.reply
	cause := c.fiber.Err()
	if cause != nil && u.r.Context().Err() == nil {
		r.broken = true
		return 0, cause
	}
	if !r.begun {
		r.begun = true
		r.noBody = c.isHead() || !bodyAllowed(c.Status())
		u.head(c, r.length)
	}
	// A client that has only closed its side is told what it takes, as in sendBody: net/http
	// has ended the request's context, and its Write knows whether anybody reads.
	if cause != nil && r.noBody {
		r.broken = true
		return 0, cause
	}
	parts := [...][]byte{nil, []byte(r.text), r.data, p}
	if r.buf != nil {
		parts[0] = r.buf.B
		defer putBuffer(r.buf)
		r.buf = nil
	}
	r.text, r.data = "", nil
	for _, part := range parts {
		if r.length >= 0 && r.sent+int64(len(part)) > r.length {
			r.broken = true
			return 0, fmt.Errorf("httpfw: more was written than the Content-Length of %d", r.length)
		}
		r.sent += int64(len(part))
		if r.noBody || len(part) == 0 {
			continue
		}
		if _, err := u.w.Write(part); err != nil {
			r.broken = true
			return 0, fmt.Errorf("%w: %w", ErrClientGone, err)
		}
	}
	if err := u.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		r.broken = true
		return 0, fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	return len(p), nil
}

// complete finishes the reply.
func (u *under) complete(c *Ctx) {
	r := &c.reply
	switch {
	case r.hijack || u.passed:
		return
	case r.broken:
		u.abort = true
		return
	case r.begun:
		u.abort = !r.noBody && r.length >= 0 && r.sent != r.length
		return
	}
	body := r.data
	if r.buf != nil {
		body = r.buf.B
	}
	size := int64(len(r.text) + len(body))
	allowed := bodyAllowed(c.Status())
	if r.length >= 0 && r.length != size && !c.isHead() && allowed {
		u.abort = true
		return
	}
	if c.isHead() {
		size = max(size, r.length)
	}
	if !allowed {
		size = -1
	}
	u.head(c, size)
	if !c.isHead() && allowed {
		io.WriteString(u.w, r.text)
		u.w.Write(body)
	}
	r.reset()
}

// hijack is Ctx.HijackConn.
func (u *under) hijack(c *Ctx) (net.Conn, error) {
	switch {
	case c.reply.hijack:
		return nil, ErrHijacked
	case c.reply.begun:
		return nil, ErrReplied
	}
	conn, rw, err := u.control.Hijack()
	if err != nil {
		return nil, fmt.Errorf("httpfw: hijack: %w", err)
	}
	c.reply.hijack = true
	n := rw.Reader.Buffered()
	if n == 0 {
		return conn, nil
	}
	early, _ := rw.Reader.Peek(n)
	return &earlyConn{Conn: conn, r: bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn))}, nil
}

// An earlyConn is a connection some of whose bytes net/http has read already.
type earlyConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *earlyConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// pass hands the exchange to an http.Handler, which needs no adapter here.
func (u *under) pass(c *Ctx, h http.Handler) {
	c.eachField(u.w.Header().Add)
	u.name(c, u.w.Header())
	c.reply.begun, u.passed = true, true
	h.ServeHTTP(u.w, u.r.WithContext(c.Context()))
}
