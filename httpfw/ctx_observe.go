package httpfw

// What a middleware can learn about a reply once the handler inside has returned.

// Fail makes the reply to an error now, through Config.ErrorHandler, as happens
// otherwise when the outermost middleware has returned it. A middleware that wants to
// see the reply's status calls it and returns nil.
func (c *Ctx) Fail(err error) { c.fail(err) }

// ReplyBytes returns how many bytes of body the reply has so far.
func (c *Ctx) ReplyBytes() int64 {
	r := &c.reply
	switch {
	case c.isHead() || !c.bodyAllowed(c.Status()):
		return 0
	case r.begun:
		return r.sent
	case r.buf != nil:
		return int64(len(r.buf.B))
	}
	return int64(len(r.text) + len(r.data))
}

// Hijacked reports whether the connection was taken over: then there is no reply.
func (c *Ctx) Hijacked() bool { return c.reply.hijack }
