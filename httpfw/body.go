package httpfw

import (
	"errors"
	"io"
	"net/http"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// body is how far the body of a request has been read.
type body struct {
	kind   bodyKind
	expect bool  // the client waits for 100 (Continue)
	max    int64 // bytes the handler may read
	left   int64 // sized: bytes not read yet
	read   int64
	err    error // sticky
	lag    lag   // of the client in sending it
	chunks *http1.ChunkDecoder
}

type bodyKind uint8

const (
	bodyNone bodyKind = iota
	bodySized
	bodyChunked
)

func (b *body) reset() {
	if b.kind == bodyChunked {
		b.chunks.Reset()
	}
	*b = body{chunks: b.chunks}
}

// startBody takes the framing from the head, and reports whether there is a body.
func (c *Ctx) startBody(most int64) bool {
	req := &c.req
	if !req.Chunked && req.ContentLength <= 0 {
		return false
	}
	if c.body == nil {
		c.body = &body{}
	}
	b := c.body
	if req.Chunked {
		b.kind = bodyChunked
		if b.chunks == nil {
			b.chunks = &http1.ChunkDecoder{}
		}
	} else {
		b.kind, b.left = bodySized, req.ContentLength
	}
	b.max = most
	b.expect = req.ExpectContinue
	return true
}

// done reports whether all of the body has been received.
func (b *body) done() bool {
	if b == nil {
		return true
	}
	switch b.kind {
	case bodySized:
		return b.left == 0
	case bodyChunked:
		return b.chunks.Done()
	}
	return true
}

// ends reports whether the connection ends behind the reply because of the body: nobody can
// tell where it ends, or whether it comes; it broke a limit; or more of it is unread than
// is thrown away.
func (b *body) ends(unread bool) bool {
	return b != nil && (b.err != nil || unread && (b.expect || b.kind == bodySized && b.left > thrownMax))
}

// own moves the request's head to memory of the Ctx's own.
func (x *Ctx) own(head []byte) {
	x.head = append(x.head[:0], head...)
	x.headLen = 0
	x.rebase(x.head)
}

// rebase makes the request's fields point into a copy of its head. Parsing again is
// cheaper than remembering where everything was, as it happens only when a handler
// waits or a body follows.
func (x *Ctx) rebase(head []byte) {
	x.moved = true
	x.req.Resume(http1.Progress{})
	if n, err := x.req.Parse(head, &x.conn.shard.limits.head); n != len(head) || err != nil {
		panic("httpfw: a copied head does not parse")
	}
	x.normalize()
}

// bodyReader is a Ctx as the reader of its body.
type bodyReader Ctx

// Body returns the body of the request, to be read as it arrives: Read waits for
// more. It is never held whole. Errors: ErrBodyTooLarge beyond the limit,
// ErrBodyTimeout, an *http1.Error for bad chunks, io.ErrUnexpectedEOF if the client
// goes, or the cause of cancellation.
func (c *Ctx) Body() io.Reader { return (*bodyReader)(c) }

// Read implements io.Reader.
func (b *bodyReader) Read(p []byte) (int, error) {
	c := (*Ctx)(b)
	if c.reply.hijack {
		return 0, ErrHijacked
	}
	if c.under != nil {
		return c.under.readBody(c, p)
	}
	if c.body.done() || c.body.err != nil || len(p) == 0 {
		return 0, c.body.end(len(p))
	}
	c.fiber.Enter()
	n, err := c.readBody(p)
	c.fiber.Leave()
	return n, err
}

// end is what a Read gets that has nothing to read.
func (b *body) end(want int) error {
	switch {
	case b != nil && b.err != nil:
		return b.err
	case want == 0:
		return nil
	}
	return io.EOF
}

// failed reports whether err is that of a Read: then the client has made it, and may make
// as many as it likes.
func (b *body) failed(err error) bool { return b != nil && b.err != nil && errors.Is(err, b.err) }

// tryBody reads at least one byte. After ErrWouldBlock more has to come first, and the
// client knows that it may send it. On the baton.
func (c *Ctx) tryBody(p []byte) (int, error) {
	b := c.body
	if b.kind == bodySized && b.read+b.left > b.max {
		b.err = ErrBodyTooLarge
		return 0, b.err
	}
	n, err := c.readSome(p)
	if n > 0 {
		b.came(n, c.conn)
		b.expect = false // the client did not wait, or no longer does (RFC 9110 section 10.1.1)
	}
	switch {
	case b.read > b.max:
		b.err = ErrBodyTooLarge
		return 0, b.err
	case err == netpoll.ErrWouldBlock:
		if b.expect && !c.reply.begun { // behind the reply's head it would be content
			b.expect = false
			c.goAhead()
		}
		c.conn.flush()
	case err != nil && err != io.EOF:
		b.err = err
	}
	return n, err
}

// goAhead tells a client that waits for it to send the body.
func (c *Ctx) goAhead() {
	out := c.conn.takeOut()
	out.B = append(out.B, "HTTP/1.1 100 Continue\r\n\r\n"...)
}

// came takes note of n bytes.
func (b *body) came(n int, k *conn) {
	b.read += int64(n)
	if b.lag.since == 0 && b.lag.debt == 0 {
		return // there was nothing to wait for
	}
	b.lag.moved(n, k.shard.loop.Clock(), k.shard.limits.bodyRate)
	b.lag.end()
}

// awaits begins a wait for more, or goes on with one in which nothing but framing has
// come, and returns when it is given up (loop clock, 0 never).
func (b *body) awaits(k *conn) (until int64) {
	lim := k.shard.limits
	b.lag.begin(k.shard.loop.Clock())
	return b.lag.until(lim.bodyWait, lim.bodyRate, lim.grace)
}

// readBody is tryBody that waits. On the baton.
func (c *Ctx) readBody(p []byte) (int, error) {
	for {
		n, err := c.tryBody(p)
		if err != netpoll.ErrWouldBlock {
			return n, err
		}
		if err := c.conn.nc.AwaitRead(c.fiber, c.body.awaits(c.conn)); err != nil {
			if err == fiber.ErrTimeout {
				err = ErrBodyTimeout
			}
			c.body.err = err
			return 0, err
		}
	}
}

// readSome reads what has arrived of the body: n > 0, or io.EOF at its end,
// ErrWouldBlock, or an error that ends the connection's use. On the baton.
func (c *Ctx) readSome(p []byte) (n int, err error) {
	b := c.body
	nc := c.conn.nc
	if b.kind == bodySized {
		if b.left == 0 {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.left)]
		if have := nc.Buffered(); len(have) > 0 {
			n = copy(p, have)
			nc.Consume(n)
		} else if n, err = nc.ReadInto(p); err != nil {
			return 0, gone(err)
		}
		b.left -= int64(n)
		return n, nil
	}
	// As many chunks as have arrived and p has room for: a Read for each of one byte is dear.
	for n < len(p) && !b.chunks.Done() {
		have := nc.Buffered()
		var data []byte
		used := 0
		if len(have) > 0 {
			part := have[:min(len(have), len(p)-n)]
			data, used, err = b.chunks.Next(part)
			if used == 0 && err == nil && len(part) < len(have) {
				data, used, err = b.chunks.Next(have) // a trailer longer than p
			}
		}
		switch {
		case n > 0 && used == 0:
			return n, nil // the next Read waits, or gets the error, which stays
		case err != nil:
			return 0, err
		case used == 0: // nothing, or the start of a trailer field
			if _, err := nc.Receive(); err != nil {
				return 0, gone(err)
			}
		}
		n += copy(p[n:], data)
		nc.Consume(used)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// skipBody throws away what has arrived of the body: n bytes of the connection's. The
// error is ErrWouldBlock, or ends the connection's use. On the baton.
func (c *Ctx) skipBody() (n int, err error) {
	b, nc := c.body, c.conn.nc
	have := nc.Buffered()
	if len(have) == 0 {
		if have, err = nc.Receive(); err != nil {
			return 0, gone(err)
		}
	}
	if b.kind == bodySized {
		n = int(min(int64(len(have)), b.left))
		b.left -= int64(n)
		nc.Consume(n)
		return n, nil
	}
	for len(have) > 0 && !b.chunks.Done() {
		_, used, err := b.chunks.Next(have)
		if err != nil {
			return n, err
		}
		if used == 0 { // the start of a trailer field
			_, err := nc.Receive()
			return n, gone(err)
		}
		nc.Consume(used)
		have = have[used:]
		n += used
	}
	return n, nil
}

// gone names the error of a connection that ended inside a body.
func gone(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// SetBodyLimit replaces Config.BodyBytesMax for this request, in bytes; negative: no
// limit. It does not undo what was read: a body without a length that was found too long
// stays so, since what came last of it is lost.
func (c *Ctx) SetBodyLimit(n int64) {
	if c.body == nil {
		return
	}
	if n < 0 {
		n = 1<<63 - 1
	}
	c.body.max = n
	if c.body.err == ErrBodyTooLarge && c.body.read <= n && c.body.kind == bodySized {
		c.body.err = nil
	}
}

// BodyLength returns the length the client announced, -1 if it did not, 0 if there is
// no body.
func (c *Ctx) BodyLength() int64 {
	switch {
	case c.req.Chunked:
		return -1
	case c.req.ContentLength > 0:
		return c.req.ContentLength
	}
	return 0
}

const (
	bodyBytesMin = 512      // the least memory for a body that is read whole
	growMax      = 64 << 10 // up to which that memory grows to four times what has come, and then to twice
)

// arrived returns how much memory to begin with for a body: enough for what is there.
func (c *Ctx) arrived() int64 {
	n := 0
	if c.under == nil && !c.reply.hijack {
		c.fiber.Enter()
		n = len(c.conn.nc.Buffered())
		c.fiber.Leave()
	}
	return int64(max(n, bodyBytesMin))
}

// BodyBytes reads the whole body, within its limit. The bytes are the caller's.
func (c *Ctx) BodyBytes() ([]byte, error) {
	size := c.BodyLength()
	if size == 0 {
		return nil, nil
	}
	if size > c.body.max {
		return nil, ErrBodyTooLarge
	}
	if size < 0 {
		return io.ReadAll(c.Body())
	}
	// Memory follows what arrives, not what is announced.
	buf := make([]byte, 0, min(size, c.arrived()))
	for {
		if int64(len(buf)) == size {
			return buf, nil
		}
		if n := int64(len(buf)); n == int64(cap(buf)) {
			buf = append(make([]byte, 0, min(size, n+max(n, min(3*n, growMax)))), buf...)
		}
		n, err := c.Body().Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// statusOfBody is the status for an error of Body, for replies.
func statusOfBody(err error) int {
	if err == io.ErrUnexpectedEOF {
		return http.StatusBadRequest
	}
	return StatusOf(err)
}
