package netpoll

import (
	"net"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// The loop's side of a Detached: a machine that does what goroutines have asked for.
// Everything here is in loop mode. It touches a caller's buffer only between take and
// give, in which time the caller does not go on.

// take takes the offer of x, nil if there is none. Loop mode.
func (d *Detached) take(x *exchange) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x.state != offerMade {
		return nil
	}
	x.state = offerTaken
	return x.p[x.n:]
}

// give returns an offer that was taken, n bytes further: done, or open again.
// Loop mode.
func (d *Detached) give(x *exchange, n int, err error, done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x.n += n
	x.err = err
	x.state = offerMade
	if done {
		x.state = offerDone
	}
	// Also if it is open again: a deadline that passed meanwhile was not looked at.
	x.ring()
}

// String names the machine.
func (d *Detached) String() string { return "netpoll.Detached" }

// Resume does what goroutines have asked for. It never touches a buffer that is not on
// offer.
func (d *Detached) Resume(f *fiber.Fiber) fiber.Status {
	c := d.c
	if err := f.Err(); err != nil {
		return d.end(err)
	}
	if c.Closed() {
		return d.end(net.ErrClosed)
	}
	d.mu.Lock()
	closed, linger, fin := d.closed, d.linger, d.fin
	d.mu.Unlock()
	if closed {
		return d.finish(f, linger)
	}
	reading, writing := d.read(), d.write()
	if fin == finAsked && !writing {
		c.CloseWrite()
		d.mu.Lock()
		d.fin = finSent
		d.mu.Unlock()
	}
	d.claim(f, reading, writing)
	return fiber.Waiting
}

// claim makes f hear of what it waits for, and of nothing else.
func (d *Detached) claim(f *fiber.Fiber, reading, writing bool) {
	c := d.c
	if reading {
		c.SetReader(f)
	} else if c.reader == f {
		c.SetReader(nil)
	}
	if writing {
		c.SetWriter(f)
	} else if c.writer == f {
		c.SetWriter(nil)
	}
}

// read serves a Read and reports whether it must go on waiting.
func (d *Detached) read() (waiting bool) {
	p := d.take(&d.in)
	if p == nil {
		return false
	}
	var n int
	var err error
	if b := d.c.Buffered(); len(b) > 0 {
		n = copy(p, b)
		d.c.Consume(n)
	} else {
		n, err = d.c.ReadInto(p)
	}
	if err == ErrWouldBlock {
		d.give(&d.in, 0, nil, false)
		return true
	}
	d.give(&d.in, n, err, true)
	return false
}

// write serves a Write and reports whether it must go on waiting.
func (d *Detached) write() (waiting bool) {
	p := d.take(&d.out)
	if p == nil {
		return false
	}
	c := d.c
	n, err := c.TrySend(p)
	if err == ErrWouldBlock && c.Owed()+len(p)-n <= c.OwedMax() {
		err = c.Send(p[n:])
		n = len(p)
	}
	if err == ErrWouldBlock {
		d.give(&d.out, n, nil, false)
		return true
	}
	d.give(&d.out, n, err, true)
	return false
}

// finish closes the connection once nothing is owed, or until is past.
func (d *Detached) finish(f *fiber.Fiber, until time.Time) fiber.Status {
	c := d.c
	if c.Owed() == 0 || c.Err() != nil {
		c.Close()
		return d.end(net.ErrClosed)
	}
	if d.lingerAt == 0 {
		d.lingerAt = loopTime(c.Loop(), until)
	}
	if c.Loop().Clock() >= d.lingerAt {
		c.Abort()
		return d.end(net.ErrClosed)
	}
	c.SetWriter(f)
	f.SetDeadline(d.lingerAt)
	return fiber.Waiting
}

// end leaves the connection, closed, for good.
func (d *Detached) end(cause error) fiber.Status {
	c := d.c
	d.claim(&d.fiber, false, false)
	c.Close()
	d.settle(cause)
	return fiber.Done
}

// Ended implements fiber.Ender: however the machine ends, nobody waits for it.
func (d *Detached) Ended(_ *fiber.Fiber, cause error) {
	if cause != nil { // a panic
		d.c.Close()
		d.settle(cause)
	}
}

// settle makes all calls return cause.
func (d *Detached) settle(cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = cause
	}
	for _, x := range []*exchange{&d.in, &d.out} {
		if x.state == offerTaken {
			x.state, x.err = offerDone, cause
		}
		x.ring()
	}
}
