package httpfw

import (
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/fiber/abi"
)

// What a connection does for a handler that is compiled and has left its stack to wait:
// it goes on with it, and keeps less of its request meanwhile. Holder only.

// goOn continues a compiled handler that has left to wait. It reports false if it waits
// again.
func (c *conn) goOn(f *fiber.Fiber) bool {
	if c.ctx.work == nil {
		c.ctx.resume()
	}
	done := f.Continue()
	if f.Left() {
		return false
	}
	c.answered(f, c.ctx, abi.Results[abi.R1[error]](fiber.StackOf(f), done).A)
	return true
}

// rest gives work back while a compiled handler waits, unless it has begun to say what
// its reply is. Nothing else looks at a Ctx meanwhile. On the baton.
func (x *Ctx) rest() bool {
	if !x.reply.untouched() {
		return false
	}
	if x.moved {
		x.req.Reset()
		x.moved = false
	}
	x.conn.shard.putWork(x.work)
	x.work = nil
	return true
}

// resume undoes rest. On the baton.
func (x *Ctx) resume() {
	x.work = x.conn.shard.takeWork()
	x.rebase(x.conn.nc.Buffered()[:x.headLen])
}
