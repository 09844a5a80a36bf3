package netpoll

import "golang.org/x/sys/unix"

// As in opts_linux.go.

const (
	reusePort = unix.SO_REUSEPORT
	spreads   = true // since DragonFly 3.6
)

func keepAliveIdle(fd, seconds int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds)
}
