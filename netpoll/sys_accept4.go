//go:build dragonfly || freebsd

package netpoll

import "golang.org/x/sys/unix"

// sysAccept accepts a connection, non-blocking and closed on exec, and keeps the
// peer's address.
func sysAccept(fd int, p *peer) (int, error) {
	n, sa, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return -1, err
	}
	p.setSockaddr(sa)
	return n, nil
}

// sysSocket opens a non-blocking socket that is closed on exec.
func sysSocket(family, kind int) (int, error) {
	return unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}
