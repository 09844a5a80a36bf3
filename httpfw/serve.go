package httpfw

import (
	"context"
	"io"
	"net/http"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/fiber/abi"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/valyala/bytebufferpool"
)

// conn is an HTTP/1 connection: a machine, so that one that waits for a request, or
// for a slow client to take its replies, holds no stack and no buffer. Its phases:
//
//	head    waits for a request, or for the rest of its head
//	busy    a handler runs, or waits in the middle: on a stack, or, compiled, in its frames
//	flush   the client owes reading: nothing more is answered until it has
//	drain   the rest of a body that the handler did not read
//	linger  the last reply is sent; what still arrives is thrown away, so that
//	        the reply is not lost to a reset
//
// Requests that came together are answered in order and their replies sent together.
// Holder only.
type conn struct {
	fiber fiber.Fiber
	nc    *netpoll.Conn
	shard *shard
	ctx   *Ctx                       // busy and drain
	out   *bytebufferpool.ByteBuffer // replies not handed to nc yet

	waiting *waiting // nil unless something is half done
	phase   phase
	next    phase // after flush; phaseGiven behind phaseGone
	partial bool  // waiting.head is set: the head has begun
	served  bool  // at least one request was answered
	last    bool  // the connection ends after this reply
	held    bool  // in shard.held
	burst   uint8 // requests answered without letting others run
	waste   uint8 // linger: receives
}

type phase uint8

const (
	phaseHead phase = iota
	phaseBusy
	phaseFlush
	phaseDrain
	phaseLinger
	phaseGone  // hijacked, or closed
	phaseGiven // as next: a net.Conn has it that outlives the handler
)

const (
	wasteMax    = 255
	thrownMax   = 256 << 10  // bytes of an unread body, with receiveCost for each receive
	receiveCost = 64         // so that a body in drips is dear
	outBytes    = 32 << 10   // replies are sent when this much has gathered
	lingerWait  = int64(5e9) // ns for the client to see the last reply and close
)

// accept makes a machine of a new connection. Loop mode.
func (sh *shard) accept(nc *netpoll.Conn) {
	if sh.srv.draining.Load() {
		nc.Close()
		return
	}
	if refusal := sh.srv.admitted.admit(nc); refusal != 0 {
		sh.turnAway(nc, refusal)
		return
	}
	c := &conn{nc: nc, shard: sh}
	sh.srv.open.Add(1)
	nc.SetHooks(c)
	nc.SetReader(&c.fiber)
	sh.loop.Start(&c.fiber, c)
}

// Resume runs the connection until it has to wait.
func (c *conn) Resume(f *fiber.Fiber) fiber.Status {
	if f.Left() && !c.goOn(f) {
		return f.Wait()
	}
	if f.Err() != nil {
		return c.close(false)
	}
	if f.Expired() && c.timeout() {
		return c.close(c.phase == phaseFlush)
	}
	for {
		var wait bool
		switch c.phase {
		case phaseHead:
			wait = c.readHead(f)
		case phaseFlush:
			wait = c.awaitFlush(f)
		case phaseDrain:
			wait = c.drain(f)
		case phaseLinger:
			wait = c.linger(f)
		}
		if f.Left() {
			return f.Wait()
		}
		if c.phase == phaseGone {
			return fiber.Done
		}
		if wait {
			return fiber.Waiting
		}
		if c.burst >= c.shard.limits.burst {
			c.burst = 0
			c.flush()
			return fiber.Again
		}
	}
}

// readHead receives and answers requests. It reports true when it has to wait.
func (c *conn) readHead(f *fiber.Fiber) (wait bool) {
	buf := c.nc.Buffered()
	if len(buf) == 0 || c.partial {
		c.flush()
	}
	if c.nc.Owed() > c.nc.OwedMax() {
		c.flush()
		return c.await(phaseFlush, phaseHead)
	}
	if len(buf) == 0 || c.partial {
		ending := c.shard.srv.draining.Load() && !c.partial
		var err error
		if buf, err = c.nc.Receive(); err == netpoll.ErrWouldBlock && ending {
			c.nc.Readable() // the close would answer with a reset what came since the loop last looked
			buf, err = c.nc.Receive()
		}
		if err == netpoll.ErrWouldBlock {
			if ending {
				return c.await(phaseFlush, phaseGone)
			}
			c.arm()
			return true
		} else if err != nil {
			if c.nc.Owed() > 0 && err == io.EOF {
				c.last = true // it may still be reading
				return c.await(phaseFlush, phaseLinger)
			}
			c.close(false)
			return false
		}
	}
	x := c.shard.takeCtx()
	if c.partial {
		x.req.Resume(c.waiting.head)
	} else {
		x.req.Resume(http1.Progress{})
	}
	n, err := x.req.Parse(buf, &c.shard.limits.head)
	if err != nil {
		c.shard.putCtx(x)
		c.refuse(err)
		return false
	}
	if n == 0 {
		c.wait().head = x.req.Progress()
		c.shard.putCtx(x)
		if !c.partial {
			c.partial = true
			c.waiting.headBy = c.after(c.shard.limits.header)
		}
		return false
	}
	c.partial = false
	c.burst++
	c.answer(f, x, buf[:n])
	return false
}

// arm sets the deadline of a wait for the next request.
func (c *conn) arm() {
	c.burst = 0
	if c.partial {
		c.fiber.SetDeadline(c.waiting.headBy) // there may have been another wait meanwhile
		return
	}
	c.waiting = nil // an idle connection keeps nothing
	d := c.shard.limits.idle
	if !c.served {
		d = c.shard.limits.firstByte
	}
	c.within(d)
}

// within sets the deadline of the wait that follows; 0 ns means none.
func (c *conn) within(d int64) { c.fiber.SetDeadline(c.after(d)) }

// after returns the time of the loop clock in d ns, 0 for 0.
func (c *conn) after(d int64) int64 {
	if d > 0 {
		d += c.shard.loop.Now()
	}
	return d
}

// answer runs the handler for the request in x, whose head is lent by the connection,
// and puts its reply behind those that wait to be sent.
func (c *conn) answer(f *fiber.Fiber, x *Ctx, head []byte) {
	c.phase, c.ctx = phaseBusy, x
	x.conn, x.fiber = c, f
	x.headLen = int32(len(head))
	f.SetDeadline(0) // that of the wait for this request
	if x.startBody(c.shard.limits.body) {
		// The body follows in the connection's buffers: the head makes room for it.
		x.own(head)
		c.nc.Consume(len(head))
	}
	r := c.shard.app.route(x)
	x.route = r
	if c.out != nil && !c.held {
		c.held = true
		c.shard.held = append(c.shard.held, c)
	}
	if c.nc.PeerGone() && !r.keepRunning {
		f.Cancel(ErrClientGone) // it closed its side behind the request
	}
	f.Offer(abi.PC(r.handler))
	f.BeginUser(r.site)
	if err := r.handler(x); !f.Left() {
		c.answered(f, x, err)
	}
}

// answered is what follows a handler, compiled or not.
func (c *conn) answered(f *fiber.Fiber, x *Ctx, err error) {
	if err != nil {
		x.fail(err)
	}
	f.EndUser()
	c.held = false
	c.finish(f, x)
}

// finish completes the reply after the handler has returned.
func (c *conn) finish(f *fiber.Fiber, x *Ctx) {
	c.served = true
	if x.reply.hijack {
		c.ctx = nil
		f.EndScopes()
		if c.phase != phaseGone {
			c.nc.SetReader(f) // it is this machine's again, whoever still uses it
			c.nc.Closing(f)
			c.await(phaseFlush, phaseLinger) // what the handler wrote is not to be lost
		}
		return
	}
	// The request is over: its cancellation does not reach its reply.
	x.kept = f.EndScopes() || f.Shared()
	if c.nc.Err() != nil {
		c.release(f, x)
		c.close(false)
		return
	}
	if !x.req.KeepAlive || x.reply.close || c.shard.srv.draining.Load() || x.isConnect() {
		c.last = true // behind a CONNECT that no handler has taken over, nothing is a request
	}
	unread := !x.body.done()
	if x.body.ends(unread) {
		c.last = true
	}
	if !x.complete() {
		// The handler gave up in the middle of its reply, or announced another length:
		// only a cut connection tells the client.
		c.release(f, x)
		c.flush()
		c.close(true)
		return
	}
	if x.headLen > 0 {
		c.nc.Consume(int(x.headLen))
		x.headLen = 0
	}
	c.phase = phaseHead
	switch {
	case unread && !c.last:
		c.wait().thrown = 0
		c.flush()
		if c.resting() {
			c.await(phaseFlush, phaseDrain)
		} else {
			c.beginDrain()
		}
		return // x is still needed
	case c.last:
		c.flush()
		if unread || x.req.KeepAlive && (x.reply.close || x.isConnect()) || c.more() {
			c.await(phaseFlush, phaseLinger)
		} else {
			c.await(phaseFlush, phaseGone)
		}
	case c.resting():
		c.await(phaseFlush, phaseHead)
	case c.out != nil && len(c.out.B) > outBytes:
		c.flush()
	}
	c.release(f, x)
}

// release gives x back for reuse, unless something else may hold on to it.
func (c *conn) release(f *fiber.Fiber, x *Ctx) {
	c.ctx = nil
	if x.kept {
		return
	}
	c.shard.putCtx(x)
}

// Ended is called when the fiber has ended, however. After a panic or a Goexit in a
// handler the client gets an error reply, or a cut connection if its reply had begun.
func (c *conn) Ended(_ *fiber.Fiber, cause error) {
	x := c.ctx
	c.ctx = nil
	if x != nil && x.work == nil {
		x.work = c.shard.takeWork() // it ended in the middle of its wait
	}
	if cause == nil || c.nc.Closed() || x == nil || x.reply.hijack {
		if c.phase != phaseGone {
			c.close(true)
		}
		c.left()
		return
	}
	if x.reply.begun {
		c.close(true)
		c.left()
		return
	}
	c.held, c.partial = false, false
	c.shard.loop.Start(&c.fiber, c)
	c.lastWords(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
}

// Sealed moves the request's head with the bytes that the connection had lent.
func (c *conn) Sealed(fresh []byte) {
	x := c.ctx
	if x == nil || x.headLen == 0 || c.fiber.Left() && !c.fiber.Shared() && x.rest() {
		return
	}
	x.rebase(fresh[:x.headLen])
}

// Gone cancels the request when its client goes away while the handler runs.
func (c *conn) Gone(cause error) {
	if x := c.ctx; x != nil && c.phase == phaseBusy && (x.route == nil || !x.route.keepRunning) {
		c.fiber.Cancel(ErrClientGone)
	}
}

// BaseContext is where the contexts of a request take their values from.
func (c *conn) BaseContext() context.Context { return c.shard.app.config.BaseContext }

func (c *conn) String() string {
	if c.ctx != nil && c.ctx.route != nil {
		return "httpfw: " + c.ctx.route.method + " " + c.ctx.route.pattern
	}
	return "httpfw: connection"
}
