package httpfw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/valyala/bytebufferpool"
)

// The content of a reply: whole, by one call that says its type, or written bit by bit. User
// mode.

// streamBytes is how much of a written body is kept before the reply begins.
const streamBytes = 16 << 10

// whole checks what a whole reply needs and forgets an earlier body.
func (c *Ctx) whole(status int, kind string) error {
	if err := c.SetStatus(status); err != nil {
		return err
	}
	r := &c.reply
	if r.buf != nil {
		bytebufferpool.Put(r.buf)
		r.buf = nil
	}
	r.text, r.data, r.length, r.broken = "", nil, -1, false
	if kind != "" {
		r.kind = kind
	}
	return nil
}

// Text replies with a string as text/plain. Like every reply that is given whole it is sent
// after the handler has returned, and the last one given counts. Errors: ErrReplied once
// the reply has begun (Flush, or 16 KiB by Write), ErrHijacked, or a status not from 200 to
// 599.
func (c *Ctx) Text(status int, s string) error {
	if err := c.whole(status, "text/plain; charset=utf-8"); err != nil {
		return err
	}
	c.reply.text = s
	return nil
}

// HTML replies with a string as text/html, otherwise like Text.
func (c *Ctx) HTML(status int, s string) error {
	if err := c.whole(status, "text/html; charset=utf-8"); err != nil {
		return err
	}
	c.reply.text = s
	return nil
}

// Bytes replies with b, otherwise like Text. It is sent after the handler has returned,
// so it must not change any more. b may be bytes that c, or netpoll's View.Receive, lent:
// then it is copied.
func (c *Ctx) Bytes(status int, contentType string, b []byte) error {
	if !http1.ValidFieldValue(contentType) {
		return fmt.Errorf("httpfw: %q is no Content-Type", contentType)
	}
	if err := c.whole(status, contentType); err != nil {
		return err
	}
	if c.conn != nil && c.conn.nc.Lent(b) {
		b = bytes.Clone(b)
	}
	c.reply.data = b
	return nil
}

// JSON replies with v encoded as JSON, otherwise like Text. If it cannot be encoded
// nothing is sent and the error is returned.
func (c *Ctx) JSON(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("httpfw: reply: %w", err)
	}
	return c.Bytes(status, "application/json", append(b, '\n'))
}

// NoContent replies without a body.
func (c *Ctx) NoContent(status int) error { return c.whole(status, "") }

// Redirect sends the client to another URL. status must be 301, 302, 303, 307 or 308.
func (c *Ctx) Redirect(status int, url string) error {
	switch status {
	case 301, 302, 303, 307, 308:
	default:
		return fmt.Errorf("httpfw: %d is no status for a redirect", status)
	}
	if err := c.whole(status, ""); err != nil {
		return err
	}
	return c.SetHeader("Location", url)
}

// Stream replies with what r yields, at the reader's pace and without ever holding all
// of it. A Content-Length that was set is announced, and then r must yield that many bytes. A
// HEAD reads r only as far as it takes to know the head. An error of r cuts the connection,
// since the reply has begun. r is read on the loop: one that may block for long, such as a file on a
// slow disk, should read in Block.
func (c *Ctx) Stream(status int, contentType string, r io.Reader) error {
	if !http1.ValidFieldValue(contentType) {
		return fmt.Errorf("httpfw: %q is no Content-Type", contentType)
	}
	length := c.reply.length
	if err := c.whole(status, contentType); err != nil {
		return err
	}
	c.reply.length = length
	if length >= 0 && c.isHead() {
		return nil
	}
	buf := bytebufferpool.Get()
	defer bytebufferpool.Put(buf)
	if cap(buf.B) < streamBytes {
		buf.B = make([]byte, streamBytes)
	}
	b := buf.B[:cap(buf.B)]
	for {
		n, err := r.Read(b)
		if n > 0 {
			if _, werr := c.Write(b[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("httpfw: stream: %w", err)
		}
		if c.reply.begun && c.isHead() {
			return nil
		}
	}
}

// WriteString is Write for a string.
func (c *Ctx) WriteString(s string) (int, error) { return c.Write([]byte(s)) }

// Write adds to the body of the reply. Up to 16 KiB are kept, so that a short reply is
// sent whole, with its length, when the handler returns; then the reply begins and
// Write waits for the reader as net.Conn's would. n is less than len(p) only with an
// error: the client has gone, the request was canceled, or more was written than
// Content-Length announced. p may be bytes that netpoll's View.Receive lent.
func (c *Ctx) Write(p []byte) (int, error) {
	r := &c.reply
	if r.hijack {
		return 0, ErrHijacked
	}
	if r.text != "" || r.data != nil {
		return 0, ErrReplied
	}
	if !r.begun && r.length < 0 {
		if r.buf == nil {
			r.buf = bytebufferpool.Get()
		}
		if len(r.buf.B)+len(p) <= streamBytes {
			return r.buf.Write(p)
		}
	}
	return c.stream(p)
}

// Flush sends what was written so far; the reply begins. It waits while the client
// owes reading more than the high-water mark.
func (c *Ctx) Flush() error {
	if c.reply.hijack {
		return ErrHijacked
	}
	_, err := c.stream(nil)
	return err
}
