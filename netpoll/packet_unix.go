//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// packetSock is a non-blocking datagram socket of a readiness engine. Holder only but
// for what says otherwise.
type packetSock struct {
	conn   *PacketConn
	engine *systemEngine
	fd     int
	gen    uint32
	local  net.Addr // immutable
	named  bool     // a unix socket: addresses are names; immutable
	v6     bool     // addresses are IPv6, IPv4 in IPv6 form; immutable
	from   peer     // sender of the last datagram; here because a local one would be allocated
	zone   zone     // the zone met last
}

// A zone is an IPv6 zone by number and name: asking the kernel for either costs as
// much as many datagrams.
type zone struct {
	id   uint32
	name string
}

func (s *packetSock) generation() uint32 { return s.gen }

func (s *packetSock) event(in, out, hup, broken bool) {
	if in || hup || broken {
		s.conn.Readable() // an error is received like a datagram
	}
	if out || broken {
		s.conn.Writable()
	}
}

// OpenPacket opens a datagram socket.
func (e *systemEngine) OpenPacket(c *PacketConn, src *PacketSource) (PacketTransport, error) {
	open := listenPacket
	if src.Remote != nil {
		open = dialPacket
	}
	fd, err := open(src)
	if err != nil {
		return nil, err
	}
	s := &packetSock{conn: c, engine: e, fd: fd}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("getsockname", err)
	}
	switch a := netAddr(sa).(type) {
	case *net.TCPAddr:
		s.local = (*net.UDPAddr)(a)
	case *net.UnixAddr:
		a.Net = src.Network
		s.local, s.named = a, true
	}
	_, s.v6 = sa.(*unix.SockaddrInet6)
	return s, nil
}

// listenPacket opens a socket that receives at an address. The standard library parses
// the address and binds; the descriptor is ours afterwards.
func listenPacket(src *PacketSource) (int, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		cerr := c.Control(func(fd uintptr) { err = src.Config.apply(int(fd)) })
		if cerr != nil {
			return cerr
		}
		return err
	}}
	pc, err := lc.ListenPacket(context.Background(), src.Network, src.Address)
	if err != nil {
		return -1, err
	}
	defer pc.Close()
	return duplicate(pc)
}

// dialPacket opens a socket that is connected to src.Remote.
func dialPacket(src *PacketSource) (int, error) {
	sa, family, err := sockaddr(src.Remote)
	if err != nil {
		return -1, err
	}
	fd, err := sysSocket(family, unix.SOCK_DGRAM)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if family != unix.AF_UNIX {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1) // as package net does
	}
	if err = src.Config.apply(fd); err == nil {
		err = os.NewSyscallError("connect", unix.Connect(fd, sa))
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// apply sets the options of a socket.
func (c *PacketConfig) apply(fd int) error {
	set := func(name string, opt, value int) error {
		return os.NewSyscallError("setsockopt "+name, unix.SetsockoptInt(fd, unix.SOL_SOCKET, opt, value))
	}
	if c.ReusePort {
		if err := set("SO_REUSEPORT", reusePort, 1); err != nil {
			return err
		}
	}
	if c.ReceiveBytes > 0 {
		if err := set("SO_RCVBUF", unix.SO_RCVBUF, c.ReceiveBytes); err != nil {
			return err
		}
	}
	if c.SendBytes > 0 {
		return set("SO_SNDBUF", unix.SO_SNDBUF, c.SendBytes)
	}
	return nil
}

func (s *packetSock) Start() error {
	s.gen = s.engine.newGen()
	s.engine.enter(s.fd, s)
	if err := s.engine.watchConnection(s.fd, s.gen); err != nil {
		s.engine.leave(s.fd)
		return err
	}
	return nil
}

// Close also serves a socket that was not started.
func (s *packetSock) Close() error {
	if s.gen != 0 {
		s.engine.unwatch(s.fd)
		s.engine.leave(s.fd)
	}
	return unix.Close(s.fd)
}

func (s *packetSock) Receive(p []byte) (n int, from netip.AddrPort, name string, err error) {
	var cut bool
	if s.named {
		var sa unix.Sockaddr
		n, sa, cut, err = sysRecvAddr(s.fd, p)
		if u, ok := sa.(*unix.SockaddrUnix); ok {
			name = u.Name
		}
	} else {
		n, cut, err = sysRecvFrom(s.fd, p, &s.from)
	}
	switch {
	case err == unix.EAGAIN:
		return 0, from, "", ErrWouldBlock
	case err != nil:
		return 0, from, "", &OpError{Op: "read", Err: err}
	}
	if !s.named {
		from = s.sender()
	}
	if cut {
		err = ErrTruncated
	}
	return n, from, name, err
}

// sender returns the address of the last datagram's sender.
func (s *packetSock) sender() netip.AddrPort {
	a := netip.AddrFrom16(s.from.ip).Unmap()
	if id := s.from.zone; id != 0 && a.Is6() {
		if id != s.zone.id {
			s.zone = zone{id, zoneName(id)}
		}
		a = a.WithZone(s.zone.name)
	}
	return netip.AddrPortFrom(a, s.from.port)
}

func (s *packetSock) Send(p []byte, to netip.AddrPort, name string) error {
	var err error
	switch {
	case name != "":
		err = sysSendAddr(s.fd, p, &unix.SockaddrUnix{Name: name})
	case !to.IsValid():
		_, err = sysWrite(s.fd, p)
	case s.named || !s.v6 && !to.Addr().Unmap().Is4():
		err = unix.EAFNOSUPPORT
	default:
		var id uint32
		if z := to.Addr().Zone(); z != "" {
			if id, err = s.zoneID(z); err != nil {
				return &OpError{Op: "write", Addr: to.String(), Err: err}
			}
		}
		err = sysSendTo(s.fd, p, to, id, s.v6)
	}
	switch {
	case err == unix.EAGAIN:
		return ErrWouldBlock
	case err == nil:
		return nil
	case to.IsValid():
		return &OpError{Op: "write", Addr: to.String(), Err: err}
	}
	return &OpError{Op: "write", Addr: name, Err: err}
}

// zoneID returns the number of a zone.
func (s *packetSock) zoneID(name string) (uint32, error) {
	if name == s.zone.name {
		return s.zone.id, nil
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	s.zone = zone{uint32(ifi.Index), name}
	return s.zone.id, nil
}

func (s *packetSock) LocalAddr() net.Addr { return s.local }

func (s *packetSock) FD() int { return s.fd }

// duplicate returns a non-blocking descriptor of c's socket, to be closed by the
// caller.
func duplicate(c any) (int, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return -1, ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	cerr := raw.Control(func(orig uintptr) {
		if fd, err = unix.FcntlInt(orig, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			if err = unix.SetNonblock(fd, true); err != nil {
				unix.Close(fd)
			}
		}
	})
	if cerr != nil {
		return -1, cerr
	}
	return fd, os.NewSyscallError("dup", err)
}
