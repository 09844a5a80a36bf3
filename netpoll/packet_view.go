package netpoll

import (
	"net"
	"net/netip"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A PacketView is a datagram socket as one fiber sees it: a net.PacketConn whose calls
// park that fiber, and no thread; the view of a connected socket is a net.Conn, too.
// Only the fiber's own code may use it. Waits end with the cause when the fiber's
// scope is canceled. A datagram larger than the buffer is cut, and reported by
// ErrTruncated along with what fitted and its sender.
type PacketView struct {
	c *PacketConn
	f *fiber.Fiber

	readBy, writeBy int64 // deadlines, loop clock, 0 none; the fiber only
	streak          int   // calls since others could last run; the fiber only
}

var (
	_ net.PacketConn = (*PacketView)(nil)
	_ net.Conn       = (*PacketView)(nil)
)

// packetBatch bounds the datagrams that a fiber receives and sends before others run.
const packetBatch = 64

// As returns the view of f, which must belong to the socket's loop.
func (c *PacketConn) As(f *fiber.Fiber) *PacketView {
	if f.Loop() != c.loop {
		panic("netpoll: the fiber and the socket belong to different loops")
	}
	return &PacketView{c: c, f: f}
}

// PacketConn returns the socket under the view.
func (v *PacketView) PacketConn() *PacketConn { return v.c }

// ReadFromAddrPort receives one datagram into p, waiting for it. It allocates
// nothing, except on macOS and the BSDs. IPv4 senders are never in IPv6 form. The
// error after the deadline is os.ErrDeadlineExceeded in a net.Error; a refusal that the
// network reported for an earlier datagram is an error once.
func (v *PacketView) ReadFromAddrPort(p []byte) (n int, from netip.AddrPort, err error) {
	n, from, _, err = v.receive(p)
	return n, from, err
}

// ReadFrom is ReadFromAddrPort for a net.Addr: *net.UDPAddr or *net.UnixAddr.
func (v *PacketView) ReadFrom(p []byte) (n int, from net.Addr, err error) {
	n, ap, name, err := v.receive(p)
	if err != nil && err != ErrTruncated {
		return 0, nil, err
	}
	if ap.IsValid() {
		return n, net.UDPAddrFromAddrPort(ap), err
	}
	return n, &net.UnixAddr{Name: name, Net: "unixgram"}, err
}

// Read receives one datagram into p.
func (v *PacketView) Read(p []byte) (int, error) {
	n, _, _, err := v.receive(p)
	return n, err
}

func (v *PacketView) receive(p []byte) (n int, from netip.AddrPort, name string, err error) {
	v.pause()
	v.f.Enter()
	for {
		if passed(v.c.loop, v.readBy) {
			err = fiber.ErrTimeout // even if it need not wait
			break
		}
		n, from, name, err = v.c.receive(p)
		if err != ErrWouldBlock {
			break
		}
		v.streak = 0
		if err = v.c.awaitRead(v.f, v.readBy); err != nil {
			break
		}
	}
	v.f.Leave()
	if err != nil && err != ErrTruncated {
		err = opError("read", err)
	}
	return n, from, name, err
}

// WriteToAddrPort sends p as one datagram, waiting while the kernel has no room for
// it. It allocates nothing, except on macOS and the BSDs. p may be bytes that View.Receive
// lent.
func (v *PacketView) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if !to.IsValid() {
		return 0, &OpError{Op: "write", Err: &net.AddrError{Err: "invalid address", Addr: to.String()}}
	}
	return v.send(p, to, "")
}

// WriteTo is WriteToAddrPort for a *net.UDPAddr or *net.UnixAddr.
func (v *PacketView) WriteTo(p []byte, to net.Addr) (int, error) {
	switch a := to.(type) {
	case *net.UDPAddr:
		return v.WriteToAddrPort(p, a.AddrPort())
	case *net.UnixAddr:
		return v.send(p, netip.AddrPort{}, a.Name)
	}
	return 0, &OpError{Op: "write", Err: &net.AddrError{Err: "not an address of this network"}}
}

// Write sends p as one datagram to the peer that the socket is connected to.
func (v *PacketView) Write(p []byte) (int, error) {
	return v.send(p, netip.AddrPort{}, "")
}

func (v *PacketView) send(p []byte, to netip.AddrPort, name string) (int, error) {
	v.pause()
	v.f.Enter()
	var err error
	for {
		if passed(v.c.loop, v.writeBy) {
			err = fiber.ErrTimeout
			break
		}
		if err = v.c.send(p, to, name); err != ErrWouldBlock {
			break
		}
		v.streak = 0
		v.f.KeepLent()
		if err = v.c.awaitWrite(v.f, v.writeBy); err != nil {
			break
		}
	}
	v.f.Leave()
	if err != nil {
		return 0, opError("write", err)
	}
	return len(p), nil
}

// pause lets others run if this fiber has gone on for long without waiting.
func (v *PacketView) pause() {
	if v.streak++; v.streak < packetBatch {
		return
	}
	v.streak = 0
	v.f.Enter()
	v.f.GiveWay()
	v.f.Leave()
}

// Close frees the socket. Other fibers waiting on it get net.ErrClosed, and so does a
// second call.
func (v *PacketView) Close() error {
	v.f.Enter()
	defer v.f.Leave()
	if v.c.err == net.ErrClosed {
		return net.ErrClosed
	}
	return v.c.Close()
}

// LocalAddr returns the address the socket receives at.
func (v *PacketView) LocalAddr() net.Addr { return v.c.LocalAddr() }

// RemoteAddr returns the peer of a connected socket, nil for others.
func (v *PacketView) RemoteAddr() net.Addr { return v.c.remote }

// SetDeadline bounds all later waits of this view. The zero time means no bound.
func (v *PacketView) SetDeadline(t time.Time) error {
	v.SetReadDeadline(t)
	return v.SetWriteDeadline(t)
}

// SetReadDeadline bounds later waits for a datagram.
func (v *PacketView) SetReadDeadline(t time.Time) error {
	v.readBy = loopTime(v.c.loop, t)
	return nil
}

// SetWriteDeadline bounds later waits for room.
func (v *PacketView) SetWriteDeadline(t time.Time) error {
	v.writeBy = loopTime(v.c.loop, t)
	return nil
}

// passed reports whether a deadline lies in the past, by the clock of l's turn. On the
// baton only.
func passed(l *fiber.Loop, by int64) bool { return by != 0 && by <= l.Now() }
