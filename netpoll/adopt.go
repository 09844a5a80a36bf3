package netpoll

import (
	"net"

	"github.com/heddle-go/heddle/fiber"
)

// An adopter is an Engine that can go on with a connection of package net.
//
//fiberc:nowait
type adopter interface {
	// adoptConn makes a connection of nc. Any goroutine may call it. The engine learns
	// of the connection in enter, which is called in loop mode. nc may be closed
	// afterwards if release says so. If enter is not going to be called, c.Close is.
	adoptConn(nc net.Conn) (c *Conn, enter func(), release bool, err error)
}

// Adopt takes a connection over into l: a *net.TCPConn or *net.UnixConn that an
// existing server has accepted or hijacked, with nothing read from it that still
// matters. Afterwards nc is closed, without ending the connection, and must not be
// used; the result must be closed instead. If Adopt fails nc is as before. The
// result may be given to a fiber of l, to a machine, or to goroutines (Detached). Any
// goroutine may call Adopt; it does not wait. Errors are *OpError; among the causes
// are ErrUnsupported, for connections without a socket of their own (TLS) and engines
// that cannot do it, and fiber.ErrClosed, if l has ended.
func Adopt(l *fiber.Loop, nc net.Conn) (*Conn, error) {
	a, ok := l.Poller().(adopter)
	if !ok {
		return nil, &OpError{Op: "adopt", Err: ErrUnsupported}
	}
	c, enter, release, err := a.adoptConn(nc)
	if err != nil {
		return nil, &OpError{Op: "adopt", Err: err}
	}
	if err := l.Post(enter); err != nil {
		c.transport.Close(false)
		return nil, &OpError{Op: "adopt", Err: err}
	}
	if release {
		nc.Close()
	}
	return c, nil
}
