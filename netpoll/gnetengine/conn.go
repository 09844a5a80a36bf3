//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// conn is an attached connection, and its netpoll.Conn in the same allocation. gnet
// reads into memory of its own, from which Receive copies into the loop's: gnet's is
// overwritten soon, ours can be left to a fiber that reads on beside the loop. Sending
// goes to the descriptor directly, not through gnet, which would take any number of
// bytes and lose them at a close. Holder only.
type conn struct {
	netpoll.Conn
	guest *guest
	gnet  gnet.Conn // nil once gnet has closed it

	fd         int32 // -1 when nothing can be sent any more
	own        bool  // fd is a duplicate, to be closed here: gnet has closed its own
	departing  bool  // gnet is closing it, or has
	next, prev *conn // in guest.conns

	rest   []byte // arrived before gnet closed it
	end    error  // what comes after rest: io.EOF or what broke it; nil while gnet reads
	fault  error  // why we made gnet close it
	room   *watch // waits until the peer takes bytes
	reset  *watch // waits for a reset after gnet has closed it
	remote net.Addr
}

func newConn(g *guest, c gnet.Conn) *conn {
	t := &conn{guest: g, gnet: c, fd: int32(c.Fd()), remote: keep(c.RemoteAddr())}
	t.Conn.Init(t, g.lender, g.engine.config.OwedBytesMax)
	t.next = g.conns
	if t.next != nil {
		t.next.prev = t
	}
	g.conns = t
	return t
}

// keep returns an address that may be kept: gnet reuses the memory of zones.
func keep(a net.Addr) net.Addr {
	if t, ok := a.(*net.TCPAddr); ok && t.Zone != "" {
		return &net.TCPAddr{IP: t.IP, Port: t.Port, Zone: strings.Clone(t.Zone)}
	}
	return a
}

func (t *conn) Receive(c *netpoll.Conn) error {
	p := c.Spare()
	spare := p != nil
	if !spare {
		p = c.Lender().Room(c)
	}
	n, err := t.Read(p)
	switch {
	case err != nil:
		return err
	case spare:
		c.Filled(n)
	default:
		c.Lender().Lend(c, n)
	}
	return nil
}

func (t *conn) Read(p []byte) (int, error) {
	if t.end != nil {
		n := copy(p, t.rest)
		if t.rest = t.rest[n:]; n > 0 {
			return n, nil
		}
		t.rest = nil
		return 0, t.end
	}
	n, _ := t.gnet.Read(p) // its only error is that there is nothing
	if n < len(p) {
		t.Drained()
	}
	if n == 0 {
		return 0, netpoll.ErrWouldBlock
	}
	return n, nil
}

func (t *conn) Send(p []byte) (int, error) {
	if err := t.sendable(); err != nil {
		return 0, err
	}
	n, err := sysWrite(int(t.fd), p)
	return t.sent(n, len(p), err)
}

func (t *conn) SendVec(bufs [][]byte) (n int, err error) {
	if err := t.sendable(); err != nil {
		return 0, err
	}
	for len(bufs) > 0 && err == nil {
		some := bufs[:min(iovMax, len(bufs))]
		bufs = bufs[len(some):]
		total := 0
		for _, p := range some {
			total += len(p)
		}
		var m int
		m, err = sysWritev(int(t.fd), some, &t.guest.iov)
		m, err = t.sent(m, total, err)
		n += m
	}
	return n, err
}

// sendable returns nil if bytes may go to the descriptor now.
func (t *conn) sendable() error {
	if t.fd < 0 {
		return t.end
	}
	if t.gnet != nil && t.gnet.OutboundBuffered() > 0 {
		// Written through gnet before the connection was attached: that goes first.
		t.awaitRoom()
		return netpoll.ErrWouldBlock
	}
	return nil
}

// sent turns the result of a write of total bytes into that of Send.
func (t *conn) sent(n, total int, err error) (int, error) {
	if err != nil && err != unix.EAGAIN {
		return 0, &netpoll.OpError{Op: "write", Err: err}
	}
	if n < total {
		t.awaitRoom()
		return n, netpoll.ErrWouldBlock
	}
	return n, nil
}

// CloseWrite sends FIN.
func (t *conn) CloseWrite() error {
	if t.fd < 0 {
		return t.end
	}
	if err := unix.Shutdown(int(t.fd), unix.SHUT_WR); err != nil {
		return &netpoll.OpError{Op: "shutdown", Err: err}
	}
	return nil
}

func (t *conn) Close(abort bool) error {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		t.guest.conns = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.next, t.prev, t.rest = nil, nil, nil
	for _, w := range [...]*watch{t.room, t.reset} {
		if w != nil {
			w.cancel()
		}
	}
	t.room, t.reset = nil, nil
	var err error
	if t.fd >= 0 {
		if abort {
			unix.SetsockoptLinger(int(t.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		err = t.closeOwn()
	}
	if !t.departing {
		t.guest.closing = append(t.guest.closing, t)
	}
	t.fd, t.end = -1, net.ErrClosed
	return err
}

// closeOwn closes the descriptor if it is not gnet's.
func (t *conn) closeOwn() error {
	if !t.own {
		return nil
	}
	t.own = false
	return unix.Close(int(t.fd))
}

func (t *conn) LocalAddr() net.Addr {
	if t.gnet != nil {
		return keep(t.gnet.LocalAddr())
	}
	return nil
}

func (t *conn) RemoteAddr() net.Addr { return t.remote }

func (t *conn) FD() int { return int(t.fd) }

// depart acts on gnet's closing the connection, in loop mode: what has arrived moves
// here, and the fibers learn what happened. The descriptor is still open.
func (t *conn) depart(cause error) {
	if t.Closed() {
		return
	}
	switch {
	case t.fault != nil:
		t.end = &netpoll.OpError{Op: "read", Err: t.fault}
	case cause == nil: // by a call of its Close, or because gnet stops
		t.end = &netpoll.OpError{Op: "read", Err: net.ErrClosed}
	case errors.Is(cause, io.EOF):
		t.end = io.EOF
		// gnet says the same of an error that comes without anything to read.
		if err := fault(uintptr(t.fd)); err != nil {
			t.end = &netpoll.OpError{Op: "read", Err: err}
		}
	default:
		t.end = &netpoll.OpError{Op: "read", Err: cause}
	}
	if n := t.gnet.InboundBuffered(); n > 0 && t.fault == nil {
		t.rest = make([]byte, n)
		n, _ = t.gnet.Read(t.rest)
		t.rest = t.rest[:n]
	}
	if t.end != io.EOF {
		t.broken(t.end)
		return
	}
	t.Gone(io.EOF)
}

// broken says that nothing can be sent any more, nor received but for what is here.
func (t *conn) broken(cause error) {
	t.closeOwn()
	t.fd, t.end = -1, cause
	t.Writable() // what is owed fails, and who waits for that learns it
	t.Gone(cause)
}

// outlive keeps the socket open for sending after gnet has closed its descriptor, if
// only the peer's side has ended and fibers still hold the connection.
func (t *conn) outlive() error {
	if t.Closed() || t.fd < 0 {
		return nil
	}
	fd, err := duplicate(t.fd)
	if err != nil {
		return err
	}
	t.fd, t.own = fd, true
	return t.awaitReset()
}
