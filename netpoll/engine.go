package netpoll

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// Errors that callers test for.
var (
	// ErrWouldBlock: nothing has arrived, or the engine takes no more bytes now. The
	// fibers set by SetReader and SetWriter are made ready when that changes.
	ErrWouldBlock = errors.New("netpoll: would block")
	// ErrUnsupported: the engine has declared that it cannot do this.
	ErrUnsupported = errors.New("netpoll: not supported by this engine")
)

// An Engine is what one loop waits on, and the maker of its connections: the seam
// between Heddle and an operating system, a foreign reactor or a simulated network.
// Every method but Wake is called in loop mode on the engine's own loop. The suite
// in netpolltest says what an engine has to do.
//
//fiberc:nowait
type Engine interface {
	fiber.Poller

	// Lacks says what the engine cannot do. Everything else it must do.
	Lacks() Lacks

	// Listen starts accepting from src on this loop. accept is called in loop mode
	// for every connection; it must not park.
	Listen(src *Source, accept func(c *Conn)) (Acceptor, error)

	// Connect starts connecting to an address and returns at once. done is called in
	// loop mode, unless cancel was called before.
	Connect(network string, addr net.Addr, done func(c *Conn, err error)) (cancel func(), err error)
}

// Lacks declares the limits of an engine, for the conformance suite and for callers
// that must choose another way.
type Lacks struct {
	Listen    bool // connections come from elsewhere
	Connect   bool
	HalfClose bool // a peer's FIN closes the connection; CloseWrite is unsupported
	Pause     bool // bytes keep arriving into memory while paused
	LateReset bool // after a peer's FIN its reset shows only when something is sent
}

// An Acceptor is one loop's part of a listener.
//
//fiberc:nowait
type Acceptor interface {
	// Addr returns the address it listens on.
	Addr() net.Addr
	// Close stops accepting. Connections already accepted stay.
	Close() error
}

// A Source says what an engine is to listen on.
type Source struct {
	Network string // tcp, tcp4, tcp6, unix
	Address string // as for net.Listen; with several loops the port is resolved already
	Config  ListenConfig

	// shared is a socket opened by Listen for all loops, and its address.
	shared *sharedSocket
	// overNet is what the loops of the engine over package net share.
	overNet *netListener
}

// ListenConfig says how a listener accepts. The zero value is meant to be used.
type ListenConfig struct {
	// Backlog is the length of the kernel's queue of connections not accepted yet.
	// Default: the kernel's maximum.
	Backlog int
	// Delay leaves Nagle's algorithm on (TCP_NODELAY off).
	Delay bool
	// KeepAlive is the idle time after which TCP keep-alive probes are sent.
	// Default 15 s; negative: no probes.
	KeepAlive time.Duration
	// DeferAccept holds a TCP connection back in the kernel until its first bytes are
	// there, but no longer than about this long (Linux; whole seconds, rounded up): for
	// protocols in which the client speaks first. Such a connection is accepted and
	// answered in one turn. Default: none.
	DeferAccept time.Duration
	// ConnsMax bounds the connections a loop has open from this listener; further
	// ones wait in the backlog. Default 0: no bound but the descriptor limit.
	ConnsMax int
	// OwedBytesMax is the high-water mark: how many bytes a connection may have
	// accepted for sending that the peer has not taken. Above it Write parks. On Linux
	// the kernel keeps about as much that it cannot send yet, and no more.
	// Default 64 KiB.
	OwedBytesMax int
	// Existing is an open listener to take over (socket activation, tests): a
	// *net.TCPListener or *net.UnixListener. Network and address are then ignored.
	// The descriptor is duplicated; the caller still closes its own.
	Existing net.Listener
}

const owedBytesMax = 64 << 10

func (c *ListenConfig) owed() int {
	if c.OwedBytesMax > 0 {
		return c.OwedBytesMax
	}
	return owedBytesMax
}

// EngineOf returns the engine of a loop, nil if the loop has another poller.
func EngineOf(l *fiber.Loop) Engine {
	e, _ := l.Poller().(Engine)
	return e
}

// An OpError says what failed, where.
type OpError struct {
	Op   string // listen, accept, dial, read, write, …
	Addr string
	Err  error
}

func (e *OpError) Error() string {
	if e.Addr == "" {
		return fmt.Sprintf("netpoll: %s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("netpoll: %s %s: %v", e.Op, e.Addr, e.Err)
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the cause is a timeout.
func (e *OpError) Timeout() bool {
	t, ok := e.Err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// Temporary reports whether the cause is a timeout: the connection is still good.
func (e *OpError) Temporary() bool { return e.Timeout() }

// addrPort turns a TCP or UDP address into its compact form.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort()
	case *net.UDPAddr:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}

// cause strips the address from a net.OpError, since ours names it.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
