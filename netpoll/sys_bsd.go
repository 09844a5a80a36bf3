//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// What macOS and the BSDs share. These calls go through x/sys and allocate the
// addresses they return.

// setSockaddr fills p from a socket address; it stays zero for a unix socket.
func (p *peer) setSockaddr(sa unix.Sockaddr) {
	*p = peer{}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		p.ip = [16]byte{10: 0xff, 11: 0xff, 12: sa.Addr[0], 13: sa.Addr[1], 14: sa.Addr[2], 15: sa.Addr[3]}
		p.port, p.v4 = uint16(sa.Port), true
	case *unix.SockaddrInet6:
		p.ip, p.zone, p.port = sa.Addr, sa.ZoneId, uint16(sa.Port)
	}
}

// plain makes a new descriptor non-blocking and closed on exec, for systems on which
// x/sys cannot ask for that at creation. open is called under syscall.ForkLock, so
// that no child process inherits the descriptor in between.
func plain(open func() (int, error)) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := open()
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// sysRecvFrom receives one datagram. truncated says that p was too short for it.
func sysRecvFrom(fd int, p []byte, from *peer) (n int, truncated bool, err error) {
	n, sa, truncated, err := sysRecvAddr(fd, p)
	if err == nil {
		from.setSockaddr(sa)
	}
	return n, truncated, err
}

// sysSendTo sends one datagram.
func sysSendTo(fd int, p []byte, to netip.AddrPort, zone uint32, v6 bool) error {
	var sa unix.Sockaddr
	if v6 {
		sa = &unix.SockaddrInet6{Port: int(to.Port()), ZoneId: zone, Addr: to.Addr().As16()}
	} else {
		sa = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
	}
	return sysSendAddr(fd, p, sa)
}

// sysRecv and sysSend receive and send on a stream socket.

func sysRecv(fd int, p []byte) (int, error) { return sysRead(fd, p) }

func sysSend(fd int, p []byte) (int, error) { return sysWrite(fd, p) }

// deferAccept does nothing: what these systems have instead (accept filters, where
// they have any) needs a kernel module.
func deferAccept(fd, seconds int) error { return nil }

// unsentMax does nothing: these kernels take no more than SO_SNDBUF, which is small.
func unsentMax(fd, bytes int) error { return nil }
