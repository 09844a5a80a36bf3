package httpfw

import (
	"errors"
	"net/http"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/valyala/bytebufferpool"
)

// How a connection ends: with words of the framework's own if the client can still be told
// something, and in an order in which it can read them. On the baton.

// refuse answers what is no request, and ends the connection: nobody can tell where
// the next one would start.
func (c *conn) refuse(err error) {
	status, reason := http.StatusBadRequest, err.Error()
	var pe *http1.Error
	if errors.As(err, &pe) {
		status, reason = pe.Status, pe.Rule
	}
	c.lastWords(status, reason)
}

// lastWords sends an error reply of the framework's own and ends the connection.
func (c *conn) lastWords(status int, text string) {
	c.last = true
	out := c.takeOut()
	out.B = http1.AppendStatusLine(out.B, 1, status)
	out.B = append(out.B, c.shard.fields()...)
	out.B = http1.AppendField(out.B, "Content-Type", "text/plain; charset=utf-8")
	out.B = http1.AppendContentLength(out.B, int64(len(text)+1))
	out.B = append(out.B, "Connection: close\r\n\r\n"...)
	out.B = append(append(out.B, text...), '\n')
	c.flush()
	c.await(phaseFlush, phaseLinger)
}

// timeout acts on a deadline that has passed, and reports whether the connection is to
// be closed without another word.
func (c *conn) timeout() bool {
	switch {
	case c.phase == phaseHead && c.partial:
		c.partial = false
		c.nc.Consume(len(c.nc.Buffered()))
		c.lastWords(http.StatusRequestTimeout, "the request's head did not arrive in time")
		return false
	case c.phase == phaseHead && c.nc.Owed() > 0:
		c.await(phaseFlush, phaseGone) // it is not idle: it still reads, and has WriteTimeout for that
		return false
	case c.phase == phaseFlush:
		until, ok := c.owing(0)
		c.fiber.SetDeadline(until)
		return !ok
	case c.phase == phaseDrain:
		c.release(&c.fiber, c.ctx)
		c.await(phaseFlush, phaseLinger) // the client may still be reading
		return false
	}
	return true
}

// beginDrain begins to throw away what the handler has not read of a body.
func (c *conn) beginDrain() {
	c.phase = phaseDrain
	c.within(c.shard.limits.bodyWait)
}

// drain throws away the rest of a body, within a bound of bytes and of time.
func (c *conn) drain(f *fiber.Fiber) (wait bool) {
	switch c.throwAway(f) {
	case phaseDrain:
		return true
	case phaseLinger:
		c.await(phaseFlush, phaseLinger)
	default:
		c.phase = phaseHead
	}
	return false
}

// throwAway throws away what has arrived of a body, within the bound, and returns the phase
// that follows: drain if more has to come.
func (c *conn) throwAway(f *fiber.Fiber) phase {
	x := c.ctx
	for !x.body.done() {
		n, err := x.skipBody()
		if err == netpoll.ErrWouldBlock {
			return phaseDrain
		}
		w := c.wait()
		w.thrown += n + receiveCost
		if err != nil || w.thrown > thrownMax {
			c.release(f, x)
			return phaseLinger
		}
	}
	c.release(f, x)
	return phaseHead
}

// more reports whether something has arrived behind the last request that is answered: a
// close would answer it with a reset, which could take the reply from the client.
func (c *conn) more() bool {
	if len(c.nc.Buffered()) > 0 {
		return true
	}
	_, err := c.nc.Receive()
	return err == nil
}

// linger throws away what arrives after the last reply until the client closes its
// side, lingerWait is over or it has sent a lot: closing earlier would reset the connection and could take
// the reply from the client before it has read it.
func (c *conn) linger(*fiber.Fiber) (wait bool) {
	c.nc.Consume(len(c.nc.Buffered()))
	_, err := c.nc.Receive()
	if err == netpoll.ErrWouldBlock {
		return true
	}
	if err != nil || c.waste == wasteMax {
		c.close(false)
		return false
	}
	c.waste++
	c.burst++ // others have their turn now and then
	return false
}

// close ends the connection; abort makes the client know that its reply was cut.
func (c *conn) close(abort bool) fiber.Status {
	if c.phase == phaseGone && c.nc.Closed() {
		return fiber.Done
	}
	c.phase = phaseGone
	if c.out != nil {
		bytebufferpool.Put(c.out)
		c.out = nil
	}
	if abort {
		c.nc.Abort()
	} else {
		c.nc.Close()
	}
	return fiber.Done
}

// left says that the connection has ended as far as HTTP is concerned.
func (c *conn) left() {
	if c.next != phaseGiven {
		c.shard.srv.admitted.left(c.nc.RemoteIP())
	}
	c.shard.srv.left()
}
