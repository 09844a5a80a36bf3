package httpfw

import (
	"context"
	"fmt"
	"net"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// A Server serves an App on the loops of one runtime.
type Server struct {
	app    *App
	rt     *fiber.Runtime
	own    bool // the runtime was made for this server and is closed with it
	limits limits

	admitted admission
	open     atomic.Int64  // connections that speak HTTP
	draining atomic.Bool   // Shutdown was called
	empty    chan struct{} // capacity 1: open has become 0
	stopped  chan struct{} // closed when Shutdown has ended

	mu        sync.Mutex
	shards    []*shard            // by loop index; under mu
	listeners []*netpoll.Listener // under mu
	shutdown  bool                // under mu
}

// A ShutdownError says which handlers were still running when Shutdown gave up.
type ShutdownError struct {
	Running []string // method, pattern and declaration of each, with a count
	Cause   error    // that of the context given to Shutdown
}

// Error names the cause and the handlers.
func (e *ShutdownError) Error() string {
	return fmt.Sprintf("httpfw: shutdown: %v; still running: %s", e.Cause, strings.Join(e.Running, ", "))
}

// Unwrap returns why Shutdown gave up.
func (e *ShutdownError) Unwrap() error { return e.Cause }

// NewServer makes a server on the loops of a runtime of the caller's, who closes it
// after Shutdown. It must be called before the runtime starts, or for guest loops.
// Mistakes made when the App was set up are reported here.
func (a *App) NewServer(rt *fiber.Runtime) (*Server, error) {
	if err := a.seal(); err != nil {
		return nil, err
	}
	s := &Server{app: a, rt: rt, limits: a.config.limits(),
		empty: make(chan struct{}, 1), stopped: make(chan struct{})}
	s.admitted.limits = &s.limits
	for _, l := range rt.Loops() {
		s.shards = append(s.shards, newShard(s, l))
	}
	return s, nil
}

// Start makes a runtime from Config.Fiber, listens at a TCP address and serves. It
// returns as soon as connections are accepted. The error names the address or the
// routes that are wrong.
func (a *App) Start(address string) (*Server, error) {
	fc := a.config.Fiber
	if fc.NewPoller == nil {
		fc.NewPoller = netpoll.NewEngine
	}
	if fc.Logger == nil {
		fc.Logger = a.config.Logger
	}
	if err := a.seal(); err != nil {
		return nil, err
	}
	rt, err := fiber.New(fc)
	if err != nil {
		return nil, err
	}
	s, err := a.NewServer(rt)
	if err == nil {
		s.own = true
		_, err = s.Listen("tcp", address)
	}
	if err != nil {
		rt.Close(context.Background())
		return nil, err
	}
	return s, nil
}

// shutdownGrace is how long Run lets handlers finish after a signal.
const shutdownGrace = 30 * time.Second

// Run is Start, and serves until the process gets SIGINT or SIGTERM; then it shuts the
// server down, giving handlers 30 seconds to finish. It returns nil after an orderly end,
// why it could not start, or a *ShutdownError if handlers had to be cut off.
func (a *App) Run(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := a.Start(address)
	if err != nil {
		return err
	}
	a.log.Info("httpfw: listening", "address", "http://"+s.Addr().String(), "loops", len(s.rt.Loops()))
	select {
	case <-ctx.Done():
	case <-s.stopped:
		return nil
	}
	stop() // a second signal ends the process at once
	a.log.Info("httpfw: shutting down", "connections", s.Conns(), "grace", shutdownGrace)
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	return s.Shutdown(grace)
}

// Listen adds a listener ("tcp", "tcp4", "tcp6", "unix") with Config.Listen and
// returns it.
func (s *Server) Listen(network, address string) (*netpoll.Listener, error) {
	lc := s.app.config.Listen
	if lc.DeferAccept == 0 {
		lc.DeferAccept = time.Second
	}
	ln, err := netpoll.Listen(s.rt, network, address, lc, s.Accept)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, ln)
	return ln, nil
}

// Addr returns the address of the first listener, nil without one.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) == 0 {
		return nil
	}
	return s.listeners[0].Addr()
}

// Runtime returns the runtime the server runs on.
func (s *Server) Runtime() *fiber.Runtime { return s.rt }

// Conns returns how many connections are open, also those that were hijacked and not closed
// yet, as Config.ConnsMax counts them: for metrics. Any goroutine may call it.
func (s *Server) Conns() int { return int(s.admitted.open.Load()) }

// Accept serves a connection that an engine has accepted. In loop mode, on the
// connection's loop: it is the accept function for netpoll.Listen and for engines
// with listeners of their own.
func (s *Server) Accept(nc *netpoll.Conn) { s.shardOf(nc.Loop()).accept(nc) }

// shardOf returns the shard of a loop, which may be a guest that was added later.
func (s *Server) shardOf(l *fiber.Loop) *shard {
	i := l.Index()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i >= len(s.shards) {
		s.shards = append(s.shards, nil)
	}
	if s.shards[i] == nil {
		s.shards[i] = newShard(s, l)
	}
	return s.shards[i]
}

// left says that a connection has ended. Holder only.
func (s *Server) left() {
	if s.open.Add(-1) == 0 && s.draining.Load() {
		select {
		case s.empty <- struct{}{}:
		default:
		}
	}
}

// Shutdown stops accepting, closes connections that idle, lets requests that have
// begun finish, and returns when all connections have ended. If ctx ends first it
// returns a *ShutdownError that names the handlers still running; if the server's
// runtime is its own these are canceled, and their connections cut. Handlers learn of it by
// Config.OnShutdown. Connections given away by HijackConn are not waited for: those of a
// runtime of its own end with it. Any goroutine may call it, but not a fiber of the runtime
// outside Block. A second call does nothing.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.shutdown {
		s.mu.Unlock()
		return nil
	}
	s.shutdown = true
	listeners, shards := s.listeners, s.shards
	s.mu.Unlock()
	defer close(s.stopped)

	// Whoever gets in until the last listener has closed is answered: only then do
	// connections end.
	for _, ln := range listeners {
		ln.Close()
	}
	s.draining.Store(true)
	for _, sh := range shards {
		if sh != nil {
			sh.loop.Post(sh.closeIdle)
		}
	}
	if told := s.app.config.OnShutdown; told != nil {
		told()
	}
	var failed error
	for s.open.Load() > 0 && failed == nil {
		select {
		case <-s.empty:
		case <-ctx.Done():
			failed = &ShutdownError{Running: s.rt.Running(), Cause: context.Cause(ctx)}
		}
	}
	if !s.own {
		return failed
	}
	// Handlers that listen to their cancellation end at once; nobody waits longer for
	// the others than ctx allows, but a moment all the same.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 100*time.Millisecond)
	defer cancel()
	if failed == nil {
		last = ctx
	}
	if err := s.rt.Close(last); failed == nil && err != nil {
		failed = err
	}
	return failed
}

// closeIdle wakes every connection, so that those that wait for a request close.
// Holder only.
func (sh *shard) closeIdle() {
	sh.loop.Each(func(f *fiber.Fiber, m fiber.Machine) {
		if c, ok := m.(*conn); ok && c.shard == sh && c.phase == phaseHead && !c.partial {
			f.Ready()
		}
	})
}
