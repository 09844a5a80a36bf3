package httpfw

import "github.com/heddle-go/heddle/codec/http1"

// waiting is what a connection has to remember only while it waits in the middle of
// something: most never do, so it is made on demand. On the baton.
type waiting struct {
	head   http1.Progress // of a head that is half there
	headBy int64          // loop clock: when the rest of it must have come, 0 never
	lag    lag            // of the client in taking what it is owed
	thrown int            // bytes of an unread body, see drain
	owed   int            // bytes it was owed when lag was last brought up to date
	rest   []byte         // the end of a reply that the connection has not been given yet
}

// wait returns c.waiting, made now if there is none.
func (c *conn) wait() *waiting {
	if c.waiting == nil {
		c.waiting = &waiting{}
	}
	return c.waiting
}

// owing begins a wait for the client to take what it is owed, or goes on with one, during
// which n more bytes were given to the connection. It returns how long to wait (loop
// clock, 0 for ever), and whether the client may be waited for at all.
func (c *conn) owing(n int) (until int64, ok bool) {
	w, lim := c.wait(), c.shard.limits
	now := c.shard.loop.Clock()
	owed := c.nc.Owed()
	if w.lag.since == 0 {
		w.owed, n = owed, 0
		w.lag.begin(now)
	}
	if taken := w.owed + n - owed; taken > 0 {
		w.lag.moved(taken, now, lim.writeRate)
	}
	w.owed = owed
	until = w.lag.until(lim.wait, lim.writeRate, lim.grace)
	return until, until == 0 || now < until
}

// paid ends such a wait, because the client has taken enough.
func (c *conn) paid(n int) {
	if w := c.waiting; w != nil && w.lag.since != 0 {
		c.owing(n)
		w.lag.end()
	}
}
