package netpoll

import (
	"net"
	"sync"

	"github.com/heddle-go/heddle/fiber"
)

// A Listener accepts connections on every loop of a runtime.
type Listener struct {
	addr net.Addr
	rt   *fiber.Runtime

	mu    sync.Mutex
	parts []part // under mu
}

// part is one loop's acceptor.
type part struct {
	loop     *fiber.Loop
	acceptor Acceptor
}

// Listen starts accepting connections at an address (as for net.Listen: "tcp",
// "tcp4", "tcp6", "unix") on all loops of rt, which it starts. accept is called for
// each, in loop mode on the connection's loop; it must not park, and typically
// starts a machine or a fiber. Any goroutine may call Listen, but not a fiber of rt
// outside Block. Errors are *OpError and name the address.
func Listen(rt *fiber.Runtime, network, address string, c ListenConfig, accept func(*Conn)) (*Listener, error) {
	loops := rt.Loops()
	sources, err := sources(loops, &Source{Network: network, Address: address, Config: c, overNet: &netListener{}})
	if err != nil {
		return nil, err
	}
	rt.Start()
	ln := &Listener{rt: rt}
	for i, l := range loops {
		a, err := onLoop(l, func() (Acceptor, error) { return EngineOf(l).Listen(sources[i], accept) })
		if err != nil {
			for _, s := range sources[i:] {
				s.close()
			}
			ln.Close()
			if err == fiber.ErrClosed {
				err = &OpError{Op: "listen", Addr: address, Err: err}
			}
			return nil, err
		}
		ln.parts = append(ln.parts, part{l, a})
		ln.addr = a.Addr()
	}
	return ln, nil
}

// sources makes a source for each loop.
func sources(loops []*fiber.Loop, src *Source) ([]*Source, error) {
	if len(loops) == 0 {
		return nil, &OpError{Op: "listen", Addr: src.Address, Err: ErrUnsupported}
	}
	for _, l := range loops {
		e := EngineOf(l)
		if e == nil || e.Lacks().Listen {
			return nil, &OpError{Op: "listen", Addr: src.Address, Err: ErrUnsupported}
		}
	}
	return openSources(loops, src)
}

// Addr returns the address, with the port that the kernel chose if it was 0.
func (ln *Listener) Addr() net.Addr { return ln.addr }

// Close stops accepting on every loop and returns when all have stopped. Connections
// already accepted stay, and those that wait for it in the kernel are accepted first. The file of a
// unix socket is removed, unless it was Existing. Any goroutine may call it, but not a fiber of the
// runtime outside Block. A second call does nothing.
func (ln *Listener) Close() error {
	ln.mu.Lock()
	parts := ln.parts
	ln.parts = nil
	ln.mu.Unlock()
	var first error
	for _, p := range parts {
		_, err := onLoop(p.loop, func() (struct{}, error) { return struct{}{}, p.acceptor.Close() })
		if err != nil && err != fiber.ErrClosed && first == nil {
			first = err
		}
	}
	return first
}

// onLoop calls fn in loop mode on l and waits for its result.
func onLoop[T any](l *fiber.Loop, fn func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	if err := l.Post(func() {
		v, err := fn()
		done <- result{v, err}
	}); err != nil {
		var zero T
		return zero, err
	}
	select {
	case r := <-done:
		return r.v, r.err
	case <-l.Ended():
		var zero T
		return zero, fiber.ErrClosed
	}
}
