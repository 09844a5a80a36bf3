package httpfw

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// An exchange is a request in the hands of an http.Handler. Such a handler may use its
// ResponseWriter and its body from any goroutine, several at once (http.TimeoutHandler
// and httputil.ReverseProxy do), while a Ctx belongs to one fiber. So the handler runs
// on a goroutine of its own, and the fiber stays with the Ctx as its servant: it reads
// into and writes from the buffers that blocked calls offer, one call for the body and
// one for the reply at a time, and waits for both at once, so that neither direction
// holds up the other. When the handler has returned, calls of goroutines it has left
// behind fail, and nothing of theirs touches the Ctx any more.
//
// The cost of a request is the goroutine and the fiber's stack while it lasts, and two
// hand-overs between goroutines for each call that reaches the fiber: each Read of the
// body, and each 4 KiB or Flush of the reply, but not a reply that is shorter.
type exchange struct {
	c *Ctx // the fiber's

	mu         sync.Mutex
	in         *call // a Read of the body that waits; under mu
	out        *call // a call for the reply that waits; under mu
	readBy     int64 // deadline for reads, loop clock, 0 none; under mu
	writeBy    int64 // likewise for writes; under mu
	bodyClosed bool  // the handler has closed the body; under mu
	ended      bool  // the handler has returned; under mu
	over       bool  // calls are not served any more; under mu
	panicked   any   // what the handler panicked with; set with ended

	reading sync.Mutex // held by the goroutine that reads the body
}

// A call is what a goroutine of the handler wants from the fiber. The goroutine waits
// until done, so that the fiber may use everything in it.
type call struct {
	p    []byte        // to be read into, or sent
	at   int           // bytes of p that were sent
	head *replyHead    // with which the reply is to begin, or nil
	do   func() error  // instead: something that does not wait, once little enough is owed
	n    int           // result
	err  error         // result
	done chan struct{} // closed when n and err are set
}

// errHandlerOver is what calls get that come after the handler has returned.
var errHandlerOver = errors.New("httpfw: the http.Handler of this request has returned")

// submit has the fiber serve k, in the slot &x.in or &x.out, and waits for it. The
// caller holds what makes it the only one for that slot. Any goroutine.
func (x *exchange) submit(slot **call, k *call) (int, error) {
	k.done = make(chan struct{})
	x.mu.Lock()
	if x.over || x.ended {
		x.mu.Unlock()
		return 0, errHandlerOver
	}
	*slot = k
	x.c.fiber.Unpark() // under mu: the fiber has not left the exchange
	x.mu.Unlock()
	<-k.done
	return k.n, k.err
}

// settle ends the call in a slot.
func (x *exchange) settle(slot **call, n int, err error) {
	x.mu.Lock()
	k := *slot
	*slot = nil
	x.mu.Unlock()
	k.n, k.err = n, err
	close(k.done)
}

// run calls the handler on its own goroutine.
func (x *exchange) run(h http.Handler, w http.ResponseWriter, r *http.Request) {
	panicked := any(errGoexit)
	defer func() {
		if panicked != nil {
			if v := recover(); v != nil {
				panicked = &fiber.PanicError{Value: v, Stack: stack()}
			}
		}
		x.mu.Lock()
		x.ended, x.panicked = true, panicked
		x.c.fiber.Unpark()
		x.mu.Unlock()
	}()
	h.ServeHTTP(w, r)
	panicked = nil
}

// errGoexit: the handler has called runtime.Goexit.
var errGoexit = errors.New("httpfw: the http.Handler called runtime.Goexit")

// serve serves the handler's calls until it has returned. The fiber only, in user mode.
// Cancellation does not end it, since the handler is still there: it fails the calls
// that would have to wait.
func (x *exchange) serve() {
	c := x.c
	f, nc := c.fiber, c.conn.nc
	f.Enter()
	for {
		x.mu.Lock()
		in, out, ended := x.in, x.out, x.ended
		readBy, writeBy, bodyClosed := x.readBy, x.writeBy, x.bodyClosed
		x.over = ended
		x.mu.Unlock()
		if ended {
			x.leave(in, out)
			break
		}
		cause := f.Err()
		if cause != nil {
			f.Cancel(cause) // the closing of the runtime ends the handler's context too
		}
		var wakeAt int64
		if in != nil {
			wakeAt = x.read(in, readBy, bodyClosed, cause)
		}
		if out != nil {
			wakeAt = sooner(wakeAt, x.write(out, writeBy, cause))
		}
		if x.stale(in, out) {
			continue // something was served, and more may have come
		}
		if cause != nil {
			f.Linger()
		} else {
			f.Park(wakeAt)
		}
	}
	if !c.reply.hijack {
		nc.SetWriter(nil)
	}
	f.Leave()
}

// stale reports whether the slots hold other calls than these.
func (x *exchange) stale(in, out *call) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.in != in || x.out != out || x.ended
}

// leave fails what goroutines that the handler left behind still wait for.
func (x *exchange) leave(in, out *call) {
	if in != nil {
		x.settle(&x.in, 0, http.ErrBodyReadAfterClose)
	}
	if out != nil {
		x.settle(&x.out, 0, errHandlerOver)
	}
}

// read serves a Read of the body, or returns when to give up waiting for more, 0 for
// never. On the baton.
func (x *exchange) read(k *call, by int64, closed bool, cause error) (wakeAt int64) {
	c := x.c
	now := c.fiber.Loop().Clock()
	var n int
	var err error
	switch {
	case closed:
		err = http.ErrBodyReadAfterClose
	case c.reply.hijack:
		err = http.ErrHijacked
	case by != 0 && now >= by:
		err = os.ErrDeadlineExceeded
	case c.body.done() || c.body.err != nil:
		err = c.body.end(len(k.p))
	default:
		n, err = c.tryBody(k.p)
	}
	if err == netpoll.ErrWouldBlock {
		until := c.body.awaits(c.conn)
		switch {
		case cause != nil:
			c.body.err, err = cause, cause
		case until != 0 && now >= until:
			c.body.err, err = ErrBodyTimeout, ErrBodyTimeout
		default:
			return sooner(until, by)
		}
	}
	if err != nil && c.body != nil {
		c.body.lag.end() // nobody waits any more
	}
	if err == ErrBodyTooLarge {
		err = fmt.Errorf("%w: %w", err, &http.MaxBytesError{Limit: c.body.max})
	}
	x.settle(&x.in, n, err)
	return 0
}

// write serves a call for the reply; otherwise as read. On the baton.
func (x *exchange) write(k *call, by int64, cause error) (wakeAt int64) {
	c := x.c
	nc := c.conn.nc
	now := c.fiber.Loop().Clock()
	if k.head != nil && nc.Err() == nil {
		k.head.set(c)
		k.head = nil
		c.begin()
	}
	c.conn.flush()
	if k.do != nil && (nc.Err() != nil || nc.Owed() <= nc.OwedMax()) {
		x.settle(&x.out, 0, k.do())
		return 0
	}
	sent := k.at
	for nc.Err() == nil && nc.Owed() <= nc.OwedMax() {
		if k.at == len(k.p) {
			c.conn.paid(k.at - sent)
			x.settle(&x.out, len(k.p), nil)
			return 0
		}
		// Nothing has gathered, so a part of half the size that makes sendPart write
		// only gathers.
		part := k.p[k.at:min(len(k.p), k.at+outBytes/2)]
		c.sendPart(part) // the writer has compared the length already
		c.conn.flush()
		k.at += len(part)
	}
	until, ok := c.conn.owing(k.at - sent)
	var err error
	switch {
	case nc.Err() != nil:
		err = fmt.Errorf("%w: %w", ErrClientGone, nc.Err())
	case cause != nil:
		err = cause
	case by != 0 && now >= by:
		err = os.ErrDeadlineExceeded
		nc.Abort()
	case !ok:
		err = fmt.Errorf("%w: %w", ErrClientGone, fiber.ErrTimeout)
		nc.Abort()
	default:
		nc.SetWriter(c.fiber)
		return sooner(until, by)
	}
	c.reply.broken = true
	x.settle(&x.out, k.at, err)
	return 0
}

// sooner returns the earlier of two times of which 0 means never.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// setDeadline changes x.readBy or x.writeBy. Any goroutine.
func (x *exchange) setDeadline(by *int64, t time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.ended {
		return errHandlerOver
	}
	*by = 0
	if !t.IsZero() {
		*by = max(1, x.c.fiber.Loop().Clock()+int64(time.Until(t)))
	}
	x.c.fiber.Unpark()
	return nil
}

// exchangeBody is the body of a request as an http.Handler reads it. Any goroutine.
type exchangeBody struct {
	x *exchange
	r *http.Request
}

func (b *exchangeBody) Read(p []byte) (int, error) {
	b.x.reading.Lock()
	defer b.x.reading.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	k := &call{p: p}
	n, err := b.x.submit(&b.x.in, k)
	switch err {
	case errHandlerOver:
		err = http.ErrBodyReadAfterClose
	case io.EOF:
		b.trailers()
	}
	return n, err
}

// trailers copies the fields behind the body, which no longer change, to the request.
func (b *exchangeBody) trailers() {
	body := b.x.c.body
	if body == nil || body.kind != bodyChunked || len(body.chunks.Trailer) == 0 {
		return
	}
	t := http.Header{}
	for _, f := range body.chunks.Trailer {
		t.Add(string(f.Name), string(f.Value))
	}
	if b.r.Trailer == nil {
		b.r.Trailer = http.Header{}
	}
	for k, v := range t {
		b.r.Trailer[k] = v
	}
}

// Close makes reads fail, one that waits included.
func (b *exchangeBody) Close() error {
	x := b.x
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bodyClosed = true
	if x.in != nil {
		x.c.fiber.Unpark()
	}
	return nil
}

// hijackConn takes the connection over; head, if there is one, is sent first. On the
// baton.
func (x *exchange) hijackConn(head *replyHead) (conn net.Conn, err error) {
	c := x.c
	if head != nil && !c.reply.begun && !c.reply.hijack {
		head.set(c)
		c.appendHead(c.Status(), -1, false)
	}
	c.fiber.Leave()
	conn, err = c.HijackConn()
	c.fiber.Enter()
	return conn, err
}
