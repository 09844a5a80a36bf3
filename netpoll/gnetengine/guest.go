//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// A guest is the fiber loop on one gnet event loop, and its netpoll.Engine.
//
// While a pump lasts gnet's goroutine waits in it, so the fibers have gnet's connections
// to themselves; that a call comes from another goroutine gnet cannot tell. Between
// pumps they are gnet's. Fibers never call what makes gnet call back (Write and Close
// may): they use the descriptor, and connections that they close are closed in gnet
// after the pump.
//
// Who pumps when gnet's goroutine has ended? Whoever wakes the loop starts a goroutine
// that pumps once. That begins when no connection of the loop is open in gnet any more:
// from then on the two share nothing.
type guest struct {
	engine *Engine
	el     gnet.EventLoop
	loop   *fiber.Loop
	lender *netpoll.Lender

	state   atomic.Int32 // hosted, leaving, orphaned; written under mu
	pumping atomic.Int32 // pumpOff, pumpOn, pumpAgain
	waking  atomic.Int32 // goroutines about to call Execute

	// mu is held by the goroutine that pumps; all below is of the pump's, or of the
	// holder's during one.
	mu        sync.Mutex
	inGnet    int         // connections open in gnet
	conns     *conn       // all that fibers have not closed
	closing   []*conn     // closed by fibers, still open in gnet
	about     *conn       // whom the event concerns
	cause     error       // why gnet closes it
	again     *time.Timer // wakes the loop after a pump that did not bring it to rest
	breathing bool        // again is set

	arrived, departed func() // what pumps report; made once
	iov               [iovMax]unix.Iovec
}

// States of a guest.
const (
	hosted   int32 = iota // gnet's goroutine pumps
	leaving               // gnet's is about to end, having closed its connections
	orphaned              // goroutines of our own pump
)

// States of a pump.
const (
	pumpOff   int32 = iota
	pumpOn          // somebody pumps
	pumpAgain       // and another pump is wanted
)

const iovMax = 64

func newGuest(e *Engine, el gnet.EventLoop) (*guest, error) {
	g := &guest{engine: e, el: el}
	g.arrived = func() { g.about.Readable() }
	g.departed = func() { g.about.depart(g.cause) }
	// Nobody may pump before the loop is complete.
	g.mu.Lock()
	defer g.mu.Unlock()
	l, err := e.rt.Guest(g.wake, g)
	if err != nil {
		return nil, err
	}
	g.loop, g.lender = l, netpoll.NewLender(l)
	return g, nil
}

// open attaches a connection.
func (g *guest) open(c gnet.Conn, accept func(*netpoll.Conn)) gnet.Action {
	g.mu.Lock()
	if g.state.Load() != hosted {
		g.mu.Unlock()
		return gnet.Close
	}
	var t *conn
	g.pump(func() {
		t = newConn(g, c)
		c.SetContext(t)
		g.inGnet++
		accept(&t.Conn)
	})
	if t == nil { // the loop has ended
		g.mu.Unlock()
		return gnet.Close
	}
	return g.unlock(t)
}

// traffic runs the fibers for what has arrived.
func (g *guest) traffic(t *conn) gnet.Action {
	g.mu.Lock()
	if t.Closed() { // gnet has not come to closing it
		g.mu.Unlock()
		return gnet.Close
	}
	g.about = t
	g.pump(g.arrived)
	if !t.Closed() && t.gnet.InboundBuffered() > g.engine.config.InboundBytesMax {
		t.fault = ErrInboundFull
		g.unlock(t)
		return gnet.Close
	}
	return g.unlock(t)
}

// departure says that gnet closes t when the call returns.
func (g *guest) departure(t *conn, cause error) {
	g.mu.Lock()
	g.inGnet--
	t.departing = true
	if !t.Closed() {
		g.about, g.cause = t, cause
		g.pump(g.departed)
		if err := t.outlive(); err != nil {
			g.cause = err
			g.pump(g.departed)
		}
	}
	t.gnet = nil
	if g.inGnet == 0 && g.state.Load() == leaving {
		g.orphan()
	}
	g.unlock(nil)
}

// Run pumps the loop: gnet calls it on the event loop's goroutine for Execute.
func (g *guest) Run(context.Context) error {
	g.mu.Lock()
	g.pump(nil)
	g.unlock(nil)
	return nil
}

// unlock ends a pump on gnet's goroutine: what fibers have closed is closed in gnet. t
// is the connection whose callback runs: gnet closes it by the action returned, and the
// others after the events it has at hand, which may be theirs.
func (g *guest) unlock(t *conn) gnet.Action {
	action := gnet.None
	for i, x := range g.closing {
		g.closing[i] = nil
		switch {
		case x == t:
			action = gnet.Close
		case x.gnet != nil:
			x.gnet.Close()
		}
	}
	g.closing = g.closing[:0]
	g.about = nil
	g.mu.Unlock()
	return action
}

// pump runs the loop. Under mu.
func (g *guest) pump(fn func()) {
	if g.breathing {
		g.breathing = false
		g.again.Stop()
	}
	g.pumping.Store(pumpOn)
	g.loop.Pump(fn)
	if g.pumping.Swap(pumpOff) != pumpAgain {
		return
	}
	g.breathing = true
	if g.again == nil {
		g.again = time.AfterFunc(breath, g.wake)
	} else {
		g.again.Reset(breath)
	}
}

// breath is how long a loop that never comes to rest leaves gnet alone after a pump.
// gnet runs what is given to Execute until nothing more is there before it looks for
// events again, so a task that came at once, or during the next pump, would keep it
// from them.
const breath = 20 * time.Microsecond

// wake makes somebody pump the loop soon. Any goroutine may call it.
func (g *guest) wake() {
	if !g.pumping.CompareAndSwap(pumpOn, pumpAgain) && g.pumping.Load() != pumpAgain {
		g.summon()
	}
}

// summon is wake from outside a pump.
func (g *guest) summon() {
	g.waking.Add(1)
	state := g.state.Load()
	if state == hosted {
		if g.el.Execute(context.Background(), g) != nil {
			state = orphaned // gnet has stopped and nobody told us
		}
	}
	g.waking.Add(-1)
	if state == orphaned {
		go g.substitute()
	}
	// A loop that is being left is pumped for every connection that gnet closes, and
	// once more by orphan.
}

// substitute pumps the loop in gnet's stead.
func (g *guest) substitute() {
	g.mu.Lock()
	g.pump(nil)
	g.mu.Unlock()
}

// leave says that gnet's event loop is about to end. Any goroutine but those of event
// loops may call it.
func (g *guest) leave() {
	g.mu.Lock()
	if g.state.Load() == hosted {
		g.state.Store(leaving)
		if g.inGnet == 0 {
			g.orphan()
		}
	}
	g.mu.Unlock()
	// After this gnet is free to close the descriptor that Execute writes to.
	for g.waking.Load() > 0 {
		runtime.Gosched()
	}
}

// orphan begins the time after gnet, with a pump in case that gnet was asked for one
// and ended before. Under mu.
func (g *guest) orphan() {
	g.state.Store(orphaned)
	go g.substitute()
}

// The rest makes a guest the engine of its loop.

// Poll is not called: gnet polls.
func (g *guest) Poll(time.Duration) {}

// Wake is wake.
func (g *guest) Wake() { g.wake() }

// Close closes the connections that nobody has closed. The loop's end calls it.
func (g *guest) Close() error {
	for g.conns != nil {
		g.conns.Conn.Close()
	}
	return nil
}

// Lacks says that connections come from gnet and that gnet reads whatever arrives.
func (g *guest) Lacks() netpoll.Lacks {
	return netpoll.Lacks{Listen: true, Connect: true, Pause: true}
}

// Listen is not supported.
func (g *guest) Listen(src *netpoll.Source, _ func(*netpoll.Conn)) (netpoll.Acceptor, error) {
	return nil, &netpoll.OpError{Op: "listen", Addr: src.Address, Err: netpoll.ErrUnsupported}
}

// Connect is not supported.
func (g *guest) Connect(_ string, addr net.Addr, _ func(*netpoll.Conn, error)) (func(), error) {
	return nil, &netpoll.OpError{Op: "dial", Addr: addr.String(), Err: netpoll.ErrUnsupported}
}

var _ netpoll.Engine = (*guest)(nil)
