package netpoll

import (
	"net"

	"github.com/heddle-go/heddle/fiber"
)

// These are the waits of a connection, for framework code that runs on the baton and
// may hold a stack: a View's calls, or a handler's body and reply. A machine without
// a stack uses SetReader and SetWriter instead.

// ReadInto receives into p, of at least one byte, without lending: bytes that were
// received before and not consumed must have been taken from Buffered. Errors are
// those of Receive. Loop mode only.
func (c *Conn) ReadInto(p []byte) (int, error) {
	if err := c.mayRead(); err != nil {
		return 0, err
	}
	n, err := c.transport.Read(p)
	if err != nil {
		err = c.readError(err)
	}
	return n, err
}

// AwaitRead parks f until a Receive may find something, the deadline (loop clock, 0
// none) or cancellation; errors are those of Fiber.Park. When something to read came
// together with the end of the wait, as the last bytes do with the peer's FIN, it is nil:
// what there is can be read without waiting. net.ErrClosed: SetReader has given the place
// to another, or Closing was called. On the baton only.
func (c *Conn) AwaitRead(f *fiber.Fiber, deadline int64) error {
	before, err := c.occupy(&c.reader, f, "netpoll: two fibers read from one connection")
	if err != nil {
		return err
	}
	for err == nil && !c.readable && c.err == nil && c.reader == f {
		err = f.Park(deadline)
	}
	if !vacate(&c.reader, f, before) {
		return net.ErrClosed
	}
	if c.readable {
		return nil
	}
	return err
}

// occupy gives f the place of the one who waits. It returns who had it, nil or f itself, for
// vacate; net.ErrClosed if that is who closes the connection. misuse is what to panic with if
// it is anybody else.
func (c *Conn) occupy(place **fiber.Fiber, f *fiber.Fiber, misuse string) (before *fiber.Fiber, err error) {
	before = *place
	if before != nil && before != f {
		if c.closing {
			return nil, net.ErrClosed
		}
		panic(misuse)
	}
	*place = f
	return before, nil
}

// vacate gives the place back, and reports false if f was displaced.
func vacate(place **fiber.Fiber, f, before *fiber.Fiber) bool {
	if *place != f {
		return false
	}
	*place = before
	return true
}

// AwaitRoom parks f until at most OwedMax bytes are owed. If it had to wait and the
// connection broke meanwhile it returns why. net.ErrClosed is as for AwaitRead. On the
// baton only.
func (c *Conn) AwaitRoom(f *fiber.Fiber, deadline int64) error {
	return c.awaitOwed(f, deadline, c.OwedMax())
}

// AwaitSent parks f until nothing is owed; otherwise like AwaitRoom. On the baton only.
func (c *Conn) AwaitSent(f *fiber.Fiber, deadline int64) error {
	return c.awaitOwed(f, deadline, 0)
}

func (c *Conn) awaitOwed(f *fiber.Fiber, deadline int64, most int) error {
	if c.Owed() <= most {
		return nil
	}
	err := c.awaitWriter(f, deadline, most)
	if err == nil {
		err = c.err // what was owed is lost
	}
	return err
}

// AwaitWritable parks f until a TrySend may find room. On the baton only.
func (c *Conn) AwaitWritable(f *fiber.Fiber, deadline int64) error {
	return c.awaitWriter(f, deadline, sendable)
}

// sendable, for full, stands for as little as a TrySend needs to find room.
const sendable = -1

// full reports whether more than most bytes are owed, and may still be sent.
func (c *Conn) full(most int) bool {
	if most == sendable {
		return c.Blocked() && c.maySend() == nil
	}
	return c.Owed() > most
}

// awaitWriter parks f, the one who writes, until at most that much is owed.
func (c *Conn) awaitWriter(f *fiber.Fiber, deadline int64, most int) error {
	before, err := c.occupy(&c.writer, f, "netpoll: two fibers write to one connection")
	if err != nil {
		return err
	}
	for err == nil && c.writer == f && c.full(most) {
		err = f.Park(deadline)
	}
	if !vacate(&c.writer, f, before) {
		return net.ErrClosed
	}
	return err
}

// KeepLent is for calls that may park before they have done with what they were given:
// lent bytes are good until a park, but if p is such it stays. The loop then takes a new
// read buffer. On the baton only.
func (c *Conn) KeepLent(p []byte) {
	if overlap(p, c.lender.lent) {
		c.lender.keep()
	}
}

// Lent reports whether p is memory that others will have: of the read buffer of c's loop,
// given back or not, whichever connection it was lent to. Who keeps p longer than until the
// next park needs a copy. Only code that runs on the loop, or beside it, may call it.
func (c *Conn) Lent(p []byte) bool { return overlap(p, c.lender.buf.Load()[:]) }

// Kept reports whether p is of what c has buffered in memory of its own, which is used again
// after Consume. On the baton only.
func (c *Conn) Kept(p []byte) bool { return c.in != nil && overlap(p, c.in.B) }

// WriteWait sends p, parking f while more than OwedMax bytes would be owed. n counts
// what was accepted for sending. On the baton only.
func (c *Conn) WriteWait(f *fiber.Fiber, p []byte, deadline int64) (n int, err error) {
	for first := true; ; first = false {
		m, err := c.TrySend(p[n:])
		n += m
		if n == len(p) {
			return n, nil
		}
		if err != nil && err != ErrWouldBlock {
			return n, err
		}
		if left := len(p) - n; c.Owed()+left <= c.OwedMax() {
			c.owe(p[n:])
			return len(p), nil
		}
		if first {
			c.KeepLent(p)
		}
		if err := c.AwaitWritable(f, deadline); err != nil {
			return n, err
		}
		if c.err != nil {
			return n, c.err
		}
	}
}
