package httpfw

import (
	"fmt"
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
