package netpoll

import "golang.org/x/sys/unix"

// As in opts_linux.go.

const (
	reusePort = unix.SO_REUSEPORT
	spreads   = false
)

// keepAliveIdle does nothing: the kernel has one idle time for all sockets.
func keepAliveIdle(int, int) error { return nil }
