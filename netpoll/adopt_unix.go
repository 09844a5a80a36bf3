//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net"
)

// adoptConn goes on with a duplicate of nc's descriptor, since package net watches its
// own. Until enter has run reads and writes work but nobody is woken; the kernel then
// reports what happened before.
func (e *systemEngine) adoptConn(nc net.Conn) (*Conn, func(), bool, error) {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil, nil, false, ErrUnsupported
	}
	if a := nc.LocalAddr(); a == nil || a.Network() != "tcp" && a.Network() != "unix" {
		return nil, nil, false, ErrUnsupported // datagrams
	}
	fd, err := duplicate(nc)
	if err != nil {
		return nil, nil, false, err
	}
	s := e.newSock(fd, owedBytesMax)
	s.peer = peerOf(addrPort(nc.RemoteAddr()))
	return &s.Conn, func() {
		if !s.Conn.closed {
			e.admit(s)
		}
	}, true, nil
}
