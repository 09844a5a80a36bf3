package httpfw

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/heddle-go/heddle/netpoll"
)

// Hijack takes the connection over from HTTP, for CONNECT, Upgrade or a protocol of
// its own: replies to earlier requests are sent, and the view reads on from the byte
// behind the request's head, those already received included. The handler goes on as
// the only user of the connection, which is closed when it returns, in an order in which
// the client can read what was written before; fibers of its own (fiber.Group) make their
// views by View.Conn and As, so that one can read while another writes, and get
// net.ErrClosed if they outlive the handler. A route whose clients close their side and
// still read, as tunnels do, says KeepRunning. What the protocol wants for a reply, such as
// 101 or the 200 to CONNECT, is the handler's to write. Errors: ErrReplied once the reply has
// begun, ErrHijacked the second time, ErrClientGone if the connection was cut because the
// client did not read, and another under net/http, where HijackConn works.
func (c *Ctx) Hijack() (*netpoll.View, error) {
	if c.under != nil {
		return nil, errors.New("httpfw: under net/http use HijackConn")
	}
	if err := c.takeOver(); err != nil {
		return nil, err
	}
	return c.conn.nc.As(c.fiber), nil
}

// HijackConn is Hijack for code that is not the handler: the connection is a net.Conn
// that any goroutine may use and that outlives the handler. Whoever has it closes it.
func (c *Ctx) HijackConn() (net.Conn, error) {
	if c.under != nil {
		return c.under.hijack(c)
	}
	if err := c.takeOver(); err != nil {
		return nil, err
	}
	c.fiber.Enter()
	defer c.fiber.Leave()
	k := c.conn
	k.phase, k.next = phaseGone, phaseGiven
	k.nc.SetWriter(nil)
	return &given{Detached: k.nc.Detached(), admitted: &k.shard.srv.admitted, addr: k.nc.RemoteIP()}, nil
}

// A given connection belongs to whoever called HijackConn, and counts against the limits
// on connections until it is closed.
type given struct {
	*netpoll.Detached
	admitted *admission
	addr     netip.Addr
	closed   sync.Once
}

func (g *given) Close() error {
	g.closed.Do(func() { g.admitted.left(g.addr) })
	return g.Detached.Close()
}

// takeOver ends the part of HTTP.
func (c *Ctx) takeOver() error {
	switch {
	case c.reply.hijack:
		return ErrHijacked
	case c.reply.begun:
		return ErrReplied
	}
	c.fiber.Enter()
	defer c.fiber.Leave()
	k := c.conn
	if k.nc.Closed() {
		return ErrClientGone // it was cut, and nothing is left of what it had received
	}
	c.reply.hijack = true
	if c.req.Upgrade && c.req.ExpectContinue && (c.body == nil || c.body.expect) {
		c.goAhead() // RFC 9110 section 7.8: before 101, whatever the handler makes of it
	}
	if c.headLen > 0 {
		head := k.nc.Buffered()[:c.headLen]
		c.own(head)
		k.nc.Consume(len(head))
	}
	k.flush()
	k.nc.SetHooks(nil)
	k.nc.SetReader(nil) // whose turn it is to read is the handler's to say
	return nil
}
