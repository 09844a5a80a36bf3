package netpoll

import (
	"container/heap"
	"net"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// memoryEngine is the engine of one loop on a simulated network. What happens on the
// network is an event in the queue of the engine that it concerns, due at a time of
// the loop's clock; Poll hands over what is due and waits for the rest.
type memoryEngine struct {
	net    *MemoryNetwork
	loop   *fiber.Loop
	lender *Lender
	wait   fiber.Poller // how to wait

	events memoryEvents  // under net.mu
	seq    uint64        // under net.mu
	closed bool          // under net.mu
	socks  []*memorySock // open ones; holder only
}

// A memoryEvent is something to be done in loop mode at a time.
type memoryEvent struct {
	due     int64
	tie     uint64 // order of what is due at one time
	outside bool   // somebody elsewhere waits for it: done even when the engine closes
	do      func()
}

type memoryEvents []memoryEvent

func (h memoryEvents) Len() int { return len(h) }
func (h memoryEvents) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].tie < h[j].tie
}
func (h memoryEvents) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *memoryEvents) Push(x any)   { *h = append(*h, x.(memoryEvent)) }
func (h *memoryEvents) Pop() any {
	old := *h
	last := len(old) - 1
	e := old[last]
	old[last] = memoryEvent{}
	*h = old[:last]
	return e
}

// NewEngine returns the engine of a loop: fiber.Config's NewPoller.
func (n *MemoryNetwork) NewEngine(l *fiber.Loop) (fiber.Poller, error) {
	e := &memoryEngine{net: n, loop: l, lender: NewLender(l)}
	if n.opts.Poller == nil {
		e.wait = newMemoryWait()
		return e, nil
	}
	var err error
	e.wait, err = n.opts.Poller(l)
	return e, err
}

// at puts an event into the queue. from is the engine on whose loop the caller runs,
// nil for none. Under net.mu.
func (e *memoryEngine) at(due int64, from *memoryEngine, outside bool, do func()) {
	if e.closed {
		return
	}
	e.seq++
	tie := e.seq
	if e.net.opts.Reorder {
		tie = e.net.rand.Uint64()
	}
	heap.Push(&e.events, memoryEvent{due, tie, outside, do})
	if from != e {
		e.wait.Wake()
	}
}

// next takes an event that is due at now. Otherwise in says how long the next one
// takes, -1 if there is none.
func (e *memoryEngine) next(now int64) (do func(), in time.Duration) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	if len(e.events) == 0 {
		return nil, -1
	}
	if d := e.events[0].due - now; d > 0 {
		return nil, time.Duration(d)
	}
	return heap.Pop(&e.events).(memoryEvent).do, 0
}

// deliver does what is due. It reports whether that was anything, and how long the
// next event takes.
func (e *memoryEngine) deliver() (some bool, in time.Duration) {
	now := e.loop.Clock()
	for {
		do, in := e.next(now)
		if do == nil {
			return some, in
		}
		do()
		some = true
	}
}

func (e *memoryEngine) Poll(d time.Duration) {
	some, in := e.deliver()
	if some || d == 0 {
		return
	}
	if in >= 0 && (d < 0 || in < d) {
		d = in
	}
	e.wait.Poll(d)
	e.deliver()
}

func (e *memoryEngine) Wake() { e.wait.Wake() }

func (e *memoryEngine) Close() error {
	for len(e.socks) > 0 {
		e.socks[len(e.socks)-1].Conn.Close()
	}
	// What was sent to ordinary goroutines still reaches them.
	e.net.mu.Lock()
	e.closed = true
	rest := e.events
	e.events = nil
	e.net.mu.Unlock()
	for len(rest) > 0 {
		if ev := heap.Pop(&rest).(memoryEvent); ev.outside {
			ev.do()
		}
	}
	return e.wait.Close()
}

func (e *memoryEngine) Lacks() Lacks { return Lacks{} }

// Resolve takes any address for one of this network: no names are looked up.
func (e *memoryEngine) Resolve(network, address string) (net.Addr, error) {
	return memoryAddress(network, address), nil
}

func (e *memoryEngine) Connect(network string, addr net.Addr, done func(*Conn, error)) (cancel func(), err error) {
	n := e.net
	n.mu.Lock()
	defer n.mu.Unlock()
	end, refused := n.connect(e, nil, addr.String())
	canceled := false
	e.at(e.loop.Clock()+n.delay(), e, false, func() {
		switch {
		case canceled:
		case refused != nil:
			done(nil, &OpError{Op: "dial", Addr: addr.String(), Err: refused})
		default:
			s := e.open(end, owedBytesMax, nil)
			done(&s.Conn, nil)
			s.report()
		}
	})
	return func() {
		canceled = true
		if end != nil {
			end.close(e, true)
		}
	}, nil
}

func (e *memoryEngine) Listen(src *Source, accept func(*Conn)) (Acceptor, error) {
	n := e.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if src.Config.Existing != nil {
		return nil, &OpError{Op: "listen", Addr: src.Address, Err: ErrUnsupported}
	}
	var ln *memoryListener
	for _, known := range n.listeners {
		if known.src == src {
			ln = known
		} else if known.addr.String() == src.Address {
			return nil, &OpError{Op: "listen", Addr: src.Address, Err: syscall.EADDRINUSE}
		}
	}
	if ln == nil {
		ln = &memoryListener{src: src, addr: n.address(src.Network, src.Address)}
		n.listeners = append(n.listeners, ln)
	}
	a := &memoryAcceptor{engine: e, ln: ln, accept: accept}
	ln.acceptors = append(ln.acceptors, a)
	e.loop.Start(&a.fiber, a)
	return a, nil
}

// memoryAcceptor is one loop's part of a listener: a machine, like acceptor. Holder
// only, but for ln.
type memoryAcceptor struct {
	fiber   fiber.Fiber
	engine  *memoryEngine
	ln      *memoryListener // its fields under net.mu
	accept  func(*Conn)
	backlog []*memoryEnd // not accepted yet
	taking  *memorySock  // the connection that accept is called with
	open    int          // connections that count against ConnsMax
	closed  bool
}

// arrived lets a connection into the backlog.
func (a *memoryAcceptor) arrived(end *memoryEnd) {
	if a.closed {
		end.close(a.engine, true)
		return
	}
	a.backlog = append(a.backlog, end)
	a.fiber.Ready()
}

func (a *memoryAcceptor) Resume(f *fiber.Fiber) fiber.Status {
	if f.Err() != nil {
		a.Close()
	}
	c := &a.ln.src.Config
	for !a.closed && len(a.backlog) > 0 && (c.ConnsMax <= 0 || a.open < c.ConnsMax) {
		end := a.backlog[0]
		a.backlog = a.backlog[1:]
		a.open++
		s := a.engine.open(end, c.owed(), a)
		a.taking = s
		a.accept(&s.Conn)
		a.taking = nil
		s.report()
	}
	if a.closed {
		return fiber.Done
	}
	return fiber.Waiting
}

// Ended goes on accepting after a panic in accept.
func (a *memoryAcceptor) Ended(*fiber.Fiber, error) {
	if s := a.taking; s != nil {
		a.taking = nil
		s.Conn.Close()
	}
	if !a.closed {
		a.engine.loop.Start(&a.fiber, a)
	}
}

func (a *memoryAcceptor) String() string { return "accept " + a.ln.addr.String() }

// left says that a connection was closed.
func (a *memoryAcceptor) left() {
	a.open--
	a.fiber.Ready()
}

func (a *memoryAcceptor) Addr() net.Addr { return a.ln.addr }

func (a *memoryAcceptor) Close() error {
	if a.closed {
		return nil
	}
	a.closed = true
	a.fiber.Ready()
	for _, end := range a.backlog {
		end.close(a.engine, true)
	}
	a.backlog = nil
	n := a.engine.net
	n.mu.Lock()
	defer n.mu.Unlock()
	a.ln.acceptors = remove(a.ln.acceptors, a)
	if len(a.ln.acceptors) == 0 {
		n.listeners = remove(n.listeners, a.ln)
	}
	return nil
}

// remove takes x out of a list, whose order it keeps.
func remove[T comparable](list []T, x T) []T {
	for i, v := range list {
		if v == x {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// memoryWait really waits.
type memoryWait struct {
	woken chan struct{} // capacity 1
	timer *time.Timer
}

func newMemoryWait() *memoryWait {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &memoryWait{woken: make(chan struct{}, 1), timer: t}
}

func (w *memoryWait) Poll(d time.Duration) {
	if d < 0 {
		<-w.woken
		return
	}
	w.timer.Reset(d)
	select {
	case <-w.woken:
	case <-w.timer.C:
	}
	w.timer.Stop()
}

func (w *memoryWait) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

func (w *memoryWait) Close() error { return nil }
