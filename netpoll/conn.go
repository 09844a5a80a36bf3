package netpoll

import (
	"io"
	"math"
	"net"
	"net/netip"

	"github.com/heddle-go/heddle/fiber"
	"github.com/valyala/bytebufferpool"
)

// A Transport is an engine's side of one connection. Loop mode only; no method
// waits. The engine reports changes through Conn.Readable, Writable and Gone.
//
//fiberc:nowait
type Transport interface {
	// Receive adds at least one byte that has arrived to c's Buffered, through
	// Lender.Room and Lend or through Conn.Spare and Filled. Errors: ErrWouldBlock,
	// io.EOF, or what broke the connection.
	Receive(c *Conn) error
	// Read receives directly into p, of at least one byte, with the same errors.
	Read(p []byte) (n int, err error)
	// Send takes as many bytes as it can without waiting, and says how many.
	// ErrWouldBlock with n < len(p): the rest must wait for Writable.
	Send(p []byte) (n int, err error)
	// SendVec is Send for several buffers in order.
	SendVec(bufs [][]byte) (n int, err error)
	// CloseWrite sends FIN after everything sent so far.
	CloseWrite() error
	// Close frees the connection. abort resets it instead of closing it in order.
	Close(abort bool) error
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	// FD returns the descriptor, -1 if there is none.
	FD() int
}

// Hooks are what a machine wants to hear about its connection. They are called in
// loop mode and must not park.
//
//fiberc:nowait
type Hooks interface {
	// Sealed says that bytes lent by Receive have moved: from now on they are at
	// fresh, which begins with what Receive returned last less what was consumed.
	Sealed(fresh []byte)
	// Gone says that the peer has closed its side (io.EOF) or that the connection
	// broke; each is said once, and a connection may break after its end was said.
	// Bytes that arrived before can still be received.
	Gone(cause error)
}

// A Conn is a stream connection of one loop. Its own methods are for machines, in
// loop mode, and never wait; As gives straight-line code a net.Conn.
type Conn struct {
	transport Transport
	lender    *Lender
	hooks     Hooks        // may be nil
	reader    *fiber.Fiber // made ready by Readable; holder only
	writer    *fiber.Fiber // made ready when the owed bytes have gone; holder only

	in  *bytebufferpool.ByteBuffer // arrived and not consumed, if the loan was sealed
	out *bytebufferpool.ByteBuffer // owed to the peer
	err error                      // why nothing works any more

	inOff, outOff int32
	owedMax       int32
	readable      bool // a Receive may find something
	writable      bool // a Send may find room
	drain         bool // err concerns sending: what has arrived can still be received
	ended         bool // the peer's FIN was reported
	broken        bool // a broken connection was reported
	fin           bool // CloseWrite was called
	finAfter      bool // it waits until nothing is owed
	closing       bool // only what is owed still goes, and then it is closed
	closed        bool
	roomy         bool // in has room behind it that Spare may give, see there
	strayed       bool // others may be reading in: it is not used again, see Lender.keep
}

// Init makes c a connection of an engine. Engines only, in loop mode.
func (c *Conn) Init(t Transport, b *Lender, owedMax int) {
	*c = Conn{transport: t, lender: b, owedMax: int32(min(owedMax, math.MaxInt32)), readable: true, writable: true}
}

// Loop returns the loop the connection belongs to. Any goroutine may call it.
func (c *Conn) Loop() *fiber.Loop { return c.lender.loop }

// SetHooks makes h hear about the connection. Loop mode only.
func (c *Conn) SetHooks(h Hooks) { c.hooks = h }

// SetReader makes f ready whenever bytes, the end or an error have arrived, and nobody
// else: the wait of another fiber ends with net.ErrClosed. With nil whoever was set gives
// up the place. Loop mode only.
func (c *Conn) SetReader(f *fiber.Fiber) { displace(&c.reader, f) }

// SetWriter makes f ready when nothing is owed any more, and nobody else; otherwise as
// SetReader. Loop mode only.
func (c *Conn) SetWriter(f *fiber.Fiber) { displace(&c.writer, f) }

// displace gives a place to f. Whoever had it finds out when it runs.
func displace(place **fiber.Fiber, f *fiber.Fiber) {
	if had := *place; had != nil && f != nil && had != f {
		had.Ready()
	}
	*place = f
}

// Receive lends all bytes that have arrived and were not consumed yet, at least one
// more than at the last call. They are the caller's to read until its next park or
// the end of its turn; if it still needs them then, Hooks.Sealed tells where they
// are. Errors: ErrWouldBlock, io.EOF, or why the connection broke. Loop mode only.
func (c *Conn) Receive() ([]byte, error) {
	if err := c.mayRead(); err != nil {
		return nil, err
	}
	if err := c.transport.Receive(c); err != nil {
		return nil, c.readError(err)
	}
	return c.Buffered(), nil
}

// mayRead returns why there is no point in asking the engine for bytes.
func (c *Conn) mayRead() error {
	switch {
	case c.err != nil && !(c.drain && c.readable):
		return c.err
	case !c.readable:
		return ErrWouldBlock
	}
	return nil
}

// readError takes note of what a read returned instead of bytes.
func (c *Conn) readError(err error) error {
	switch {
	case c.err == nil:
		if err != ErrWouldBlock && err != io.EOF {
			c.fail(err, false)
		}
		return err
	case err == io.EOF && c.ended:
		return err
	}
	// The connection broke before, and everything that had arrived is read. The kernel
	// may call that the end of the stream; it is not.
	c.drain = false
	return c.err
}

// Buffered returns the bytes that were lent and not consumed. Loop mode only.
func (c *Conn) Buffered() []byte {
	if c.in != nil {
		return c.in.B[c.inOff:]
	}
	if c.lender.borrower == c {
		return c.lender.lent
	}
	return nil
}

// Spare returns room for a read after the bytes that were not consumed, nil if there
// are none: then the engine's own memory serves. Engines only.
func (c *Conn) Spare() []byte {
	if c.lender.borrower == c {
		c.lender.seal()
	}
	if c.in == nil {
		return nil
	}
	b := c.in.B
	// What a pool has left behind a copy is not counted: how much is read at once is not to
	// depend on what others did before.
	if free := cap(b) - len(b); free < spareBytes || !c.roomy {
		// Room grows with what is not consumed. What was counts only up to what a Receive
		// without a rest could return, or a peer whose messages never end where a Receive
		// does would make the connection keep twice what it ever sent.
		room := max(2*len(b[c.inOff:]), min(2*len(b), lendBytes)) + spareBytes
		b = append(make([]byte, 0, room), b[c.inOff:]...)
		c.in.B, c.inOff, c.roomy, c.strayed = b, 0, true, false
		if c.hooks != nil {
			c.hooks.Sealed(b)
		}
	}
	return b[len(b):cap(b)]
}

// spareBytes is the least room for a read after bytes kept from earlier: little, because
// thousands of peers that send a head byte by byte have it each; it doubles if more comes.
const spareBytes = 512

// Filled says that n bytes were read into Spare. Engines only.
func (c *Conn) Filled(n int) { c.in.B = c.in.B[:len(c.in.B)+n] }

// Lender returns the read buffer of c's loop. Engines only.
func (c *Conn) Lender() *Lender { return c.lender }

// Drained says that a Receive would find nothing. Engines only.
func (c *Conn) Drained() { c.readable = false }

// Consume gives back the first n bytes of Buffered. A closed connection has given back
// everything already, whoever closed it. Loop mode only.
func (c *Conn) Consume(n int) {
	if c.closed {
		return
	}
	if c.in == nil {
		if n > 0 && c.lender.borrower != c {
			panic("netpoll: Consume of more than is buffered")
		}
		c.lender.consume(n)
		return
	}
	if c.lender.poison && !c.strayed {
		poison(c.in.B[c.inOff:][:n])
	}
	c.inOff += int32(n)
	if int(c.inOff) == len(c.in.B) {
		if !c.strayed {
			kept.Put(c.in)
		}
		c.in, c.inOff = nil, 0
	}
}

// Close frees the connection; what is owed and not sent is lost, and the peer learns that
// the stream was cut, as by Abort, so callers that care wait for Owed to be 0 first.
// Fibers waiting in a View get net.ErrClosed. A second call does nothing. Loop mode only.
func (c *Conn) Close() error { return c.close(false) }

// Abort is Close by reset: the peer learns that the stream was cut.
// Loop mode only.
func (c *Conn) Abort() error { return c.close(true) }

func (c *Conn) close(abort bool) error {
	if c.closed {
		return nil
	}
	c.closed = true
	err := c.transport.Close(abort || c.Owed() > 0)
	c.fail(net.ErrClosed, false)
	if c.hooks != nil && c.lender.borrower == c {
		c.lender.seal() // the machine may go on with it: a handler whose client was cut off
	}
	c.hooks = nil
	// A handler beside the loop may be reading what it borrowed: what was sealed goes
	// to the collector, not to the pool.
	c.in, c.inOff = nil, 0
	c.lender.forget(c)
	return err
}

// Closing says that f closes the connection as soon as what is owed has gone, of which
// SetWriter tells it, or it gives up: until then nobody else can send or wait for it, but
// gets net.ErrClosed. Loop mode only.
func (c *Conn) Closing(f *fiber.Fiber) {
	c.closing = true
	c.SetWriter(f)
}

// Closed reports whether Close was called. Loop mode only.
func (c *Conn) Closed() bool { return c.closed }

// Err returns why the connection is broken, nil while it is not. Loop mode only.
func (c *Conn) Err() error { return c.err }

// fail makes every later call return err and wakes whoever waits. drain says that
// what has arrived can still be received.
func (c *Conn) fail(err error, drain bool) {
	c.err, c.drain = err, drain
	if c.out != nil {
		bytebufferpool.Put(c.out)
		c.out, c.outOff = nil, 0
	}
	c.readable, c.writable = true, true
	if c.reader != nil {
		c.reader.Ready()
	}
	if c.writer != nil && c.writer != c.reader {
		c.writer.Ready()
	}
}

// LocalAddr returns the local address, nil on a closed connection. Loop mode only.
func (c *Conn) LocalAddr() net.Addr { return c.transport.LocalAddr() }

// RemoteAddr returns the peer's address. Loop mode only.
func (c *Conn) RemoteAddr() net.Addr { return c.transport.RemoteAddr() }

// RemoteIP returns the peer's address without its port, the zero value if it has none. It
// costs no allocation where the engine knows it so, and a closed connection still tells.
// Loop mode only.
func (c *Conn) RemoteIP() netip.Addr {
	if t, ok := c.transport.(interface{ RemoteAddrPort() netip.AddrPort }); ok {
		return t.RemoteAddrPort().Addr()
	}
	return addrPort(c.transport.RemoteAddr()).Addr()
}

// FD returns the descriptor, -1 if the engine has none. It stays the engine's: the
// caller may set socket options, not read, write or close. Loop mode only.
func (c *Conn) FD() int { return c.transport.FD() }

// Readable is the engine's report that a Receive may find something. Engines only, as
// Writable and Gone; but a machine may say so itself to have the next Receive ask the kernel for
// what the engine has not reported yet.
func (c *Conn) Readable() {
	c.readable = true
	if c.reader != nil {
		c.reader.Ready()
	}
}

// Writable is the engine's report that a Send may find room.
func (c *Conn) Writable() {
	c.writable = true
	if c.out != nil {
		n, err := c.transport.Send(c.out.B[c.outOff:])
		c.outOff += int32(n)
		if err != nil {
			c.sendError(err)
			return
		}
		bytebufferpool.Put(c.out)
		c.out, c.outOff = nil, 0
		if c.finAfter {
			c.finAfter = false
			c.transport.CloseWrite()
		}
	}
	if c.writer != nil {
		c.writer.Ready()
	}
}

// Gone is the engine's report that the peer has closed its side (io.EOF) or reset
// the connection. What arrived before can still be received.
func (c *Conn) Gone(cause error) {
	end := cause == io.EOF
	if c.closed || c.broken || end && c.ended {
		return
	}
	if end {
		c.ended = true
		c.Readable()
	} else {
		c.broken = true
		if c.err == nil {
			c.fail(cause, true)
		}
	}
	if c.hooks != nil {
		c.hooks.Gone(cause)
	}
}

// PeerGone reports whether the peer has closed its side or the connection broke.
// Loop mode only.
func (c *Conn) PeerGone() bool { return c.ended || c.broken }
