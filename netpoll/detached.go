package netpoll

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A Detached is a connection for goroutines that are no fibers of its loop: a net.Conn
// like that of package net, which any goroutine may use at any time. Its calls block
// their goroutine. Each costs two hand-overs between goroutines and no copy: the
// caller offers its buffer, the loop reads into it or sends from it.
//
// A fiber of the connection's own loop uses a View; calls of a Detached would keep
// that loop from answering, outside Block.
//
// Detached is itself a machine of the loop. It lives until Close, or until the loop
// closes; then all calls return fiber.ErrClosed.
type Detached struct {
	c     *Conn
	fiber fiber.Fiber

	mu      sync.Mutex
	started bool      // the machine may be unparked; under mu
	closed  bool      // Close was called; under mu
	err     error     // why nothing works any more; under mu
	in      exchange  // under mu, but for what says otherwise
	out     exchange  // likewise
	fin     finState  // under mu
	linger  time.Time // when Close gives up sending; under mu

	opened        chan struct{} // closed when the addresses are known, or never will be
	local, remote net.Addr      // set before opened is closed

	lingerAt int64 // the machine only; loop clock
}

// An exchange is one direction of a Detached: a buffer on offer to the loop.
type exchange struct {
	turn  sync.Mutex    // held by the call that uses the exchange
	state offer         // under Detached.mu
	p     []byte        // on offer; the loop's while taken
	n     int           // bytes done
	err   error         // why no more are
	until time.Time     // deadline, zero for none; under Detached.mu
	bell  chan struct{} // something has changed; capacity 1
	timer *time.Timer   // made with the first deadline; under turn
}

type offer uint8

const (
	offerNone  offer = iota
	offerMade        // the caller waits and may withdraw it
	offerTaken       // the loop works on it and will not be long
	offerDone        // n and err are set
)

type finState uint8

const (
	finNone finState = iota
	finAsked
	finSent
)

// lingerMax bounds how long a connection that was closed goes on sending what it owes.
const lingerMax = 10 * time.Second

var _ net.Conn = (*Detached)(nil)

// Detached hands c over to goroutines that are no fibers of its loop. From then on
// nobody uses c itself. Any goroutine may call it.
func (c *Conn) Detached() *Detached {
	d := &Detached{c: c, opened: make(chan struct{})}
	d.in.bell = make(chan struct{}, 1)
	d.out.bell = make(chan struct{}, 1)
	err := c.Loop().Post(func() {
		d.local, d.remote = c.LocalAddr(), c.RemoteAddr()
		close(d.opened)
		d.mu.Lock()
		c.Loop().Start(&d.fiber, d)
		d.started = true
		d.mu.Unlock()
	})
	if err != nil {
		d.err = err
		close(d.opened)
	}
	return d
}

// Read receives at least one byte into p, waiting for it. Errors: io.EOF at the end of
// the stream; *OpError with os.ErrDeadlineExceeded, net.ErrClosed, fiber.ErrClosed or
// what broke the connection. Concurrent calls take turns.
func (d *Detached) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := d.exchange(&d.in, p)
	if err != nil {
		err = opError("read", err)
	}
	return n, err
}

// Write sends p. It returns when the peer's side has taken it or at most OwedMax bytes
// of it are still owed. n is less than len(p) only with an error, and counts what was
// accepted for sending. Errors are those of Read, and io.ErrClosedPipe after
// CloseWrite. Concurrent calls take turns.
func (d *Detached) Write(p []byte) (int, error) {
	n, err := d.exchange(&d.out, p)
	if err != nil {
		err = opError("write", err)
	}
	return n, err
}

// CloseWrite sends FIN after everything written: the peer sees the end of the stream
// and may still send. It waits for a Write at work, but not for the peer.
func (d *Detached) CloseWrite() error {
	d.out.turn.Lock()
	defer d.out.turn.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.broken(); err != nil {
		return opError("close", err)
	}
	if d.fin == finNone {
		d.fin = finAsked
		d.unpark()
	}
	return nil
}

// Close ends all calls with net.ErrClosed and returns at once. The loop sends what was
// written before it closes the connection, until the write deadline, but not for more
// than 10 seconds. A second call returns net.ErrClosed.
func (d *Detached) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return opError("close", net.ErrClosed)
	}
	d.closed = true
	d.linger = time.Now().Add(lingerMax)
	if u := d.out.until; !u.IsZero() && u.Before(d.linger) {
		d.linger = u
	}
	d.unpark()
	d.in.ring()
	d.out.ring()
	return nil
}

// LocalAddr returns the local address, nil if the loop ended first.
func (d *Detached) LocalAddr() net.Addr {
	<-d.opened
	return d.local
}

// RemoteAddr returns the peer's address, nil if the loop ended first.
func (d *Detached) RemoteAddr() net.Addr {
	<-d.opened
	return d.remote
}

// SetDeadline bounds all waits, those at hand included. The zero time means no bound.
func (d *Detached) SetDeadline(t time.Time) error {
	if err := d.SetReadDeadline(t); err != nil {
		return err
	}
	return d.SetWriteDeadline(t)
}

// SetReadDeadline bounds reads, one at hand included.
func (d *Detached) SetReadDeadline(t time.Time) error { return d.setDeadline(&d.in, t) }

// SetWriteDeadline bounds writes, one at hand included.
func (d *Detached) SetWriteDeadline(t time.Time) error { return d.setDeadline(&d.out, t) }

func (d *Detached) setDeadline(x *exchange, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.broken(); err != nil {
		return opError("set deadline", err)
	}
	x.until = t
	x.ring()
	return nil
}

// broken returns why no call may begin. Under mu.
func (d *Detached) broken() error {
	if d.closed {
		return net.ErrClosed
	}
	return d.err
}

// unpark makes the machine look at its state. Before it has started it need not be
// told: it begins with a look. Under mu.
func (d *Detached) unpark() {
	if d.started && d.err == nil {
		d.fiber.Unpark()
	}
}

// ring makes the call that waits on x, if any, look again. Any goroutine may call it.
func (x *exchange) ring() {
	select {
	case x.bell <- struct{}{}:
	default:
	}
}

// exchange offers p to the loop and waits until the loop has done with it, the
// deadline passes or the connection is closed.
func (d *Detached) exchange(x *exchange, p []byte) (int, error) {
	x.turn.Lock()
	defer x.turn.Unlock()
	d.mu.Lock()
	err := d.broken()
	if err == nil && !x.until.IsZero() && !time.Now().Before(x.until) {
		err = os.ErrDeadlineExceeded
	}
	if err == nil && x == &d.out && d.fin != finNone {
		err = io.ErrClosedPipe
	}
	if err != nil || len(p) == 0 {
		d.mu.Unlock()
		return 0, err
	}
	x.state, x.p, x.n, x.err = offerMade, p, 0, nil
	d.unpark()
	for {
		n, err, over := d.settled(x)
		if over {
			x.state, x.p = offerNone, nil
			d.mu.Unlock()
			return n, err
		}
		until, timed := x.until, x.state == offerMade && !x.until.IsZero()
		d.mu.Unlock()
		if !timed {
			<-x.bell
		} else {
			if x.timer == nil {
				x.timer = time.NewTimer(time.Until(until))
			} else {
				x.timer.Reset(time.Until(until))
			}
			select {
			case <-x.bell:
			case <-x.timer.C:
			}
			x.timer.Stop()
		}
		d.mu.Lock()
	}
}

// settled reports whether the offer is over, and how: done, or withdrawn because
// something else came first. Under mu.
func (d *Detached) settled(x *exchange) (n int, err error, over bool) {
	switch x.state {
	case offerDone:
		return x.n, x.err, true
	case offerTaken:
		return 0, nil, false
	}
	if err := d.broken(); err != nil {
		return x.n, err, true
	}
	if !x.until.IsZero() && !time.Now().Before(x.until) {
		return x.n, os.ErrDeadlineExceeded, true
	}
	return 0, nil, false
}
