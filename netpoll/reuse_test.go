//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reuse is a net.ListenConfig's Control that shares the port.
func reuse(_, _ string, c syscall.RawConn) error {
	var err error
	c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, reusePort, 1) })
	return err
}
