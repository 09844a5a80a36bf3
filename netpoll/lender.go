package netpoll

import (
	"sync/atomic"

	"github.com/heddle-go/heddle/fiber"
	"github.com/valyala/bytebufferpool"
)

// A Lender is a loop's read buffer, lent to one connection at a time. The bytes stay
// where the kernel put them for as long as their borrower finishes in its turn; only
// when another connection needs the buffer while they are still wanted are they
// copied (sealed) to memory of the connection's own. If user code that may be reading
// them goes on beside the loop, the buffer is left to it and a new one taken.
// Holder only but for buf.
type Lender struct {
	loop     *fiber.Loop                     // immutable
	buf      atomic.Pointer[[lendBytes]byte] // the holder changes it, see Conn.Lent
	borrower *Conn
	lent     []byte // part of buf that the borrower has not consumed
	pinned   bool   // a View's fiber has the slice: nobody can tell it where the bytes move
	poison   bool   // overwrite what is given back (checked mode)
}

// lendBytes is the size of a loop's read buffer: what one Receive can return.
const lendBytes = 64 << 10

// NewLender makes the read buffer of a loop. Engines only, before the loop runs.
func NewLender(l *fiber.Loop) *Lender {
	b := &Lender{loop: l, poison: l.Runtime().Checked()}
	b.buf.Store(new([lendBytes]byte))
	l.OnOff(b.leave)
	l.OnPark(b.part)
	return b
}

// Room returns the buffer for a read of c's, empty; whoever held it is sealed first.
func (b *Lender) Room(c *Conn) []byte {
	b.part()
	return b.buf.Load()[:]
}

// part makes the buffer nobody's. In checked mode every park does, as another connection
// that receives might: then what was borrowed before it is poison at once.
func (b *Lender) part() {
	if b.borrower != nil {
		b.seal()
	}
}

// Lend records that the first n bytes of the buffer are lent to c.
func (b *Lender) Lend(c *Conn, n int) {
	b.borrower, b.lent, b.pinned = c, b.buf.Load()[:n], false
}

// pin says that c's loan went to straight-line code.
func (b *Lender) pin(c *Conn) {
	if b.borrower == c {
		b.pinned = true
	}
}

// consume gives back the first n lent bytes.
func (b *Lender) consume(n int) {
	if b.poison {
		poison(b.lent[:n])
	}
	b.lent = b.lent[n:]
	if len(b.lent) == 0 {
		b.borrower = nil
	}
}

// seal copies what is lent to memory of the borrower's own.
func (b *Lender) seal() {
	c := b.borrower
	b.borrower = nil
	c.in, c.roomy, c.strayed = keptCopy(b.lent), false, false
	c.inOff = 0
	if b.poison {
		poison(b.lent)
	}
	b.lent = nil
	if c.hooks != nil {
		c.hooks.Sealed(c.in.B)
	}
}

// kept has the buffers behind Conn.in. A pool of their own: most are as small as the head
// of a request, and buffers of the size of replies would be kept by thousands.
var kept bytebufferpool.Pool

// keptSlack is how many bytes a buffer may be larger than what it is for.
const keptSlack = 1 << 10

// keptCopy copies p to a buffer of about its size.
func keptCopy(p []byte) *bytebufferpool.ByteBuffer {
	b := kept.Get()
	if cap(b.B) > 2*len(p)+keptSlack {
		kept.Put(b)
		b = &bytebufferpool.ByteBuffer{}
	}
	b.B = append(b.B[:0], p...)
	return b
}

// leave is called when a fiber goes on beside the loop.
func (b *Lender) leave(_ *fiber.Fiber, stolen bool) {
	if b.borrower == nil {
		return
	}
	if !stolen && !b.pinned {
		b.seal()
		return
	}
	b.keep()
}

// keep leaves the buffer to whoever may be reading the lent bytes right now, a stray or
// a Write of these very bytes: they must not move, nor be written again. The collector
// frees them in the end.
func (b *Lender) keep() {
	if b.borrower == nil {
		return
	}
	c := b.borrower
	c.in, c.roomy, c.strayed = &bytebufferpool.ByteBuffer{B: b.lent}, true, true
	c.inOff = 0
	b.borrower, b.lent = nil, nil
	b.buf.Store(new([lendBytes]byte))
}

// forget ends a loan without a copy.
func (b *Lender) forget(c *Conn) {
	if b.borrower == c {
		b.consume(len(b.lent))
	}
}

// poison overwrites bytes whose loan is over, so that reading them later shows.
func poison(p []byte) {
	for i := range p {
		p[i] = poisonByte
	}
}

const poisonByte = 0xDB
