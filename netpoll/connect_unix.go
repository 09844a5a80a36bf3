//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net"

	"golang.org/x/sys/unix"
)

// connecting is a socket whose connection is being made: writable means settled.
// Holder only.
type connecting struct {
	engine *systemEngine
	fd     int
	gen    uint32
	addr   net.Addr
	done   func(*Conn, error)
}

func (k *connecting) generation() uint32 { return k.gen }

func (k *connecting) event(_, out, _, broken bool) {
	if !out && !broken {
		return
	}
	e := k.engine
	errno, err := unix.GetsockoptInt(k.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	if err == nil {
		if _, perr := unix.Getpeername(k.fd); perr == unix.ENOTCONN {
			return // reported before the connection was settled
		}
	}
	e.unwatch(k.fd)
	e.leave(k.fd)
	if err != nil {
		unix.Close(k.fd)
		k.done(nil, &OpError{Op: "dial", Addr: k.addr.String(), Err: err})
		return
	}
	k.done(e.connected(k.fd, k.addr), nil)
}

// connected makes the connection of a socket that was connected to addr.
func (e *systemEngine) connected(fd int, addr net.Addr) *Conn {
	s := e.adopt(fd, owedBytesMax)
	if ap := addrPort(addr); ap.IsValid() {
		s.peer = peerOf(ap)
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		keepAlive(fd, 0)
	}
	return &s.Conn
}

// Connect starts a non-blocking connect to a *net.TCPAddr or *net.UnixAddr.
func (e *systemEngine) Connect(network string, addr net.Addr, done func(*Conn, error)) (cancel func(), err error) {
	sa, family, err := sockaddr(addr)
	if err != nil {
		return nil, &OpError{Op: "dial", Addr: addr.String(), Err: err}
	}
	fd, err := sysSocket(family, unix.SOCK_STREAM)
	if err != nil {
		return nil, &OpError{Op: "socket", Addr: addr.String(), Err: err}
	}
	err = unix.Connect(fd, sa)
	if err == nil {
		// A unix socket connects at once; the caller still hears of it later.
		c := e.connected(fd, addr)
		canceled := false
		e.loop.Post(func() {
			if canceled {
				c.Close()
				return
			}
			done(c, nil)
		})
		return func() { canceled = true }, nil
	}
	if err != unix.EINPROGRESS && err != unix.EINTR {
		unix.Close(fd)
		return nil, &OpError{Op: "dial", Addr: addr.String(), Err: err}
	}
	k := &connecting{engine: e, fd: fd, gen: e.newGen(), addr: addr, done: done}
	e.enter(fd, k)
	if err := e.watchConnection(fd, k.gen); err != nil {
		e.leave(fd)
		unix.Close(fd)
		return nil, err
	}
	return func() {
		if e.at(fd) == pollable(k) {
			e.unwatch(fd)
			e.leave(fd)
			unix.Close(fd)
		}
	}, nil
}

// sockaddr turns a net.Addr into the kernel's form.
func sockaddr(addr net.Addr) (unix.Sockaddr, int, error) {
	if u, ok := addr.(*net.UnixAddr); ok {
		return &unix.SockaddrUnix{Name: u.Name}, unix.AF_UNIX, nil
	}
	ap := addrPort(addr)
	ip := ap.Addr().Unmap()
	switch {
	case !ip.IsValid():
		return nil, 0, ErrUnsupported
	case ip.Is4():
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ip.As4()}, unix.AF_INET, nil
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ip.As16()}
	if z := ip.Zone(); z != "" {
		ifi, err := net.InterfaceByName(z)
		if err != nil {
			return nil, 0, err
		}
		sa.ZoneId = uint32(ifi.Index)
	}
	return sa, unix.AF_INET6, nil
}
