//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// Each loop accepts for itself. Where the kernel spreads connections over sockets of
// one address (SO_REUSEPORT), a TCP address gets one socket a loop, and nothing is
// handed from loop to loop. Any other listening socket (unix, open already, another
// kernel) is shared: every loop watches it and the kernel wakes one.

// sharedSocket is one loop's part of a listening socket opened by Listen.
type sharedSocket struct {
	fd    int // -1 once an engine has taken it
	addr  net.Addr
	group *acceptGroup
}

// take returns the descriptor, -1 if it was taken before.
func (s *sharedSocket) take() int {
	fd := s.fd
	s.fd = -1
	return fd
}

// openSources makes a source for each loop. Loops of a readiness engine get a
// socket; other engines know their addresses themselves.
func openSources(loops []*fiber.Loop, src *Source) ([]*Source, error) {
	list := make([]*Source, len(loops))
	for i := range list {
		list[i] = src
	}
	if _, ok := EngineOf(loops[0]).(*systemEngine); !ok {
		return list, nil
	}
	sockets, err := openSockets(src, len(loops))
	if err != nil {
		return nil, err
	}
	for i, s := range sockets {
		one := *src
		one.shared = s
		list[i] = &one
	}
	return list, nil
}

// close frees the socket of a source that no engine has taken.
func (s *Source) close() {
	if s.shared == nil {
		return
	}
	closeSockets([]*sharedSocket{s.shared})
}

// openSockets opens the listening sockets of n loops.
func openSockets(src *Source, n int) ([]*sharedSocket, error) {
	if ln := src.Config.Existing; ln != nil {
		list, err := duplicates(ln, n, &acceptGroup{shared: n > 1})
		if err != nil {
			return nil, err
		}
		if err := configure(list[0].fd, ln.Addr().Network(), &src.Config); err != nil {
			closeSockets(list)
			return nil, &OpError{Op: "listen", Addr: ln.Addr().String(), Err: err}
		}
		return list, nil
	}
	switch src.Network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, &OpError{Op: "listen", Addr: src.Address, Err: net.UnknownNetworkError(src.Network)}
	}
	if src.Network != "unix" && spreads {
		return openEach(src, n)
	}
	return openSocket(src, src.Address, false, n, &acceptGroup{
		shared: n > 1,
		path:   socketPath(src.Network, src.Address),
	})
}

// openEach opens n sockets for one address. The first is bound alone, so an address
// that anybody uses, be it another server with SO_REUSEPORT, is refused; only then it
// is opened to the others. Linux allows that on a bound socket (the others must belong
// to the same user); elsewhere the first only shows that the address is free.
func openEach(src *Source, n int) ([]*sharedSocket, error) {
	group := &acceptGroup{}
	list, err := openSocket(src, src.Address, false, 1, group)
	if err != nil || n == 1 {
		return list, err
	}
	address := list[0].addr.String() // the port that the kernel chose
	if runtime.GOOS != "linux" {
		closeSockets(list)
		list = nil
	} else if err := unix.SetsockoptInt(list[0].fd, unix.SOL_SOCKET, reusePort, 1); err != nil {
		closeSockets(list)
		return nil, &OpError{Op: "setsockopt SO_REUSEPORT", Addr: address, Err: err}
	}
	for len(list) < n {
		next, err := openSocket(src, address, true, 1, group)
		if err != nil {
			closeSockets(list)
			return nil, err
		}
		list = append(list, next...)
	}
	return list, nil
}

// openSocket opens a listening socket and returns n descriptors of it. The standard
// library parses the address and binds; the descriptors are ours.
func openSocket(src *Source, address string, reuse bool, n int, group *acceptGroup) ([]*sharedSocket, error) {
	lc := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		c.Control(func(fd uintptr) {
			if reuse {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, reusePort, 1)
			}
		})
		return err
	}}
	lc.SetMultipathTCP(false) // options would not reach the connections
	ln, err := lc.Listen(context.Background(), src.Network, address)
	if err != nil {
		return nil, &OpError{Op: "listen", Addr: src.Network + " " + address, Err: cause(err)}
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	defer ln.Close()
	list, err := duplicates(ln, n, group)
	if err == nil {
		if err = configure(list[0].fd, src.Network, &src.Config); err == nil {
			return list, nil
		}
		closeSockets(list)
		err = &OpError{Op: "listen", Addr: src.Network + " " + address, Err: err}
	}
	group.mu.Lock()
	group.remove()
	group.mu.Unlock()
	return nil, err
}

// configure sets what connections inherit from their listener.
func configure(fd int, network string, c *ListenConfig) error {
	if c.Backlog > 0 {
		if err := unix.Listen(fd, c.Backlog); err != nil {
			return os.NewSyscallError("listen", err)
		}
	}
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	if !c.Delay {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return os.NewSyscallError("setsockopt TCP_NODELAY", err)
		}
	}
	if c.DeferAccept > 0 {
		if err := deferAccept(fd, seconds(c.DeferAccept)); err != nil {
			return os.NewSyscallError("setsockopt TCP_DEFER_ACCEPT", err)
		}
	}
	if err := unsentMax(fd, max(c.owed(), unsentLeast)); err != nil {
		return os.NewSyscallError("setsockopt TCP_NOTSENT_LOWAT", err)
	}
	return keepAlive(fd, c.KeepAlive)
}

// unsentLeast is enough for full segments, whatever OwedBytesMax is.
const unsentLeast = 16 << 10

// seconds rounds up to whole seconds.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// keepAliveDefault is the idle time before the first probe.
const keepAliveDefault = 15 * time.Second

// keepAlive makes the kernel probe an idle peer. idle is as in ListenConfig.
func keepAlive(fd int, idle time.Duration) error {
	if idle < 0 {
		return nil
	}
	if idle == 0 {
		idle = keepAliveDefault
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return os.NewSyscallError("setsockopt SO_KEEPALIVE", err)
	}
	return keepAliveIdle(fd, seconds(idle))
}

// duplicates returns n non-blocking descriptors of an open listener.
func duplicates(ln net.Listener, n int, group *acceptGroup) ([]*sharedSocket, error) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return nil, &OpError{Op: "listen", Err: fmt.Errorf("a %T has no descriptor to take over", ln)}
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, &OpError{Op: "listen", Addr: ln.Addr().String(), Err: cause(err)}
	}
	var list []*sharedSocket
	for range n {
		fd := -1
		var dupErr error
		err := raw.Control(func(orig uintptr) {
			fd, dupErr = unix.FcntlInt(orig, unix.F_DUPFD_CLOEXEC, 0)
		})
		if err == nil {
			err = dupErr
		}
		if err != nil {
			closeSockets(list)
			return nil, &OpError{Op: "dup", Addr: ln.Addr().String(), Err: cause(err)}
		}
		list = append(list, &sharedSocket{fd: fd, addr: ln.Addr(), group: group})
	}
	return list, nil
}

// closeSockets closes the descriptors that no engine has taken.
func closeSockets(list []*sharedSocket) {
	for _, s := range list {
		if fd := s.take(); fd >= 0 {
			unix.Close(fd)
		}
		s.group.mu.Lock()
		s.group.remove()
		s.group.mu.Unlock()
	}
}
