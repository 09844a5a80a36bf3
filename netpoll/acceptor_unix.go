//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// acceptor is one loop's part of a listener: a machine that accepts until the
// kernel has no more. Holder only, but for full.
type acceptor struct {
	fiber  fiber.Fiber
	engine *systemEngine
	fd     int
	gen    uint32
	src    *Source
	addr   net.Addr
	accept func(*Conn)
	taking *sock       // the connection that accept is called with
	open   int         // connections that count against ConnsMax
	full   atomic.Bool // open has reached ConnsMax; for the other loops of a shared socket
	closed bool
}

// acceptBatch bounds the connections accepted before other fibers run.
const acceptBatch = 64

// lastBatch bounds the connections that Close accepts.
const lastBatch = 4096

// acceptRetry is how long an acceptor waits when the process or the kernel is out of
// descriptors or memory, or refuses for another reason of its own. The connections
// wait in the backlog meanwhile.
const acceptRetry = 50 * time.Millisecond

func (a *acceptor) generation() uint32 { return a.gen }

func (a *acceptor) event(_, _, _, _ bool) { a.fiber.Ready() }

func (a *acceptor) String() string { return "accept " + a.addr.String() }

// Resume accepts. A failure of one connection (ECONNABORTED and the like) concerns
// that one only.
func (a *acceptor) Resume(f *fiber.Fiber) fiber.Status {
	if a.closed || f.Err() != nil {
		a.leave()
		return fiber.Done
	}
	for range acceptBatch {
		if a.isFull() {
			a.full.Store(true) // left wakes it
			a.src.shared.group.passOn()
			return fiber.Waiting
		}
		switch err := a.take(); {
		case err == nil || ofOne(err):
		case err == unix.EAGAIN:
			return fiber.Waiting
		default:
			f.SetDeadline(a.engine.loop.Clock() + int64(acceptRetry))
			return fiber.Waiting
		}
		if a.closed {
			return fiber.Done
		}
	}
	return fiber.Again
}

// ofOne reports whether a failure to accept concerns one connection only: there may be others.
func ofOne(err error) bool {
	return err == unix.ECONNABORTED || err == unix.EINTR || err == unix.EPROTO
}

// isFull reports whether ConnsMax is reached.
func (a *acceptor) isFull() bool {
	most := a.src.Config.ConnsMax
	return most > 0 && a.open >= most
}

// take accepts one connection.
func (a *acceptor) take() error {
	var p peer
	fd, err := sysAccept(a.fd, &p)
	if err != nil {
		return err
	}
	s := a.engine.adopt(fd, a.src.Config.owed())
	s.peer = p
	if a.src.Config.ConnsMax > 0 {
		s.from = a
		a.open++
	}
	a.taking = s
	a.accept(&s.Conn)
	a.taking = nil
	return nil
}

// Ended goes on accepting after a panic in accept, which concerns one connection.
func (a *acceptor) Ended(*fiber.Fiber, error) {
	a.drop()
	if !a.closed {
		a.engine.loop.Start(&a.fiber, a)
	}
}

// drop closes the connection that accept has panicked with.
func (a *acceptor) drop() {
	if s := a.taking; s != nil {
		a.taking = nil
		s.Conn.Close()
	}
}

// left says that a connection was closed.
func (a *acceptor) left() {
	a.open--
	a.full.Store(false)
	a.fiber.Ready()
}

func (a *acceptor) Addr() net.Addr { return a.addr }

// Close takes in first who is connected already: their peers would see a reset.
func (a *acceptor) Close() error {
	for i := 0; i < lastBatch && a.taking == nil && !a.closed && !a.isFull(); i++ {
		if err := a.takeLast(); err != nil && !ofOne(err) {
			break
		}
	}
	return a.leave()
}

// takeLast is take on somebody else's turn, which a panic in accept must not end: it ends a
// fiber instead, where it is counted and logged.
func (a *acceptor) takeLast() error {
	defer func() {
		if v := recover(); v != nil {
			a.drop()
			a.engine.loop.Go(func(*fiber.Fiber) { panic(v) })
		}
	}()
	return a.take()
}

// leave closes the socket.
func (a *acceptor) leave() error {
	if a.closed {
		return nil
	}
	a.closed = true
	a.src.shared.group.leave(a)
	a.engine.unwatch(a.fd)
	a.engine.leave(a.fd)
	a.fiber.Ready()
	return unix.Close(a.fd)
}

// Listen makes the engine accept from its part of a listening socket.
func (e *systemEngine) Listen(src *Source, accept func(*Conn)) (Acceptor, error) {
	if src.shared == nil {
		return nil, &OpError{Op: "listen", Addr: src.Address, Err: ErrUnsupported}
	}
	fd := src.shared.take()
	if fd < 0 {
		return nil, &OpError{Op: "listen", Addr: src.Address, Err: net.ErrClosed}
	}
	a := &acceptor{engine: e, fd: fd, gen: e.newGen(), src: src, addr: src.shared.addr, accept: accept}
	e.enter(fd, a)
	if err := e.watchListener(fd, a.gen); err != nil {
		e.leave(fd)
		unix.Close(fd)
		return nil, err
	}
	e.loop.Start(&a.fiber, a)
	src.shared.group.join(a) // others may wake it from here on
	return a, nil
}

// An acceptGroup is the acceptors of one listener.
type acceptGroup struct {
	shared bool   // they share one socket
	path   string // of the unix socket to remove, "" for none; immutable

	mu      sync.Mutex
	members []*acceptor // under mu
	removed bool        // the path was; under mu
}

func (g *acceptGroup) join(a *acceptor) {
	g.mu.Lock()
	g.members = append(g.members, a)
	g.mu.Unlock()
}

// leave takes a out and removes the file of a unix socket, like net.UnixListener:
// before the socket is closed.
func (g *acceptGroup) leave(a *acceptor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, m := range g.members {
		if m == a {
			g.members = append(g.members[:i], g.members[i+1:]...)
			break
		}
	}
	g.remove()
}

// remove removes the file of a unix socket. Under mu.
func (g *acceptGroup) remove() {
	if g.path != "" && !g.removed {
		g.removed = true
		unix.Unlink(g.path)
	}
}

// passOn makes another loop look at a shared socket: the kernel told a loop that has
// no room, and tells nobody else.
func (g *acceptGroup) passOn() {
	if !g.shared {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.members {
		if !m.full.Load() {
			m.fiber.Unpark()
			return
		}
	}
}

// socketPath returns the file of a unix socket, "" if it has none.
func socketPath(network, address string) string {
	if network != "unix" || address == "" || strings.HasPrefix(address, "@") || address[0] == 0 {
		return ""
	}
	return address
}
