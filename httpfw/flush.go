package httpfw

import (
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/valyala/bytebufferpool"
)

// How replies leave a connection: those of requests that came together are gathered and sent
// together, and what the client does not take at once waits without a stack. On the baton.

// flush hands the gathered replies to the connection.
func (c *conn) flush() {
	if c.out == nil {
		return
	}
	c.nc.Send(c.out.B)
	c.giveOut(c.out)
	c.out = nil
}

// giveOut takes back a buffer that takeOut gave.
func (c *conn) giveOut(out *bytebufferpool.ByteBuffer) {
	out.Reset()
	if c.shard.out == nil {
		c.shard.out = out
	} else {
		bytebufferpool.Put(out)
	}
}

// takeOut returns the buffer in which replies gather.
func (c *conn) takeOut() *bytebufferpool.ByteBuffer {
	if c.out == nil {
		c.out, c.shard.out = c.shard.out, nil
		if c.out == nil {
			c.out = bytebufferpool.Get()
		}
	}
	return c.out
}

// await changes the phase to flush, and to next once the client has taken everything.
func (c *conn) await(now, next phase) (wait bool) {
	c.phase, c.next = now, next
	c.nc.SetWriter(&c.fiber)
	if c.nc.Owed() > 0 || c.resting() {
		until, _ := c.owing(0)
		c.fiber.SetDeadline(until)
	}
	return false
}

// resting reports whether part of a reply waits to be handed to the connection.
func (c *conn) resting() bool { return c.waiting != nil && len(c.waiting.rest) > 0 }

// sendRest sends b, the end of a reply, which is never written again. What the client does
// not take now is sent by the machine: the handler has returned, and its stack is not
// needed for that. Replies gathered before must have been handed to the connection.
func (c *conn) sendRest(b []byte) error {
	n, err := c.nc.TrySend(b)
	if err == netpoll.ErrWouldBlock {
		c.wait().rest = b[n:]
		return nil
	}
	return err
}

// awaitFlush waits until nothing is owed to the client.
func (c *conn) awaitFlush(f *fiber.Fiber) (wait bool) {
	if c.nc.Err() != nil {
		c.close(false)
		return false
	}
	if c.next == phaseDrain {
		// A client that sends all of a request before it reads waits for the server now.
		c.next = c.throwAway(f)
	}
	n := 0
	if c.resting() {
		var err error
		w := c.waiting
		n, err = c.nc.TrySend(w.rest)
		w.rest = w.rest[n:]
		switch {
		case err == netpoll.ErrWouldBlock:
			until, ok := c.owing(n)
			if !ok {
				c.close(true)
				return false
			}
			c.fiber.SetDeadline(until)
			return true
		case err != nil:
			c.close(false)
			return false
		}
		w.rest = nil
	}
	if c.nc.Owed() > 0 {
		return true
	}
	c.paid(n)
	c.nc.SetWriter(nil)
	switch c.phase = c.next; c.phase {
	case phaseDrain:
		c.beginDrain()
	case phaseGone:
		c.close(false)
	case phaseLinger:
		c.waste = 0
		c.nc.CloseWrite()
		c.within(lingerWait)
	}
	return false
}
