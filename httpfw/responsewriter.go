package httpfw

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/heddle-go/heddle/codec/http1"
)

// A responseWriter is the reply of an exchange as an http.Handler writes it, with the
// rules of net/http. Any goroutine may use it, but for its Header map.
type responseWriter struct {
	x      *exchange
	r      *http.Request
	header http.Header

	mu       sync.Mutex
	buf      []byte     // written and not handed to the fiber; under mu
	head     *replyHead // set by WriteHeader; under mu
	length   int64      // announced, -1 if not; under mu
	written  int64      // under mu
	begun    bool       // the head was handed to the fiber; under mu
	hijacked bool       // under mu
	over     bool       // the handler has returned; under mu
}

// writerBytes is how much of a reply is kept before it is handed to the fiber.
const writerBytes = 4 << 10

var (
	_ http.Flusher    = (*responseWriter)(nil)
	_ http.Hijacker   = (*responseWriter)(nil)
	_ io.ReaderFrom   = (*responseWriter)(nil)
	_ io.StringWriter = (*responseWriter)(nil)
)

// newResponseWriter makes a writer whose header, and first bytes, are what middleware
// has set and written so far.
func newResponseWriter(x *exchange, r *http.Request) *responseWriter {
	w := &responseWriter{x: x, r: r, header: http.Header{}, length: -1}
	x.c.eachField(w.header.Add)
	if kept := x.c.reply.buf; kept != nil {
		w.buf = append(w.buf, kept.B...)
		w.written = int64(len(kept.B))
		x.c.reply.buf = nil
		putBuffer(kept)
	}
	x.c.reply.text, x.c.reply.data = "", nil
	return w
}

// Header returns the fields that WriteHeader will send.
func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader begins the reply, or sends one of status 1xx.
func (w *responseWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

// writeHeader is WriteHeader under mu.
func (w *responseWriter) writeHeader(status int) {
	switch {
	case status < 100 || status > 999:
		panic(fmt.Sprintf("httpfw: WriteHeader with status %d", status))
	case w.hijacked:
		w.complain("WriteHeader on a connection that was hijacked")
	case w.over:
	case w.head != nil:
		w.complain("superfluous WriteHeader")
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.inform(status)
	default:
		w.head = newReplyHead(status, w.header, w.x.c.app.log)
		w.length = w.head.length
	}
}

// complain logs a mistake of the handler, with the place of the call.
func (w *responseWriter) complain(what string) {
	where := "unknown"
	for skip := 2; skip < 16; skip++ {
		pc, file, line, ok := runtime.Caller(skip)
		if !ok {
			break
		}
		if f := runtime.FuncForPC(pc); f == nil || !isResponseWriter(f.Name()) {
			where = fmt.Sprintf("%s:%d", file, line)
			break
		}
	}
	w.x.c.app.log.Warn("httpfw: "+what, "method", w.r.Method, "path", w.r.URL.Path, "at", where)
}

// inform sends a reply of status 1xx at once. Under mu.
func (w *responseWriter) inform(status int) {
	if w.r.ProtoMinor == 0 {
		return
	}
	head := newReplyHead(status, w.header, w.x.c.app.log)
	c := w.x.c
	w.x.submit(&w.x.out, &call{do: func() error {
		if status == http.StatusContinue && c.body != nil {
			c.body.expect = false
		}
		out := c.conn.takeOut()
		out.B = http1.AppendStatusLine(out.B, 1, status)
		out.B = head.append(out.B)
		out.B = append(out.B, "\r\n"...)
		c.conn.flush()
		return nil
	}})
}

// Write adds to the body of the reply.
func (w *responseWriter) Write(p []byte) (int, error) { return write(w, p) }

// WriteString is Write for a string.
func (w *responseWriter) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *responseWriter, p T) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.hijacked:
		if len(p) > 0 {
			w.complain("Write on a connection that was hijacked")
		}
		return 0, http.ErrHijacked
	case w.over:
		return 0, errHandlerOver
	case w.head == nil:
		w.writeHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !bodyAllowed(w.head.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p)) // also of what is refused: then the reply is not whole
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.begun && w.r.Method == http.MethodHead {
		return len(p), nil
	}
	if len(w.buf)+len(p) <= writerBytes {
		w.buf = append(w.buf, p...)
		return len(p), nil
	}
	if len(p) < outBytes {
		w.buf = append(w.buf, p...)
		return len(p), w.send(nil)
	}
	if len(w.buf) == 0 && !w.begun {
		// The first bytes tell the type of the content.
		w.buf = append(w.buf, p[:512]...)
		if err := w.send(nil); err != nil {
			return 0, err
		}
		p = p[512:]
		return len(p) + 512, w.send([]byte(p))
	}
	if err := w.send(nil); err != nil {
		return 0, err
	}
	return len(p), w.send([]byte(p))
}

// send hands p, or what was kept if p is nil, to the fiber and waits until the client
// owes reading little enough. Under mu.
func (w *responseWriter) send(p []byte) error {
	k := &call{p: p}
	if p == nil {
		k.p = w.buf
	}
	if !w.begun {
		w.begun = true
		k.head = w.head
		k.head.sniff(k.p)
	}
	_, err := w.x.submit(&w.x.out, k)
	if p == nil {
		w.buf = w.buf[:0]
	}
	return err
}

// ReadFrom writes everything that r yields.
func (w *responseWriter) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, outBytes)
	for {
		m, rerr := r.Read(buf)
		if m > 0 {
			wn, werr := w.Write(buf[:m])
			n += int64(wn)
			if werr != nil {
				return n, werr
			}
		}
		if rerr == io.EOF {
			return n, nil
		}
		if rerr != nil {
			return n, rerr
		}
	}
}

// Flush sends what was written so far.
func (w *responseWriter) Flush() { w.FlushError() }

// FlushError is Flush that says whether it worked.
func (w *responseWriter) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.hijacked:
		return http.ErrHijacked
	case w.over:
		return errHandlerOver
	case w.head == nil:
		w.writeHeader(http.StatusOK)
	}
	if w.begun && len(w.buf) == 0 {
		return nil
	}
	return w.send(nil)
}

// Hijack hands the connection to the handler, for any goroutine and for longer than
// the request. What was set by WriteHeader and not sent yet is sent as it is.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.hijacked:
		return nil, nil, http.ErrHijacked
	case w.over:
		return nil, nil, errHandlerOver
	case w.begun || len(w.buf) > 0:
		return nil, nil, errors.New("httpfw: Hijack after the reply has begun")
	}
	var conn net.Conn
	_, err := w.x.submit(&w.x.out, &call{do: func() (err error) {
		conn, err = w.x.hijackConn(w.head)
		return err
	}})
	if err != nil {
		return nil, nil, err
	}
	w.hijacked = true
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}

// SetReadDeadline bounds reads of the body, for http.ResponseController.
func (w *responseWriter) SetReadDeadline(t time.Time) error {
	return w.x.setDeadline(&w.x.readBy, t)
}

// SetWriteDeadline bounds waits for the client. A write that it ends breaks the
// connection.
func (w *responseWriter) SetWriteDeadline(t time.Time) error {
	return w.x.setDeadline(&w.x.writeBy, t)
}

// EnableFullDuplex does nothing: the body can always be read after the reply has begun.
func (w *responseWriter) EnableFullDuplex() error { return nil }

// finish makes what is left in w the reply of c, after the handler has returned. The
// fiber only, in user mode.
func (w *responseWriter) finish(c *Ctx) error {
	w.mu.Lock()
	w.over = true // whoever comes now gets errHandlerOver: what follows may wait
	w.mu.Unlock()
	if w.hijacked {
		return nil
	}
	if w.head == nil {
		w.head = newReplyHead(http.StatusOK, w.header, c.app.log)
		w.length = w.head.length
	}
	behind := w.head.trailers(w.header)
	head := w.r.Method == http.MethodHead
	if !w.begun {
		w.head.sniff(w.buf)
		w.head.set(c)
		short := w.length >= 0 && w.written != w.length && !head && bodyAllowed(w.head.status)
		unknown := head && w.length < 0 && len(w.buf) == 0
		if !short && !unknown && len(behind) == 0 {
			c.reply.data = w.buf
			return nil
		}
	}
	_, err := c.stream(w.buf)
	if len(behind) > 0 {
		c.reply.trailer = &trailer{behind}
	}
	return err
}
