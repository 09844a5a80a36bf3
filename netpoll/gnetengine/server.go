//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// Handler returns a gnet handler for a server whose connections all belong to fibers:
// it attaches each with accept.
func (e *Engine) Handler(accept func(c *netpoll.Conn)) gnet.EventHandler {
	return &handler{engine: e, accept: accept}
}

// handler forwards gnet's callbacks.
type handler struct {
	gnet.BuiltinEventEngine
	engine *Engine
	accept func(*netpoll.Conn)
	booted chan gnet.Engine // gets the running gnet; nil if nobody wants to know
}

func (h *handler) OnBoot(eng gnet.Engine) gnet.Action {
	if h.booted != nil {
		h.booted <- eng
	}
	return gnet.None
}

func (h *handler) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	return nil, h.engine.Attach(c, h.accept)
}

func (h *handler) OnTraffic(c gnet.Conn) gnet.Action { return h.engine.OnTraffic(c) }

func (h *handler) OnClose(c gnet.Conn, err error) gnet.Action { return h.engine.OnClose(c, err) }

func (h *handler) OnShutdown(gnet.Engine) { h.engine.OnShutdown() }

// A Server is a gnet server whose connections all belong to fibers.
type Server struct {
	engine *Engine
	gnet   gnet.Engine
	addr   net.Addr
	done   chan struct{} // closed when gnet has ended
	err    error         // what gnet.Run returned; after done
}

// Start runs gnet at an address (networks "tcp", "tcp4", "tcp6", "unix"), calls accept
// for each connection as Attach does, and returns when it listens. o is gnet's; without
// a Logger or LogPath gnet's warnings and errors go to c.Fiber.Logger and the rest
// nowhere. HostLocked follows LockOSThread, and ReuseAddr is set. With port 0,
// ReusePort is not used: gnet would open another port for each loop.
func Start(network, address string, c Config, o gnet.Options, accept func(c *netpoll.Conn)) (*Server, error) {
	fail := func(err error) (*Server, error) {
		return nil, &netpoll.OpError{Op: "listen", Addr: address, Err: err}
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		o.ReuseAddr = true
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return fail(err)
		}
		if port == "0" || port == "" {
			o.ReusePort = false
		}
	case "unix":
		if address != strings.ToLower(address) {
			return fail(errors.New("gnet turns the name of a unix socket into lower case"))
		}
	default:
		return fail(net.UnknownNetworkError(network))
	}
	if o.Logger == nil && o.LogPath == "" {
		log := c.Fiber.Logger
		if log == nil {
			log = slog.Default()
		}
		o.Logger = quiet{log}
	}
	c.Fiber.HostLocked = o.LockOSThread
	e, err := New(c)
	if err != nil {
		return nil, err
	}
	h := &handler{engine: e, accept: accept, booted: make(chan gnet.Engine, 1)}
	s := &Server{engine: e, done: make(chan struct{})}
	go func() {
		s.err = gnet.Run(h, network+"://"+address, gnet.WithOptions(o))
		close(s.done)
	}()
	select {
	case s.gnet = <-h.booted:
	case <-s.done:
		e.Close(context.Background())
		return fail(s.err)
	}
	if s.addr, err = boundAddr(s.gnet); err != nil {
		s.Stop(context.Background())
		return fail(err)
	}
	return s, nil
}

// boundAddr asks gnet's listener for its address, which gnet itself does not tell.
func boundAddr(eng gnet.Engine) (net.Addr, error) {
	fd, err := eng.Dup()
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "gnet listener")
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	defer ln.Close()
	return ln.Addr(), nil
}

// Addr returns the address the server listens on.
func (s *Server) Addr() net.Addr { return s.addr }

// Engine returns the engine of the server.
func (s *Server) Engine() *Engine { return s.engine }

// Done is closed when gnet has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the server: fibers are canceled with fiber.ErrClosed and, while gnet still
// runs, have until ctx ends to finish; then gnet stops. It returns a *fiber.CloseError
// if fibers were left, which go on beside gnet until they end. Not for gnet callbacks
// on event loops, nor fibers outside Block.
func (s *Server) Stop(ctx context.Context) error {
	err := s.engine.Close(ctx)
	// gnet.Engine.Stop looks every half second whether gnet has ended; we know better.
	at, cancel := context.WithCancel(context.Background())
	cancel()
	s.gnet.Stop(at)
	select {
	case <-s.done:
		if err == nil {
			err = s.err
		}
	case <-ctx.Done():
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	return err
}
