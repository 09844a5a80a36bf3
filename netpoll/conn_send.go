package netpoll

import (
	"net"
	"syscall"

	"github.com/valyala/bytebufferpool"
)

// The sending half of a Conn: what the engine does not take at once is owed, and sent when
// it can take more. Loop mode only.

// Send sends p, or takes a copy of what the peer does not take at once: the bytes
// owed. Callers look at Owed against OwedMax before they produce more. The error is
// sticky: the connection is broken. Loop mode only.
func (c *Conn) Send(p []byte) error {
	n, err := c.TrySend(p)
	if err == ErrWouldBlock {
		c.owe(p[n:])
		return nil
	}
	return err
}

// SendVec is Send for several buffers in order; bufs is overwritten. Loop mode only.
func (c *Conn) SendVec(bufs [][]byte) error {
	if err := c.maySend(); err != nil {
		return err
	}
	n := 0
	if !c.Blocked() {
		var err error
		n, err = c.transport.SendVec(bufs)
		if err == nil {
			return nil
		}
		if err = c.sendError(err); err != ErrWouldBlock {
			return err
		}
	}
	for _, p := range bufs {
		if n >= len(p) {
			n -= len(p)
			continue
		}
		c.owe(p[n:])
		n = 0
	}
	return nil
}

// TrySend sends what the peer takes of p now and owes nothing more: n is less than
// len(p), with ErrWouldBlock, when it must wait for SetWriter. Loop mode only.
func (c *Conn) TrySend(p []byte) (n int, err error) {
	if err := c.maySend(); err != nil || len(p) == 0 {
		return 0, err
	}
	if c.Blocked() {
		return 0, ErrWouldBlock
	}
	n, err = c.transport.Send(p)
	if err != nil {
		err = c.sendError(err)
	}
	return n, err
}

// maySend returns why nothing may be sent any more.
func (c *Conn) maySend() error {
	if c.err != nil {
		return c.err
	}
	if c.closing {
		return net.ErrClosed
	}
	if c.fin {
		return &OpError{Op: "write after CloseWrite", Err: syscall.EPIPE}
	}
	return nil
}

// sendError takes note of what the engine returned instead of sending everything.
func (c *Conn) sendError(err error) error {
	if err == ErrWouldBlock {
		c.writable = false
	} else {
		c.fail(err, true)
	}
	return err
}

// owe keeps a copy of p until the peer takes it.
func (c *Conn) owe(p []byte) {
	if len(p) == 0 {
		return
	}
	if c.out == nil {
		c.out = bytebufferpool.Get()
	}
	if sent := int(c.outOff); sent > 0 && 2*sent >= len(c.out.B) {
		// What was sent makes room, or a connection that always owes something would
		// keep everything it ever owed.
		c.out.B = c.out.B[:copy(c.out.B, c.out.B[sent:])]
		c.outOff = 0
	}
	c.out.Write(p)
}

// Owed returns how many bytes were accepted for sending that the peer has not
// taken. Loop mode only.
func (c *Conn) Owed() int {
	if c.out == nil {
		return 0
	}
	return len(c.out.B) - int(c.outOff)
}

// OwedMax is the high-water mark of Owed.
func (c *Conn) OwedMax() int { return int(c.owedMax) }

// Blocked reports whether the peer takes no bytes now. Loop mode only.
func (c *Conn) Blocked() bool { return c.out != nil || !c.writable }

// CloseWrite sends FIN after everything owed: the peer sees the end of the stream
// and may still send. A Write that another fiber is in the middle of ends with EPIPE.
// Loop mode only.
func (c *Conn) CloseWrite() error {
	if c.err != nil || c.fin {
		return c.err
	}
	c.fin = true
	if c.writer != nil {
		c.writer.Ready()
	}
	if c.out != nil {
		c.finAfter = true
		return nil
	}
	return c.transport.CloseWrite()
}
