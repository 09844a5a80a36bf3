package netpoll

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/heddle-go/heddle/fiber"
)

// ErrTruncated: the datagram was larger than the buffer. What fitted was received, the
// rest is lost.
var ErrTruncated = errors.New("netpoll: datagram larger than the buffer, its rest is lost")

// A PacketEngine is an Engine with datagram sockets.
//
//fiberc:nowait
type PacketEngine interface {
	Engine
	// OpenPacket opens a socket that sends and receives for c. Any goroutine may call
	// it: the engine learns of the socket in PacketTransport.Start.
	OpenPacket(c *PacketConn, src *PacketSource) (PacketTransport, error)
}

// A PacketSource says which datagram socket to open.
type PacketSource struct {
	Network string   // udp, udp4, udp6, unixgram
	Address string   // to listen on, as for net.ListenPacket; not used with Remote
	Remote  net.Addr // the peer of a connected socket, nil for others
	Config  PacketConfig
}

// A PacketTransport is an engine's side of a datagram socket. It reports changes
// through PacketConn.Readable and Writable. Errors concern one datagram unless the
// socket was closed. Loop mode only; no method waits.
//
//fiberc:nowait
type PacketTransport interface {
	// Start begins the reports. It is called once, before Close or not at all.
	Start() error
	// Receive takes one datagram. name is the sender's if that has no AddrPort (a unix
	// socket). Errors: ErrWouldBlock, ErrTruncated with n == len(p), others.
	Receive(p []byte) (n int, from netip.AddrPort, name string, err error)
	// Send sends one datagram: to an AddrPort, to a name, or with neither to the peer
	// that the socket is connected to. Errors: ErrWouldBlock, others.
	Send(p []byte, to netip.AddrPort, name string) error
	// Close frees the socket.
	Close() error
	// LocalAddr returns the address. Any goroutine may call it.
	LocalAddr() net.Addr
	// FD returns the descriptor, -1 if there is none.
	FD() int
}

// PacketConfig says how datagrams are sent and received. The zero value is meant to
// be used.
type PacketConfig struct {
	// ReusePort lets several sockets of this user listen on one address: give each
	// loop its own, and the kernel spreads the datagrams over them by a hash of both
	// addresses (Linux, FreeBSD 12, DragonFly; elsewhere one gets all).
	ReusePort bool
	// ReceiveBytes and SendBytes ask for the size of the kernel's buffers. The kernel
	// bounds them. Default 0: the system's.
	ReceiveBytes, SendBytes int
}

// A PacketConn is a datagram socket of one loop. Several fibers may read and write it
// at once; each uses a view of its own.
type PacketConn struct {
	loop      *fiber.Loop
	transport PacketTransport
	remote    net.Addr // nil if not connected

	readers  []*fiber.Fiber // waiting, the longest first; holder only
	writers  []*fiber.Fiber // likewise
	err      error          // why nothing works any more; holder only
	readable bool           // a Receive may find something; holder only
	writable bool           // a Send may find room; holder only
}

// ListenPacket opens a datagram socket on l that receives at an address ("udp",
// "udp4", "udp6", "unixgram"; as for net.ListenPacket). Any goroutine may call it; it
// does not wait, but a host name in address is looked up, so a fiber then calls it in
// Block. Errors are *OpError and name the address; ErrUnsupported, if the engine of l
// has no datagram sockets, and fiber.ErrClosed, if l has ended, are among the causes.
func ListenPacket(l *fiber.Loop, network, address string, c PacketConfig) (*PacketConn, error) {
	return openPacket(l, &PacketSource{Network: network, Address: address, Config: c})
}

// DialPacket opens a datagram socket on f's loop that is connected to address: it
// receives from there only, and its view is also a net.Conn. Host names are looked up
// in Block. Nothing is sent yet, so a peer that does not exist shows in a later Read
// or Write, if at all. Errors are those of ListenPacket. Only f's own code may call it.
func DialPacket(f *fiber.Fiber, network, address string, c PacketConfig) (*PacketView, error) {
	remote, err := resolvePacket(f, network, address)
	if err != nil {
		return nil, &OpError{Op: "dial", Addr: address, Err: cause(err)}
	}
	p, err := openPacket(f.Loop(), &PacketSource{Network: network, Address: address, Remote: remote, Config: c})
	if err != nil {
		return nil, err
	}
	return p.As(f), nil
}

// resolvePacket returns the first address that address means.
func resolvePacket(f *fiber.Fiber, network, address string) (net.Addr, error) {
	switch network {
	case "unixgram":
		return &net.UnixAddr{Name: address, Net: network}, nil
	case "udp", "udp4", "udp6":
	default:
		return nil, net.UnknownNetworkError(network)
	}
	if ap, err := netip.ParseAddrPort(address); err == nil {
		if v4 := ap.Addr().Unmap().Is4(); v4 && network == "udp6" || !v4 && network == "udp4" {
			return nil, &net.AddrError{Err: "address of the other family", Addr: address}
		}
		return net.UDPAddrFromAddrPort(ap), nil
	}
	var a *net.UDPAddr
	var err error
	if berr := f.Block(func() { a, err = net.ResolveUDPAddr(network, address) }); berr != nil {
		return nil, berr
	}
	if err != nil {
		return nil, err
	}
	if a.IP == nil {
		a.IP = net.IPv6loopback
		if network != "udp6" {
			a.IP = net.IPv4(127, 0, 0, 1)
		}
	}
	return a, nil
}

// openPacket opens a socket and has the loop learn of it.
func openPacket(l *fiber.Loop, src *PacketSource) (*PacketConn, error) {
	op := "listen"
	if src.Remote != nil {
		op = "dial"
	}
	e, ok := l.Poller().(PacketEngine)
	if !ok {
		return nil, &OpError{Op: op, Addr: src.Address, Err: ErrUnsupported}
	}
	c := &PacketConn{loop: l, remote: src.Remote, readable: true, writable: true}
	t, err := e.OpenPacket(c, src)
	if err != nil {
		return nil, &OpError{Op: op, Addr: src.Address, Err: cause(err)}
	}
	c.transport = t
	// Until this has run the socket works but nobody is woken. The kernel reports what
	// arrived before.
	err = l.Post(func() {
		if c.err == nil {
			if err := t.Start(); err != nil {
				c.fail(err)
			}
		}
	})
	if err != nil {
		t.Close()
		return nil, &OpError{Op: op, Addr: src.Address, Err: err}
	}
	return c, nil
}

// Loop returns the loop the socket belongs to. Any goroutine may call it.
func (c *PacketConn) Loop() *fiber.Loop { return c.loop }

// LocalAddr returns the address the socket receives at. Any goroutine may call it.
func (c *PacketConn) LocalAddr() net.Addr { return c.transport.LocalAddr() }

// FD returns the descriptor, -1 if the engine has none, for socket options such as
// multicast groups; it stays the engine's. Loop mode only.
func (c *PacketConn) FD() int { return c.transport.FD() }

// Close frees the socket. Fibers waiting on it get net.ErrClosed. Datagrams sent
// before are with the kernel already. A second call does nothing. Loop mode only.
func (c *PacketConn) Close() error {
	if c.err == net.ErrClosed {
		return nil
	}
	c.fail(net.ErrClosed)
	return c.transport.Close()
}

// fail makes every later call return err and wakes all who wait.
func (c *PacketConn) fail(err error) {
	c.err = err
	for _, f := range c.readers {
		f.Ready()
	}
	for _, f := range c.writers {
		f.Ready()
	}
}

// Readable is the engine's report that a Receive may find something.
func (c *PacketConn) Readable() {
	c.readable = true
	wakeFirst(c.readers)
}

// Writable is the engine's report that a Send may find room.
func (c *PacketConn) Writable() {
	c.writable = true
	wakeFirst(c.writers)
}

// wakeFirst wakes one of the fibers that wait. It wakes the next when it is served:
// one datagram must not wake them all.
func wakeFirst(list []*fiber.Fiber) {
	if len(list) > 0 {
		list[0].Ready()
	}
}

// receive takes one datagram if there is one. On the baton only.
func (c *PacketConn) receive(p []byte) (n int, from netip.AddrPort, name string, err error) {
	switch {
	case c.err != nil:
		return 0, from, "", c.err
	case !c.readable:
		return 0, from, "", ErrWouldBlock
	}
	n, from, name, err = c.transport.Receive(p)
	if err == ErrWouldBlock {
		c.readable = false
	} else {
		wakeFirst(c.readers)
	}
	return n, from, name, err
}

// send sends one datagram if there is room. On the baton only.
func (c *PacketConn) send(p []byte, to netip.AddrPort, name string) error {
	switch {
	case c.err != nil:
		return c.err
	case !c.writable:
		return ErrWouldBlock
	}
	err := c.transport.Send(p, to, name)
	if err == ErrWouldBlock {
		c.writable = false
	} else {
		wakeFirst(c.writers)
	}
	return err
}

// awaitRead parks f until a receive may find something. On the baton only.
func (c *PacketConn) awaitRead(f *fiber.Fiber, deadline int64) error {
	c.readers = append(c.readers, f)
	var err error
	for err == nil && !c.readable && c.err == nil {
		err = f.Park(deadline)
	}
	c.readers = leave(c.readers, f)
	if err != nil && c.readable {
		wakeFirst(c.readers) // the wake-up was perhaps this fiber's, which gives up
	}
	return err
}

// awaitWrite parks f until a send may find room. On the baton only.
func (c *PacketConn) awaitWrite(f *fiber.Fiber, deadline int64) error {
	c.writers = append(c.writers, f)
	var err error
	for err == nil && !c.writable && c.err == nil {
		err = f.Park(deadline)
	}
	c.writers = leave(c.writers, f)
	if err != nil && c.writable {
		wakeFirst(c.writers)
	}
	return err
}

// leave takes f out of a list.
func leave(list []*fiber.Fiber, f *fiber.Fiber) []*fiber.Fiber {
	i := slices.Index(list, f)
	return slices.Delete(list, i, i+1)
}
