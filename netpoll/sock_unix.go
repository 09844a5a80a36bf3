//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"io"
	"net"
	"net/netip"
	"strconv"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// sock is a non-blocking socket of a readiness engine, and its Conn in the same
// allocation. Holder only.
type sock struct {
	Conn
	engine *readiness
	fd     int32
	gen    uint32 // tells this use of the descriptor from earlier ones; see readiness.table
	peer   peer
	armed  bool // the kernel reports its events
	hup    bool // RDHUP was reported: a short read does not mean that nothing more comes
	from   *acceptor
}

func (s *sock) Receive(c *Conn) error {
	room := c.Spare()
	own := room != nil
	if !own {
		room = c.lender.Room(c)
	}
	n, err := sysRecv(int(s.fd), room)
	switch {
	case err == unix.EAGAIN:
		c.readable = false
		return ErrWouldBlock
	case err != nil:
		return &OpError{Op: "read", Err: err}
	case n == 0:
		return io.EOF
	case own:
		c.Filled(n)
	default:
		c.lender.Lend(c, n)
	}
	if n < len(room) && !s.hup && s.err == nil {
		// A short read has emptied the socket: what comes next is reported anew. Not
		// so the FIN that may have come with it, unless it was flagged.
		c.readable = false
	}
	return nil
}

func (s *sock) Read(p []byte) (int, error) {
	n, err := sysRecv(int(s.fd), p)
	switch {
	case err == unix.EAGAIN:
		s.readable = false
		return 0, ErrWouldBlock
	case err != nil:
		return 0, &OpError{Op: "read", Err: err}
	case n == 0:
		return 0, io.EOF
	}
	if n < len(p) && !s.hup && s.err == nil {
		s.readable = false
	}
	return n, nil
}

func (s *sock) Send(p []byte) (int, error) {
	n, err := sysSend(int(s.fd), p)
	if err == unix.EAGAIN {
		return 0, ErrWouldBlock
	}
	if err != nil {
		return 0, &OpError{Op: "write", Err: err}
	}
	if n < len(p) {
		// The kernel took what it had room for and flags the socket, so that it
		// reports room; but only a write that fails does so on every system.
		m, err := s.Send(p[n:])
		return n + m, err
	}
	return n, nil
}

func (s *sock) SendVec(bufs [][]byte) (int, error) {
	sent, off := 0, 0 // off: how much of bufs[0] was sent
	for {
		iov := s.engine.iov[:0]
		for i, p := range bufs {
			if i == 0 {
				p = p[off:]
			}
			if len(p) == 0 {
				continue
			}
			if iov = append(iov, iovec(p)); len(iov) == cap(iov) {
				break
			}
		}
		if len(iov) == 0 {
			return sent, nil
		}
		n, err := sysWritev(int(s.fd), iov)
		clear(iov)
		if err == unix.EAGAIN {
			return sent, ErrWouldBlock
		}
		if err != nil {
			return sent, &OpError{Op: "write", Err: err}
		}
		sent += n
		for off += n; len(bufs) > 0 && off >= len(bufs[0]); bufs = bufs[1:] {
			off -= len(bufs[0])
		}
	}
}

func (s *sock) CloseWrite() error {
	if err := unix.Shutdown(int(s.fd), unix.SHUT_WR); err != nil {
		return &OpError{Op: "shutdown", Err: err}
	}
	return nil
}

func (s *sock) Close(abort bool) error {
	if abort {
		unix.SetsockoptLinger(int(s.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	s.engine.drop(s)
	if s.from != nil {
		s.from.left()
	}
	return nil
}

func (s *sock) FD() int { return int(s.fd) }

func (s *sock) LocalAddr() net.Addr {
	sa, err := unix.Getsockname(int(s.fd))
	if err != nil {
		return nil
	}
	return netAddr(sa)
}

func (s *sock) RemoteAddr() net.Addr {
	if a := s.peer.addrPort(); a.IsValid() {
		return net.TCPAddrFromAddrPort(a)
	}
	if sa, err := unix.Getpeername(int(s.fd)); err == nil {
		return netAddr(sa)
	}
	return &net.UnixAddr{Net: "unix"}
}

// RemoteAddrPort returns the peer's address without an allocation.
func (s *sock) RemoteAddrPort() netip.AddrPort { return s.peer.addrPort() }

// event acts on what the kernel reported.
func (s *sock) event(in, out, hup, broken bool) {
	if hup {
		s.hup = true
	}
	if broken {
		s.broke()
		return
	}
	if out && !s.writable {
		s.Writable()
	}
	switch {
	case hup:
		s.Conn.Gone(io.EOF)
	case in:
		s.Readable()
	}
}

// broke reports why the connection broke. What arrived before is still there.
func (s *sock) broke() {
	errno, err := unix.GetsockoptInt(int(s.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	cause := unix.Errno(errno)
	if err != nil || errno == 0 {
		cause = unix.ECONNRESET // a read or a write was told the error itself
	}
	if cause == unix.EPIPE {
		// The kernel's word for a reset after the peer's FIN: the stream did end.
		cause = unix.ECONNRESET
		s.Conn.Gone(io.EOF)
	}
	s.Conn.Gone(&OpError{Op: "read", Err: cause})
}

// netAddr turns a socket address into a net.Addr.
func netAddr(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)))
	case *unix.SockaddrInet6:
		a := netip.AddrFrom16(sa.Addr)
		if sa.ZoneId != 0 {
			a = a.WithZone(zoneName(sa.ZoneId))
		}
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, uint16(sa.Port)))
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}

// zoneName names an IPv6 zone: its interface, or its number.
func zoneName(id uint32) string {
	if ifi, err := net.InterfaceByIndex(int(id)); err == nil {
		return ifi.Name
	}
	return strconv.Itoa(int(id))
}

// readiness is what the readiness engines share: a table of sockets by descriptor.
// Holder only but for Wake.
type readiness struct {
	loop   *fiber.Loop
	lender *Lender
	table  []pollable // by descriptor
	gens   uint32
	fresh  []*sock // not armed yet; see arm
	iov    []unix.Iovec
}

// A pollable gets the events of one descriptor.
//
//fiberc:nowait
type pollable interface {
	event(in, out, hup, broken bool)
	generation() uint32
}

func (s *sock) generation() uint32 { return s.gen }

const iovMax = 64

func (r *readiness) init(l *fiber.Loop) {
	r.loop = l
	r.lender = NewLender(l)
	r.iov = make([]unix.Iovec, 0, iovMax)
	l.OnTrim(r.trim)
}

// tableKept is the size to which a table may grow for good.
const tableKept = 256

// trim cuts off what of the table no descriptor needs any more. A process gives out the
// lowest free number, so the end of a table is empty once a burst is over.
func (r *readiness) trim() (more bool) {
	n := len(r.table)
	for n > tableKept && r.table[n-1] == nil {
		n--
	}
	if n <= len(r.table)/2 {
		r.table = append(make([]pollable, 0, n), r.table[:n]...)
	}
	return false
}

// enter puts a descriptor into the table.
func (r *readiness) enter(fd int, p pollable) {
	for fd >= len(r.table) {
		r.table = append(r.table, make([]pollable, max(64, len(r.table)/2))...)
	}
	r.table[fd] = p
}

// at returns what gets the events of a descriptor, nil if nothing does.
func (r *readiness) at(fd int) pollable {
	if fd < 0 || fd >= len(r.table) {
		return nil
	}
	return r.table[fd]
}

// leave takes a descriptor out of the table.
func (r *readiness) leave(fd int) {
	if fd < len(r.table) {
		r.table[fd] = nil
	}
	if len(r.table) > tableKept {
		r.loop.TrimSoon()
	}
}

// newGen returns a generation for a new use of a descriptor.
func (r *readiness) newGen() uint32 {
	r.gens++
	return r.gens
}

// adopt makes a connection of a connected descriptor. The kernel is asked for its
// events only before the next wait: many a connection is over by then.
func (r *readiness) adopt(fd int, owed int) *sock {
	s := r.newSock(fd, owed)
	r.admit(s)
	return s
}

// newSock makes a connection that the engine does not know yet. Any goroutine may
// call it.
func (r *readiness) newSock(fd int, owed int) *sock {
	s := &sock{engine: r, fd: int32(fd)}
	s.Conn.Init(s, r.lender, owed)
	return s
}

// admit makes the engine know s.
func (r *readiness) admit(s *sock) {
	s.gen = r.newGen()
	r.enter(int(s.fd), s)
	r.fresh = append(r.fresh, s)
}

// drop closes a socket. An event that is already in the batch finds its place in
// the table empty, or another generation.
func (r *readiness) drop(s *sock) {
	if s.gen != 0 {
		r.leave(int(s.fd))
	}
	unix.Close(int(s.fd))
	// The number may be another's from now on: it must not be armed, nor asked.
	s.armed = true
	s.fd = -1
}

// closeAll closes what is left when the loop ends: connections nobody closed.
func (r *readiness) closeAll() {
	for fd, p := range r.table {
		switch p := p.(type) {
		case nil:
		case *sock:
			p.Conn.Close()
		default:
			unix.Close(fd)
		}
	}
	r.table = nil
}
