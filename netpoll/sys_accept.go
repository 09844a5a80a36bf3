//go:build darwin || netbsd || openbsd

package netpoll

import "golang.org/x/sys/unix"

// sysAccept accepts a connection and keeps the peer's address. x/sys has no accept4
// here.
func sysAccept(fd int, p *peer) (int, error) {
	var sa unix.Sockaddr
	n, err := plain(func() (n int, err error) {
		n, sa, err = unix.Accept(fd)
		return n, err
	})
	if err != nil {
		return -1, err
	}
	p.setSockaddr(sa)
	return n, nil
}

// sysSocket opens a non-blocking socket that is closed on exec.
func sysSocket(family, kind int) (int, error) {
	return plain(func() (int, error) { return unix.Socket(family, kind, 0) })
}
