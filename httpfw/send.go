package httpfw

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// fail makes the reply to a request whose handler returned an error. User mode.
func (c *Ctx) fail(err error) {
	r := &c.reply
	switch {
	case r.hijack:
		return
	case r.begun, errors.Is(err, ErrAbort), errors.Is(err, ErrClientGone):
		// Half a reply must not look whole; and nobody would read an error reply.
		r.broken = true
		if r.begun && !errors.Is(err, ErrClientGone) && !errors.Is(err, ErrAbort) && !c.body.failed(err) {
			c.app.log.Error("httpfw: handler failed in the middle of its reply, which was cut off",
				"method", c.Method(), "path", c.Path(), "err", err)
		}
		return
	}
	if c.body.failed(err) { // the client's doing, and nothing to log
		var broke *netpoll.OpError
		switch {
		case c.body.err == io.ErrUnexpectedEOF:
			err = errBodyCut
		case errors.As(c.body.err, &broke):
			r.broken = true
			return
		}
	}
	var known *HTTPError
	tooLarge := errors.Is(err, ErrBodyTooLarge)
	if tooLarge && c.body != nil && errors.As(err, &known) && known == ErrBodyTooLarge {
		err = &HTTPError{Status: known.Status, Message: fmt.Sprintf("the body is longer than %d bytes", c.body.max), Err: err}
	}
	// What was said about the body that now will not come.
	for _, name := range [...]string{"Content-Encoding", "Etag", "Last-Modified", "Cache-Control", "Content-Range"} {
		c.DelHeader(name)
	}
	c.whole(500, "")
	c.app.config.ErrorHandler(c, err)
	if tooLarge || errors.Is(err, ErrBodyTimeout) {
		r.close = true
	}
}

// complete finishes the reply. It reports false if the client must see that the reply
// is cut. On the baton.
func (c *Ctx) complete() bool {
	r := &c.reply
	if r.broken {
		return false
	}
	if r.begun {
		if r.noBody {
			return true
		}
		if r.chunked {
			out := c.conn.takeOut()
			out.B = http1.AppendLastChunk(out.B, r.trailerFields())
			return true
		}
		if r.length >= 0 && r.sent != r.length {
			c.app.log.Error("httpfw: the handler wrote another number of bytes than its Content-Length announced",
				"path", c.Path(), "announced", r.length, "written", r.sent)
			return false
		}
		if r.length < 0 {
			c.conn.last = true // HTTP/1.0: the end of the connection ends the body
		}
		return true
	}
	body := r.data
	if r.buf != nil {
		body = r.buf.B
	}
	status := c.Status()
	if status == http.StatusResetContent {
		// It is framed like any other, but has no content (RFC 9110 section 15.3.6).
		body, r.text, r.length = nil, "", -1
	}
	size := int64(len(body) + len(r.text))
	allowed := c.bodyAllowed(status)
	if r.length >= 0 && r.length != size && !c.isHead() && allowed {
		c.app.log.Error("httpfw: the handler wrote another number of bytes than its Content-Length announced",
			"path", c.Path(), "announced", r.length, "written", size)
		return false
	}
	if c.isHead() && r.length > size {
		size = r.length
	}
	if !allowed {
		size = -1
	}
	c.appendHead(status, size, false)
	if c.isHead() || !allowed {
		return true
	}
	if size <= outBytes {
		out := c.conn.takeOut()
		out.B = append(append(out.B, r.text...), body...)
		return true
	}
	if r.text != "" {
		body = bytesOf(r.text)
	}
	if c.conn.nc.Kept(body) {
		body = bytes.Clone(body) // part of the request's head, which is given back before all of it is sent
	}
	c.conn.flush()
	return c.conn.sendRest(body) == nil
}

// appendHead appends the head of the reply to what is to be sent. size is the length
// of the body, -1 if there is none to announce. On the baton.
func (c *Ctx) appendHead(status int, size int64, chunked bool) {
	r := &c.reply
	k := c.conn
	out := k.takeOut()
	b := out.B
	if status == 200 && c.req.Minor == 1 {
		b = append(b, k.shard.okLine()...)
	} else {
		// A server answers with its own version (RFC 9110 section 2.5).
		b = http1.AppendStatusLine(b, 1, status)
		b = append(b, k.shard.fields()...)
	}
	if r.kind != "" {
		b = append(append(append(b, "Content-Type: "...), r.kind...), "\r\n"...)
	}
	for i := range r.fields {
		f := &r.fields[i]
		b = append(append(append(append(b, f.name...), ": "...), f.value...), "\r\n"...)
	}
	switch {
	case chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case size >= 0:
		b = http1.AppendContentLength(b, size)
	}
	if k.last {
		b = append(b, "Connection: close\r\n"...)
	} else if c.req.Minor == 0 {
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	out.B = append(b, "\r\n"...)
}

// stream begins the reply if it has not begun, and sends p and what was kept before
// it, waiting while the client owes reading too much. User mode.
func (c *Ctx) stream(p []byte) (int, error) {
	if c.under != nil {
		return c.under.stream(c, p)
	}
	c.fiber.Enter()
	n, err := c.sendBody(p)
	if err != nil {
		c.reply.broken = true // without p it must not look whole
	}
	c.fiber.Leave()
	return n, err
}

// sendBody is stream on the baton.
func (c *Ctx) sendBody(p []byte) (int, error) {
	r, k := &c.reply, c.conn
	if err := k.nc.Err(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	cause := c.fiber.Err()
	if cause != nil && !errors.Is(cause, ErrClientGone) {
		return 0, cause
	}
	if !r.begun {
		if r.length >= 0 && c.pending(len(p)) > r.length {
			return 0, fmt.Errorf("httpfw: more was written than the Content-Length of %d", r.length)
		}
		c.begin()
	}
	if cause != nil && r.noBody {
		return 0, cause // nothing is sent that would show whether the client takes it
	}
	if k.out != nil && int64(len(k.out.B))+c.pending(len(p)) > outBytes/2 || len(p) > outBytes/2 {
		k.nc.KeepLent(p) // something may be sent, and waited for, before all of p is copied
	}
	// A client that has only closed its side is told what it takes without a wait.
	kept := r.buf
	r.buf = nil
	if kept != nil {
		defer putBuffer(kept)
		if err := c.sendPart(kept.B); err != nil {
			return 0, err
		}
	}
	if r.text != "" || r.data != nil {
		whole := append([]byte(r.text), r.data...)
		r.text, r.data = "", nil
		if err := c.sendPart(whole); err != nil {
			return 0, err
		}
	}
	if err := c.sendPart(p); err != nil {
		return 0, err
	}
	if err := k.writeOut(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// pending returns how many bytes of body wait to be sent when n more are written.
func (c *Ctx) pending(n int) int64 {
	r := &c.reply
	n += len(r.text) + len(r.data)
	if r.buf != nil {
		n += len(r.buf.B)
	}
	return int64(n)
}

// begin puts the head of a reply of unknown or announced length in front.
func (c *Ctx) begin() {
	r, k := &c.reply, c.conn
	r.begun = true
	status := c.Status()
	r.noBody = c.isHead() || !c.bodyAllowed(status)
	size := r.length
	switch {
	case status == http.StatusResetContent:
		r.noBody, r.length, size = true, -1, 0 // as in complete
	case !c.bodyAllowed(status):
		size = -1
	}
	if !c.req.KeepAlive || r.close || c.isConnect() || k.shard.srv.draining.Load() || !c.body.done() && c.body.expect {
		k.last = true
	}
	if r.length < 0 && !r.noBody {
		if r.chunked = c.req.Minor >= 1; !r.chunked {
			k.last = true
		}
	}
	c.appendHead(status, size, r.chunked)
}

// sendPart adds p to what is to be sent, framed; a long p is sent in pieces.
func (c *Ctx) sendPart(p []byte) error {
	r, k := &c.reply, c.conn
	if r.length >= 0 && r.sent+int64(len(p)) > r.length {
		return fmt.Errorf("httpfw: more was written than the Content-Length of %d", r.length)
	}
	r.sent += int64(len(p))
	if r.noBody {
		return nil
	}
	for len(p) > 0 {
		n := min(len(p), outBytes)
		out := k.takeOut()
		if r.chunked {
			out.B = http1.AppendChunk(out.B, p[:n])
		} else {
			out.B = append(out.B, p[:n]...)
		}
		p = p[n:]
		if len(out.B) >= outBytes {
			if err := k.writeOut(); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeOut sends what has gathered, waiting while the client owes reading too much.
// On the baton.
func (k *conn) writeOut() error {
	out := k.out
	if out == nil {
		return nil
	}
	k.out = nil // or sendHeld would send it too, during the wait
	err := k.write(out.B)
	k.giveOut(out)
	return err
}

// write sends b, waiting while the client owes reading too much. Replies gathered
// before must have been handed to the connection. On the baton.
func (k *conn) write(b []byte) error {
	n, err := k.nc.TrySend(b)
	if err == nil {
		return nil
	}
	for err == netpoll.ErrWouldBlock || err == fiber.ErrTimeout {
		b = b[n:]
		until, ok := k.owing(n)
		if !ok {
			k.nc.Abort()
			err = fiber.ErrTimeout
			break
		}
		n, err = k.nc.WriteWait(&k.fiber, b, until)
	}
	if err == nil {
		k.paid(n)
		return nil
	}
	if cause := k.fiber.Err(); cause != nil {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrClientGone, err)
}

// trailerFields returns the fields that follow a chunked body.
func (r *reply) trailerFields() []http1.Field {
	if r.trailer == nil {
		return nil
	}
	return r.trailer.fields
}
