package netpoll

import "golang.org/x/sys/unix"

// reusePort lets several sockets listen on one address; the kernel spreads what
// arrives over them.
const reusePort = unix.SO_REUSEPORT

// spreads says that reusePort spreads connections and not only allows to bind. Where
// it does not, the loops share one listening socket.
const spreads = true

// keepAliveIdle sets the idle time before the first probe, in seconds.
func keepAliveIdle(fd, seconds int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds)
}

// deferAccept holds connections back until their first bytes are there, for about
// that many seconds.
func deferAccept(fd, seconds int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, seconds)
}

// unsentMax bounds what the kernel takes of a connection's bytes before it can send them.
// Without it a socket's buffer grows to megabytes for a peer that reads nothing.
func unsentMax(fd, bytes int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
}
