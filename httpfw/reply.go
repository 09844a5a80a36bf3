package httpfw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/valyala/bytebufferpool"
)

// reply is what the handler wants to send. Until it is begun, everything may still
// change; it begins when the handler flushes, when a stream outgrows its buffer, or
// when the handler has returned.
type reply struct {
	fields []field
	text   string                     // the body, if it is a string
	data   []byte                     // the body, if it is bytes the handler lent
	buf    *bytebufferpool.ByteBuffer // the body, if it was written
	kind   string                     // Content-Type

	length  int64 // announced by SetHeader("Content-Length"), -1 if not
	sent    int64 // body bytes of a begun reply
	status  int16 // 0: not set
	begun   bool  // the head has been sent
	chunked bool
	noBody  bool // HEAD, or a status without body
	close   bool // the connection ends with this reply
	hijack  bool
	broken  bool // it cannot be completed

	trailer *trailer // nil without one
}

// trailer is what follows a chunked body.
type trailer struct{ fields []http1.Field }

// field is a response field.
type field struct{ name, value string }

// streamBytes is how much of a written body is kept before the reply begins.
const streamBytes = 16 << 10

// untouched reports whether nothing of the reply is known yet.
func (r *reply) untouched() bool {
	return r.status == 0 && len(r.fields) == 0 && r.buf == nil && r.length < 0 && r.trailer == nil && r.kind == "" &&
		!r.begun && !r.close && !r.hijack && !r.broken
}

func (r *reply) reset() {
	clear(r.fields)
	buf := r.buf
	if buf != nil {
		bytebufferpool.Put(buf)
	}
	*r = reply{fields: r.fields[:0], length: -1}
}

func putBuffer(b *bytebufferpool.ByteBuffer) { bytebufferpool.Put(b) }

// Status returns the status set so far, 200 if none.
func (c *Ctx) Status() int {
	if c.reply.status == 0 {
		return http.StatusOK
	}
	return int(c.reply.status)
}

// SetStatus sets the status of a reply written by Write. It must be 200 to 599.
func (c *Ctx) SetStatus(status int) error {
	switch {
	case c.reply.hijack:
		return ErrHijacked
	case c.reply.begun:
		return ErrReplied
	}
	if status < 200 || status > 599 {
		return fmt.Errorf("httpfw: status %d is not a final status (200 to 599)", status)
	}
	c.reply.status = int16(status)
	return nil
}

// Replied reports whether the reply has begun: its head can no longer change.
func (c *Ctx) Replied() bool { return c.reply.begun }

// SetHeader sets a field of the reply, in place of all of that name. It fails if the
// reply has begun, if name is no token or value has bytes that no field may have (CR,
// LF, NUL). Content-Length, if set, must be what is then written. Fields that frame
// the message or belong to the connection (Transfer-Encoding, Connection but for
// "close", Date) are the framework's and refused.
func (c *Ctx) SetHeader(name, value string) error {
	return c.setField(name, value, true)
}

// AddHeader is SetHeader that keeps other fields of that name.
func (c *Ctx) AddHeader(name, value string) error {
	return c.setField(name, value, false)
}

func (c *Ctx) setField(name, value string, replace bool) error {
	r := &c.reply
	if r.begun {
		return ErrReplied
	}
	if !http1.ValidFieldName(name) {
		return fmt.Errorf("httpfw: %q is no field name", name)
	}
	if !http1.ValidFieldValue(value) {
		return fmt.Errorf("httpfw: the value of %s has a byte that no field may have, or blanks around it: %q", name, value)
	}
	switch framing(name) {
	case fieldKind:
		r.kind = value
		return nil
	case fieldLength:
		n, err := parseLength(value)
		if err != nil {
			return err
		}
		r.length = n
		return nil
	case fieldConnection:
		if strings.EqualFold(value, "close") {
			r.close = true
			return nil
		}
		return fmt.Errorf("httpfw: Connection: %s is not the handler's to set", value)
	case fieldFraming:
		return fmt.Errorf("httpfw: %s is the framework's to set", name)
	}
	if replace {
		kept := r.fields[:0]
		for _, f := range r.fields {
			if !strings.EqualFold(f.name, name) {
				kept = append(kept, f)
			}
		}
		clear(r.fields[len(kept):])
		r.fields = kept
	}
	r.fields = append(r.fields, field{name, value})
	return nil
}

// DelHeader removes all fields of that name from the reply.
func (c *Ctx) DelHeader(name string) {
	if c.reply.begun {
		return
	}
	switch framing(name) {
	case fieldKind:
		c.reply.kind = ""
	case fieldLength:
		c.reply.length = -1
	}
	kept := c.reply.fields[:0]
	for _, f := range c.reply.fields {
		if !strings.EqualFold(f.name, name) {
			kept = append(kept, f)
		}
	}
	clear(c.reply.fields[len(kept):])
	c.reply.fields = kept
}

// ReplyHeader returns the first value set for a field of the reply.
func (c *Ctx) ReplyHeader(name string) string {
	if framing(name) == fieldKind {
		return c.reply.kind
	}
	for _, f := range c.reply.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

type fieldClass uint8

const (
	fieldPlain fieldClass = iota
	fieldKind
	fieldLength
	fieldConnection
	fieldFraming
)

// framing tells the fields that the framework handles itself.
func framing(name string) fieldClass {
	switch len(name) {
	case len("Date"):
		if strings.EqualFold(name, "Date") {
			return fieldFraming
		}
	case len("Connection"): // and of Keep-Alive
		if strings.EqualFold(name, "Connection") {
			return fieldConnection
		}
		if strings.EqualFold(name, "Keep-Alive") {
			return fieldFraming
		}
	case len("Content-Type"):
		if strings.EqualFold(name, "Content-Type") {
			return fieldKind
		}
	case len("Content-Length"):
		if strings.EqualFold(name, "Content-Length") {
			return fieldLength
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(name, "Transfer-Encoding") {
			return fieldFraming
		}
	}
	return fieldPlain
}

func parseLength(s string) (int64, error) {
	var n int64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 || n > (1<<62)/10 {
			return 0, fmt.Errorf("httpfw: Content-Length %q is no length", s)
		}
		n = n*10 + int64(d)
	}
	if s == "" {
		return 0, fmt.Errorf("httpfw: Content-Length is empty")
	}
	return n, nil
}

// SetCookie adds a Set-Cookie field. An invalid cookie is an error.
func (c *Ctx) SetCookie(k *http.Cookie) error {
	if err := k.Valid(); err != nil {
		return fmt.Errorf("httpfw: cookie %q: %w", k.Name, err)
	}
	return c.AddHeader("Set-Cookie", k.String())
}

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
