package httpfw

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"github.com/heddle-go/heddle/codec/http1"
)

// This file is a request of net/http as a Ctx shows it.

// request fills in c.req from u.r, as if the request had come over a connection.
func (u *under) request(c *Ctx) error {
	r, q := u.r, &c.req
	var b []byte
	b, err := http1.AppendRequestLine(b, r.Method, target(r))
	if err != nil {
		return err
	}
	if r.Host != "" || r.ProtoAtLeast(1, 1) {
		b = http1.AppendField(b, "Host", r.Host)
	}
	switch {
	case len(r.TransferEncoding) > 0 || r.ContentLength < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case r.ContentLength > 0:
		b = http1.AppendContentLength(b, r.ContentLength)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect":
			continue // in b, or net/http's business
		}
		for _, v := range r.Header[name] {
			b = http1.AppendField(b, name, clean(v))
		}
	}
	b = append(b, "\r\n"...)
	// Heads are net/http's to limit.
	n, err := q.Parse(b, &http1.Limits{TargetBytesMax: len(b), HeaderBytesMax: len(b) + 1, HeaderCountMax: len(b)})
	if err != nil {
		return err
	}
	if n != len(b) {
		return Error(http.StatusBadRequest, "")
	}
	if !r.ProtoAtLeast(1, 1) {
		q.Minor = 0
	}
	c.head = b
	if c.startBody(c.app.config.limits().body) {
		c.body.expect = false
	}
	return nil
}

// target returns the target of a request whose URL middleware may have changed.
func target(r *http.Request) string {
	switch {
	case r.Method == http.MethodConnect && r.URL.Path == "":
		return r.URL.Host
	case r.RequestURI != "" && r.RequestURI == r.URL.String():
		return r.RequestURI
	case r.URL.Path == "*":
		return "*"
	}
	path := r.URL.EscapedPath()
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		path += "?" + r.URL.RawQuery
	}
	return path
}

// remoteAddr returns the client's address: that of net/http, whatever middleware has
// written there.
func (u *under) remoteAddr() net.Addr {
	if ap, err := netip.ParseAddrPort(u.r.RemoteAddr); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return namedAddr(u.r.RemoteAddr)
}

// namedAddr is an address that is only a name.
type namedAddr string

func (namedAddr) Network() string  { return "http" }
func (a namedAddr) String() string { return string(a) }

// readBody reads from the body of net/http, within c's limit.
func (u *under) readBody(c *Ctx, p []byte) (int, error) {
	b := c.body
	switch {
	case b == nil:
		return 0, b.end(len(p))
	case b.err != nil || len(p) == 0:
		return 0, b.end(len(p))
	}
	if u.read+max(u.r.ContentLength-u.read, 0) > b.max {
		b.err = ErrBodyTooLarge
		return 0, b.err
	}
	n, err := u.r.Body.Read(p)
	u.read += int64(n)
	if u.read > b.max {
		n, err = 0, ErrBodyTooLarge
	}
	if err != nil {
		b.err = c.underBodyError(err)
		if n > 0 && err == io.EOF {
			return n, nil
		}
	}
	return n, b.err
}

// underBodyError gives an error of net/http's body its meaning.
func (c *Ctx) underBodyError(err error) error {
	var large *http.MaxBytesError
	var timeout net.Error
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF || err == ErrBodyTooLarge:
		return err
	case c.fiber.Err() != nil:
		return c.fiber.Err()
	case errors.As(err, &large):
		return fmt.Errorf("%w: %w", ErrBodyTooLarge, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrBodyTimeout
	}
	return &HTTPError{Status: http.StatusBadRequest, Message: "malformed body", Err: err}
}
