//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// ErrInboundFull is why a connection was closed whose fibers left more than
// Config.InboundBytesMax unread.
var ErrInboundFull = errors.New("gnetengine: too many bytes arrived unread")

// Config says how an Engine works. The zero value is meant to be used.
type Config struct {
	// Fiber configures the runtime of the guest loops; Loops and NewPoller are not
	// used. If gnet runs with LockOSThread, set HostLocked.
	Fiber fiber.Config
	// OwedBytesMax is the high-water mark: how many bytes a connection may have
	// accepted for sending that the peer has not taken. Above it Write parks.
	// Default 64 KiB.
	OwedBytesMax int
	// InboundBytesMax bounds the bytes that have arrived on a connection and that no
	// fiber has received. gnet cannot stop reading, so a connection over the limit is
	// closed, with ErrInboundFull. Default 1 MiB.
	InboundBytesMax int
	// ShutdownTimeout is how long OnShutdown waits for fibers to end. Default 5 s.
	ShutdownTimeout time.Duration
}

// An Engine gives the event loops of gnet servers a guest loop each. Attach, OnTraffic
// and OnClose are for gnet's callbacks: they are called on the goroutine of the
// connection's event loop.
type Engine struct {
	rt      *fiber.Runtime
	config  Config // immutable
	closing atomic.Bool

	mu     sync.RWMutex
	guests map[gnet.EventLoop]*guest // under mu
}

// New makes an engine. Its loops come into being with the first connection, or call
// of Loop, of each gnet event loop.
func New(c Config) (*Engine, error) {
	if c.OwedBytesMax <= 0 {
		c.OwedBytesMax = 64 << 10
	}
	if c.InboundBytesMax <= 0 {
		c.InboundBytesMax = 1 << 20
	}
	if c.ShutdownTimeout <= 0 {
		c.ShutdownTimeout = 5 * time.Second
	}
	rt, err := fiber.NewGuest(c.Fiber)
	if err != nil {
		return nil, err
	}
	return &Engine{rt: rt, config: c, guests: map[gnet.EventLoop]*guest{}}, nil
}

// Runtime returns the runtime of the guest loops.
func (e *Engine) Runtime() *fiber.Runtime { return e.rt }

// Loop returns the guest loop of a gnet event loop, for fibers that belong to no
// connection: a callback that must not block starts one with Loop.Go, which replies
// with gnet's AsyncWrite. Any goroutine may call it. It fails with fiber.ErrClosed
// once the engine closes.
func (e *Engine) Loop(el gnet.EventLoop) (*fiber.Loop, error) {
	g, err := e.guest(el)
	if err != nil {
		return nil, err
	}
	return g.loop, nil
}

func (e *Engine) guest(el gnet.EventLoop) (*guest, error) {
	e.mu.RLock()
	g := e.guests[el]
	e.mu.RUnlock()
	if g != nil {
		return g, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if g := e.guests[el]; g != nil {
		return g, nil
	}
	g, err := newGuest(e, el)
	if err != nil {
		return nil, err
	}
	e.guests[el] = g
	return g, nil
}

// Attach hands a stream connection to fibers: accept is called in loop mode on the
// guest loop; it must not park, and typically starts a machine or a fiber. The callback
// (OnOpen, or a later OnTraffic; bytes not consumed are received first) returns the
// action that Attach returns. From then on the connection's Context is the engine's,
// OnTraffic and OnClose must be forwarded, and nobody else reads, writes or closes it.
func (e *Engine) Attach(c gnet.Conn, accept func(c *netpoll.Conn)) gnet.Action {
	if _, ok := c.LocalAddr().(*net.UDPAddr); ok {
		panic("gnetengine: Attach of a datagram socket")
	}
	g, err := e.guest(c.EventLoop())
	if err != nil {
		return gnet.Close
	}
	return g.open(c, accept)
}

// Attached reports whether the connection was handed to fibers of any engine. It is
// for gnet's callbacks.
func Attached(c gnet.Conn) bool {
	_, ok := c.Context().(*conn)
	return ok
}

// OnTraffic runs the fibers of an attached connection for what has arrived. On other
// connections it does nothing.
func (e *Engine) OnTraffic(c gnet.Conn) gnet.Action {
	t, ok := c.Context().(*conn)
	if !ok {
		return gnet.None
	}
	return t.guest.traffic(t)
}

// OnClose tells the fibers of an attached connection that gnet is closing it. If the
// peer has closed its side, the connection stays open for what fibers still send, on a
// descriptor of its own. On other connections it does nothing.
func (e *Engine) OnClose(c gnet.Conn, err error) gnet.Action {
	if t, ok := c.Context().(*conn); ok {
		t.guest.departure(t, err)
	}
	return gnet.None
}

// OnShutdown closes the engine for a gnet server that stops: gnet calls its handler
// while the event loops still run, and they run the fibers until all have ended, at
// most for Config.ShutdownTimeout, unless Close did so before. Later the engine runs
// what is left on goroutines of its own. The error is that of Close.
func (e *Engine) OnShutdown() error {
	var err error
	if !e.closing.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), e.config.ShutdownTimeout)
		err = e.Close(ctx)
		cancel()
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, g := range e.guests {
		g.leave()
	}
	return err
}

// Close cancels every fiber with fiber.ErrClosed, closes the connections attached, and
// returns when all fibers and goroutines of the engine have ended, or with a
// *fiber.CloseError when ctx does. gnet itself is left alone, running or not. Any
// goroutine may call it, but not a gnet callback on an event loop, nor a fiber outside
// Block.
func (e *Engine) Close(ctx context.Context) error {
	e.closing.Store(true)
	return e.rt.Close(ctx)
}
