package netpoll

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// netEngine is the engine over package net, for systems without one of their own: a
// connection costs two goroutines and 32 KiB, one that reads and one that writes, and
// every event a post into the loop. It exists so that programs can be developed there;
// see docs/decisions/0001-windows.md. Its connections are in net_conn.go.
type netEngine struct {
	loop   *fiber.Loop
	lender *Lender
	woken  chan struct{}         // capacity 1
	timer  *time.Timer           // holder only
	conns  map[*netConn]struct{} // open ones; holder only
	accs   map[*netAcceptor]struct{}
	closed bool           // holder only
	work   sync.WaitGroup // goroutines of connections
}

// NewNetEngine returns an engine over package net for a loop: fiber.Config's NewPoller.
// It runs on every system that package net supports. Without a descriptor of their
// own its connections have FD -1; it has no datagram sockets.
func NewNetEngine(l *fiber.Loop) (fiber.Poller, error) {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &netEngine{
		loop: l, lender: NewLender(l), woken: make(chan struct{}, 1), timer: t,
		conns: map[*netConn]struct{}{}, accs: map[*netAcceptor]struct{}{},
	}, nil
}

// Lacks: package net has nothing to wait for once a read has met the end.
func (e *netEngine) Lacks() Lacks { return Lacks{LateReset: true} }

// Poll waits only: events come through the loop's inbox.
func (e *netEngine) Poll(d time.Duration) {
	switch {
	case d == 0:
	case d < 0:
		<-e.woken
	default:
		e.timer.Reset(d)
		select {
		case <-e.woken:
		case <-e.timer.C:
		}
		e.timer.Stop()
	}
}

func (e *netEngine) Wake() {
	select {
	case e.woken <- struct{}{}:
	default:
	}
}

func (e *netEngine) Close() error {
	e.closed = true
	for a := range e.accs {
		a.Close()
	}
	for t := range e.conns {
		t.Conn.Close()
	}
	e.work.Wait()
	return nil
}

// adoptConn goes on with nc itself, whatever kind of connection it is.
func (e *netEngine) adoptConn(nc net.Conn) (*Conn, func(), bool, error) {
	t := e.newConn(nc, owedBytesMax)
	return &t.Conn, t.enter, false, nil
}

// Connect connects on a goroutine.
func (e *netEngine) Connect(network string, addr net.Addr, done func(*Conn, error)) (cancel func(), err error) {
	ctx, stop := context.WithCancel(context.Background())
	canceled := false // loop mode only
	go func() {
		defer stop()
		var d net.Dialer
		nc, err := d.DialContext(ctx, network, addr.String())
		if err != nil {
			err = &OpError{Op: "dial", Addr: addr.String(), Err: cause(err)}
		}
		perr := e.loop.Post(func() {
			switch {
			case canceled:
				if nc != nil {
					nc.Close()
				}
			case err != nil:
				done(nil, err)
			default:
				t := e.newConn(nc, owedBytesMax)
				t.enter()
				done(&t.Conn, nil)
			}
		})
		if perr != nil && nc != nil {
			nc.Close()
		}
	}()
	return func() { canceled = true; stop() }, nil
}

// netListener accepts on one goroutine for the loops that share a Source, in turn.
type netListener struct {
	mu   sync.Mutex
	room *sync.Cond     // on mu: a loop may have room, or the listener closes
	ln   net.Listener   // nil before the first loop and after the last
	list []*netAcceptor // under mu
	next int            // under mu
}

// netAcceptor is one loop's part of it.
type netAcceptor struct {
	from   *netListener
	engine *netEngine
	src    *Source
	accept func(*Conn)
	addr   net.Addr
	open   int // connections that count against ConnsMax; under from.mu
}

// Listen opens the listener for the first loop and lets the others join.
func (e *netEngine) Listen(src *Source, accept func(*Conn)) (Acceptor, error) {
	s := src.overNet
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.ln == nil
	if first {
		ln, err := src.openNet()
		if err != nil {
			return nil, &OpError{Op: "listen", Addr: src.Network + " " + src.Address, Err: cause(err)}
		}
		s.ln, s.room = ln, sync.NewCond(&s.mu)
	}
	a := &netAcceptor{from: s, engine: e, src: src, accept: accept, addr: s.ln.Addr()}
	s.list = append(s.list, a)
	e.accs[a] = struct{}{}
	if first {
		go s.serve(s.ln)
	}
	return a, nil
}

// openNet opens a listener, or duplicates the existing one.
func (src *Source) openNet() (net.Listener, error) {
	c := &src.Config
	if ln := c.Existing; ln != nil {
		f, ok := ln.(interface{ File() (*os.File, error) })
		if !ok {
			return nil, ErrUnsupported
		}
		file, err := f.File()
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return net.FileListener(file)
	}
	idle := c.KeepAlive
	if idle == 0 {
		idle = 15 * time.Second
	}
	lc := net.ListenConfig{KeepAlive: idle}
	return lc.Listen(context.Background(), src.Network, src.Address)
}

// serve accepts until ln is closed.
func (s *netListener) serve(ln net.Listener) {
	for s.waitRoom() {
		nc, err := ln.Accept()
		if err != nil {
			s.mu.Lock()
			over := len(s.list) == 0
			s.mu.Unlock()
			if over {
				return
			}
			time.Sleep(acceptPause) // out of descriptors, or one connection failed
			continue
		}
		if a := s.choose(); a == nil || a.engine.loop.Post(func() { a.take(nc) }) != nil {
			nc.Close()
		}
	}
}

// acceptPause is how long a failed listener waits before it tries again.
const acceptPause = 50 * time.Millisecond

// waitRoom waits until a loop may take a connection. It reports false if none is left.
func (s *netListener) waitRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 0 {
		for _, a := range s.list {
			if a.hasRoom() {
				return true
			}
		}
		s.room.Wait()
	}
	return false
}

// choose returns the next loop that has room, or else the next one.
func (s *netListener) choose() *netAcceptor {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range s.list {
		a := s.list[s.next%len(s.list)]
		s.next++
		if a.hasRoom() {
			a.open++
			return a
		}
	}
	return nil
}

func (a *netAcceptor) hasRoom() bool { m := a.src.Config.ConnsMax; return m <= 0 || a.open < m }

// take makes a connection of nc. Loop mode.
func (a *netAcceptor) take(nc net.Conn) {
	if _, ok := a.engine.accs[a]; !ok {
		nc.Close()
		return
	}
	if tc, ok := nc.(*net.TCPConn); ok && a.src.Config.Delay {
		tc.SetNoDelay(false)
	}
	t := a.engine.newConn(nc, a.src.Config.owed())
	t.from = a
	t.enter()
	returned := false
	defer func() {
		if !returned { // a panic, which goes on to the loop, concerns one connection
			t.Conn.Close()
		}
	}()
	a.accept(&t.Conn)
	returned = true
}

// left says that a connection was closed. Loop mode.
func (a *netAcceptor) left() {
	a.from.mu.Lock()
	a.open--
	a.from.room.Signal()
	a.from.mu.Unlock()
}

func (a *netAcceptor) Addr() net.Addr { return a.addr }

// Close takes the loop out; the last one closes the listener.
func (a *netAcceptor) Close() error {
	if _, ok := a.engine.accs[a]; !ok {
		return nil
	}
	delete(a.engine.accs, a)
	s := a.from
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i] == a {
			s.list = append(s.list[:i:i], s.list[i+1:]...)
			break
		}
	}
	s.room.Signal()
	if len(s.list) > 0 {
		return nil
	}
	ln := s.ln
	s.ln = nil
	return ln.Close()
}
