//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the package knows of the kernel's structures. Unsafe code is in the sys_ files
// only. Why it is safe: every pointer passed to the kernel is converted in the call's
// own argument list, as package unsafe asks, and points to memory that lives through
// the call; the kernel keeps none of them. A socket address is read through the
// pointer only after its family, written by the kernel, said what it is, and the
// buffer has room for every family.

// iovec describes p to writev. len(p) must not be 0.
func iovec(p []byte) unix.Iovec {
	v := unix.Iovec{Base: unsafe.SliceData(p)}
	v.SetLen(len(p))
	return v
}

// peer is a peer's address in 24 bytes; zero for a unix socket.
type peer struct {
	ip   [16]byte
	zone uint32
	port uint16
	v4   bool
}

func (p *peer) addrPort() netip.AddrPort {
	if p.port == 0 && p.ip == [16]byte{} {
		return netip.AddrPort{}
	}
	a := netip.AddrFrom16(p.ip)
	if p.v4 || a.Is4In6() {
		a = a.Unmap()
	} else if p.zone != 0 {
		a = a.WithZone(zoneName(p.zone))
	}
	return netip.AddrPortFrom(a, p.port)
}

// peerOf returns the compact form of an address; zero if it has a zone, which sockets
// are then asked for.
func peerOf(a netip.AddrPort) peer {
	if a.Addr().Zone() != "" {
		return peer{}
	}
	return peer{ip: a.Addr().As16(), port: a.Port(), v4: a.Addr().Is4()}
}

// set fills p from a socket address as the kernel wrote it.
func (p *peer) set(rsa *unix.RawSockaddrAny) {
	*p = peer{}
	switch rsa.Addr.Family {
	case unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(rsa))
		p.ip = [16]byte{10: 0xff, 11: 0xff, 12: a.Addr[0], 13: a.Addr[1], 14: a.Addr[2], 15: a.Addr[3]}
		p.port, p.v4 = networkOrder(&a.Port), true
	case unix.AF_INET6:
		a := (*unix.RawSockaddrInet6)(unsafe.Pointer(rsa))
		p.ip, p.zone, p.port = a.Addr, a.Scope_id, networkOrder(&a.Port)
	}
}

// networkOrder reads a port, which the kernel keeps in network byte order.
func networkOrder(port *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// putNetworkOrder writes a port for the kernel.
func putNetworkOrder(port *uint16, v uint16) {
	b := (*[2]byte)(unsafe.Pointer(port))
	b[0], b[1] = byte(v>>8), byte(v)
}

// sysRecvAddr receives one datagram with whatever kind of address it comes from,
// which it allocates.
func sysRecvAddr(fd int, p []byte) (n int, from unix.Sockaddr, truncated bool, err error) {
	for {
		n, _, flags, from, err := unix.RecvmsgBuffers(fd, [][]byte{p}, nil, 0)
		if err != unix.EINTR {
			return max(n, 0), from, flags&unix.MSG_TRUNC != 0, err
		}
	}
}

// sysSendAddr sends one datagram to any kind of address.
func sysSendAddr(fd int, p []byte, to unix.Sockaddr) error {
	for {
		if err := unix.Sendto(fd, p, 0, to); err != unix.EINTR {
			return err
		}
	}
}
