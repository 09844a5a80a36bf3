package netpoll

import (
	"errors"
	"io"
	"math"
	"net"
	"os"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A View is a connection as one fiber sees it: a net.Conn whose Read and Write park
// that fiber, and no thread, until they can go on. Only the fiber's own code may use
// it. A reader and a writer that work at once are two fibers and hold a view each;
// two views that read at once, or write at once, are misuse. Waits end with the cause
// when the fiber's scope is canceled.
type View struct {
	c *Conn
	f *fiber.Fiber

	readBy, writeBy int64 // deadlines, loop clock, 0 none; the fiber only
	streak          int   // calls since the fiber last waited; the fiber only
}

// viewBatch is how many calls a view serves before the rest of the loop has its turn,
// though the connection never makes it wait: no peer may starve the others.
const viewBatch = 64

// enter begins a call that may wait.
func (v *View) enter() {
	v.f.Enter()
	if v.streak++; v.streak > viewBatch {
		v.streak = 0
		v.f.GiveWay()
	}
}

// As returns the view of f, which must belong to c's loop. On a connection from
// another loop every call fails: dial or accept on the fiber's own.
func (c *Conn) As(f *fiber.Fiber) *View {
	if f.Loop() != c.Loop() {
		panic("netpoll: the fiber and the connection belong to different loops")
	}
	return &View{c: c, f: f}
}

// Conn returns the connection under the view.
func (v *View) Conn() *Conn { return v.c }

// Fiber returns the fiber of the view.
func (v *View) Fiber() *fiber.Fiber { return v.f }

// Read receives at least one byte into p, waiting for it. It returns io.EOF at the
// end of the stream and os.ErrDeadlineExceeded, in a net.Error, after the deadline.
func (v *View) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	v.enter()
	n, err := v.read(p)
	v.f.Leave()
	return n, err
}

func (v *View) read(p []byte) (int, error) {
	c := v.c
	if v.passed(v.readBy) {
		return 0, opError("read", fiber.ErrTimeout)
	}
	for {
		if b := c.Buffered(); len(b) > 0 {
			n := copy(p, b)
			c.Consume(n)
			return n, nil
		}
		n, err := c.ReadInto(p)
		if err != ErrWouldBlock {
			return n, err
		}
		v.streak = 0
		if err := c.AwaitRead(v.f, v.readBy); err != nil {
			return 0, opError("read", err)
		}
	}
}

// Receive lends what has arrived, at least one byte more than was lent and not
// consumed before, waiting for it. The bytes are the caller's to read until its next
// park or its next Receive, on whichever connection. Errors are those of Read.
func (v *View) Receive() ([]byte, error) {
	v.enter()
	defer v.f.Leave()
	if v.passed(v.readBy) {
		return nil, opError("read", fiber.ErrTimeout)
	}
	for {
		b, err := v.c.Receive()
		if err != ErrWouldBlock {
			v.c.lender.pin(v.c)
			return b, err
		}
		if err := v.c.AwaitRead(v.f, v.readBy); err != nil {
			return nil, opError("read", err)
		}
	}
}

// Buffered returns the bytes that Receive lent and that were not consumed, under the
// same terms, without waiting for more: after a write, say, which may have moved them.
func (v *View) Buffered() []byte {
	v.f.Enter()
	v.c.lender.pin(v.c)
	b := v.c.Buffered()
	v.f.Leave()
	return b
}

// Consume gives back the first n bytes that Receive lent.
func (v *View) Consume(n int) {
	v.f.Enter()
	v.c.Consume(n)
	v.f.Leave()
}

// Write sends p. It returns when the peer's side has taken it or at most OwedMax
// bytes are still owed, parking the fiber until then. n is less than len(p) only
// with an error, and counts what was accepted for sending. p may be bytes that
// Receive lent.
func (v *View) Write(p []byte) (int, error) {
	v.enter()
	var n int
	err := fiber.ErrTimeout
	if !v.passed(v.writeBy) {
		n, err = v.c.WriteWait(v.f, p, v.writeBy)
	}
	v.f.Leave()
	if err != nil {
		err = opError("write", err)
	}
	return n, err
}

// WriteVec sends several buffers in order with as few system calls as possible,
// waiting like Write. bufs is overwritten.
func (v *View) WriteVec(bufs [][]byte) error {
	v.enter()
	defer v.f.Leave()
	if v.passed(v.writeBy) {
		return opError("write", fiber.ErrTimeout)
	}
	if v.c.Owed() > v.c.OwedMax() {
		v.c.lender.keep() // as in WriteWait
	}
	if err := v.c.AwaitRoom(v.f, v.writeBy); err != nil {
		return opError("write", err)
	}
	if err := v.c.SendVec(bufs); err != nil {
		return err
	}
	if err := v.c.AwaitRoom(v.f, v.writeBy); err != nil {
		return opError("write", err)
	}
	return nil
}

// CloseWrite sends FIN after everything written: the peer sees the end of the
// stream and may still send.
func (v *View) CloseWrite() error {
	v.f.Enter()
	defer v.f.Leave()
	return v.c.CloseWrite()
}

// closeWait bounds the wait of a Close without a write deadline.
const closeWait = 30 * time.Second

// Close waits until what was written has gone to the kernel, as long as the write
// deadline allows, 30 s if there is none, and closes the connection: by reset if
// something is still owed then, as after a cancellation, which ends the wait. Other fibers get
// net.ErrClosed: one that is in the middle of a Write at once, of which a part may have
// gone; one that waits for bytes when the connection is closed. So does Close itself if
// another closes the connection meanwhile, or takes it over (Conn.Closing) to do so.
func (v *View) Close() error {
	v.f.Enter()
	defer v.f.Leave()
	if v.c.closed || v.c.closing {
		return net.ErrClosed
	}
	var err error
	if v.c.Owed() > 0 {
		v.c.Closing(v.f)
		by := v.writeBy
		if by == 0 {
			by = v.f.Loop().Clock() + int64(closeWait)
		}
		if err = v.c.AwaitSent(v.f, by); err == net.ErrClosed {
			return err // what is owed is for another to wait for now
		} else if err != nil {
			err = opError("close", err)
		}
	}
	if cerr := v.c.Close(); err == nil {
		err = cerr
	}
	return err
}

// Abort closes the connection by reset: the peer learns that the stream was cut.
func (v *View) Abort() error {
	v.f.Enter()
	defer v.f.Leave()
	return v.c.Abort()
}

// LocalAddr returns the local address, nil on a closed connection.
func (v *View) LocalAddr() net.Addr {
	v.f.Enter()
	defer v.f.Leave()
	return v.c.LocalAddr()
}

// RemoteAddr returns the peer's address.
func (v *View) RemoteAddr() net.Addr {
	v.f.Enter()
	defer v.f.Leave()
	return v.c.RemoteAddr()
}

// SetDeadline bounds all later waits of this view. The zero time means no bound. It
// does not reach a wait that another fiber is in: views have deadlines of their own.
func (v *View) SetDeadline(t time.Time) error {
	v.SetReadDeadline(t)
	return v.SetWriteDeadline(t)
}

// SetReadDeadline bounds later reads.
func (v *View) SetReadDeadline(t time.Time) error {
	v.readBy = v.clock(t)
	return nil
}

// SetWriteDeadline bounds later writes.
func (v *View) SetWriteDeadline(t time.Time) error {
	v.writeBy = v.clock(t)
	return nil
}

// clock turns a time into the loop's clock.
func (v *View) clock(t time.Time) int64 { return loopTime(v.f.Loop(), t) }

// loopTime turns a time into l's clock; the zero time into 0, none.
func loopTime(l *fiber.Loop, t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	now, d := l.Clock(), int64(time.Until(t))
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return max(now+d, 1)
}

// passed reports whether a deadline lies in the past: then a call fails even if it
// need not wait. On the baton.
func (v *View) passed(by int64) bool { return by != 0 && by <= v.f.Loop().Now() }

// opError turns the errors of a park into those that users of net.Conn test for.
func opError(op string, err error) error {
	if err == fiber.ErrTimeout {
		return &OpError{Op: op, Err: os.ErrDeadlineExceeded}
	}
	var known *OpError
	if err == io.EOF || errors.As(err, &known) {
		return err
	}
	return &OpError{Op: op, Err: err}
}
