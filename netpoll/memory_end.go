package netpoll

import (
	"io"
	"net"
	"syscall"
)

// A memoryEnd is one end of a simulated connection: what is on its way to it, what
// has arrived, and what its owner still sends. Under net.mu but for what is immutable.
type memoryEnd struct {
	// Immutable.
	net               *MemoryNetwork
	peer              *memoryEnd
	engine            *memoryEngine // of its owner, nil for an ordinary goroutine
	clock             *memoryEngine // whose queue has its events
	local, remote     net.Addr
	resetAt, vanishAt int64 // the bytes sent by this end at which that happens, 0 never

	sock    *memorySock   // the owner's, once accepted; nil for a goroutine
	changed chan struct{} // closed and made anew at every change; a goroutine's end only

	transit  []memoryPiece // on its way, in order
	in       []byte        // arrived
	held     int           // bytes in transit, arrived, or lost
	lastDue  int64         // of the last piece
	ended    bool          // FIN has arrived
	reset    bool          // a reset has arrived
	sent     int64         // bytes
	fin      bool          // FIN was sent
	closed   bool          // by its owner
	wantRoom bool          // a send found no room
}

// A memoryPiece is bytes, a FIN or a reset on its way.
type memoryPiece struct {
	due        int64
	p          []byte
	fin, reset bool
}

// push sends a piece on its way to e. from is as in memoryEngine.at.
func (e *memoryEnd) push(piece memoryPiece, from *memoryEngine) {
	piece.due = max(e.clock.loop.Clock()+e.net.delay(), e.lastDue)
	e.lastDue = piece.due
	e.transit = append(e.transit, piece)
	e.held += len(piece.p)
	if e.clock.closed {
		e.move(piece.due)
		return
	}
	e.clock.at(piece.due, from, e.engine == nil, e.arrive)
}

// move takes over what has arrived by now, and wakes a goroutine that waits for it.
// It reports whether there was anything.
func (e *memoryEnd) move(now int64) bool {
	some := false
	for len(e.transit) > 0 && e.transit[0].due <= now {
		piece := e.transit[0]
		e.transit = e.transit[1:]
		some = true
		switch {
		case e.reset: // what was sent before its sender knew is lost
		case piece.reset:
			e.reset = true
			e.transit = nil
		case piece.fin:
			e.ended = true
		case e.closed:
			if !e.peer.reset {
				e.peer.push(memoryPiece{reset: true}, e.clock)
			}
		default:
			e.in = append(e.in, piece.p...)
		}
	}
	if some && e.changed != nil {
		e.wake()
	}
	return some
}

// wake makes goroutines that wait at this end look again.
func (e *memoryEnd) wake() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// arrive is the event of a piece. In loop mode, not under net.mu.
func (e *memoryEnd) arrive() {
	e.net.mu.Lock()
	now := e.clock.loop.Clock()
	if e.clock.closed {
		now = e.lastDue
	}
	some := e.move(now)
	s := e.sock
	e.net.mu.Unlock()
	if some && s != nil {
		s.report()
	}
}

// read takes bytes that have arrived. Errors are those of Transport.Read.
func (e *memoryEnd) read(p []byte, from *memoryEngine) (int, error) {
	switch {
	case e.closed:
		return 0, net.ErrClosed
	case len(e.in) > 0:
	case e.reset:
		return 0, &OpError{Op: "read", Err: syscall.ECONNRESET}
	case e.ended:
		return 0, io.EOF
	default:
		return 0, ErrWouldBlock
	}
	n := e.net.part(min(len(p), len(e.in)), e.net.opts.ShortReads)
	copy(p, e.in[:n])
	e.in = e.in[n:]
	if len(e.in) == 0 {
		e.in = nil
	}
	e.held -= n
	if w := e.peer; w.wantRoom && e.held <= e.net.opts.BufferBytes/2 {
		w.tellRoom(from)
	}
	return n, nil
}

// tellRoom makes the owner of e learn that it may send again.
func (e *memoryEnd) tellRoom(from *memoryEngine) {
	e.wantRoom = false
	e.clock.at(e.clock.loop.Clock()+e.net.delay(), from, e.engine == nil, func() {
		e.net.mu.Lock()
		if e.changed != nil {
			e.wake()
		}
		s := e.sock
		e.net.mu.Unlock()
		if s != nil {
			s.Conn.Writable()
		}
	})
}

// write sends a part of p to the peer. Errors are those of Transport.Send.
func (e *memoryEnd) write(p []byte, from *memoryEngine) (int, error) {
	to, n := e.peer, e.net
	switch {
	case e.closed:
		return 0, net.ErrClosed
	case e.reset:
		return 0, &OpError{Op: "write", Err: syscall.ECONNRESET}
	case e.fin:
		return 0, &OpError{Op: "write", Err: syscall.EPIPE}
	}
	room := min(len(p), n.opts.BufferBytes-to.held)
	if room <= 0 && len(p) > 0 {
		e.wantRoom = true
		return 0, ErrWouldBlock
	}
	take := n.part(room, n.opts.SplitWrites)
	for rest := p[:take]; len(rest) > 0 && !e.lost(rest, from); {
		size := n.part(e.whole(len(rest)), n.opts.SplitWrites)
		to.push(memoryPiece{p: append([]byte(nil), rest[:size]...)}, from)
		e.sent += int64(size)
		rest = rest[size:]
	}
	if take < len(p) {
		if take < room {
			e.tellRoom(from) // there is room, it only was not offered
		} else {
			e.wantRoom = true
		}
		return take, ErrWouldBlock
	}
	return take, nil
}

// whole returns how many of size bytes come before a fault.
func (e *memoryEnd) whole(size int) int {
	for _, at := range [...]int64{e.resetAt, e.vanishAt} {
		if left := at - 1 - e.sent; left > 0 && left < int64(size) {
			size = int(left)
		}
	}
	return size
}

// lost reports whether the next byte, the first of rest, does not arrive.
func (e *memoryEnd) lost(rest []byte, from *memoryEngine) bool {
	switch {
	case e.resetAt > 0 && e.sent+1 >= e.resetAt:
		e.peer.push(memoryPiece{reset: true}, from)
		e.push(memoryPiece{reset: true}, from)
		e.resetAt = 0
		return true
	case e.vanishAt > 0 && e.sent+1 >= e.vanishAt:
		e.peer.held += len(rest)
		e.sent += int64(len(rest))
		return true
	}
	return false
}

// vanished reports whether nothing that e sends arrives.
func (e *memoryEnd) vanished() bool { return e.vanishAt > 0 && e.sent+1 >= e.vanishAt }

// closeWrite sends FIN.
func (e *memoryEnd) closeWrite(from *memoryEngine) error {
	if e.closed {
		return net.ErrClosed
	}
	if !e.fin {
		e.fin = true
		if !e.vanished() {
			e.peer.push(memoryPiece{fin: true}, from)
		}
	}
	return nil
}

// close ends the owner's use. Not under net.mu.
func (e *memoryEnd) close(from *memoryEngine, abort bool) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	if e.closed {
		return
	}
	p := e.peer
	switch {
	case e.vanished():
	case abort || p.wantRoom:
		// A peer that waits for room would wait for ever.
		p.push(memoryPiece{reset: true}, from)
	default:
		e.closeWrite(from)
	}
	e.closed = true
	e.in = nil
	if e.changed != nil {
		e.wake()
	}
}

// memorySock is an end that belongs to an engine. Holder only.
type memorySock struct {
	Conn
	end    *memoryEnd
	engine *memoryEngine
	from   *memoryAcceptor // may be nil
	place  int             // in engine.socks
}

// open makes a connection of an end.
func (e *memoryEngine) open(end *memoryEnd, owed int, from *memoryAcceptor) *memorySock {
	s := &memorySock{end: end, engine: e, from: from, place: len(e.socks)}
	s.Conn.Init(s, e.lender, owed)
	e.socks = append(e.socks, s)
	e.net.mu.Lock()
	end.sock = s
	e.net.mu.Unlock()
	return s
}

// report tells the connection what has arrived.
func (s *memorySock) report() {
	s.engine.net.mu.Lock()
	ended, reset, some := s.end.ended, s.end.reset, len(s.end.in) > 0
	s.engine.net.mu.Unlock()
	if s.Conn.Closed() {
		return
	}
	if some {
		s.Conn.Readable()
	}
	if ended {
		s.Conn.Gone(io.EOF)
	}
	if reset {
		s.Conn.Gone(&OpError{Op: "read", Err: syscall.ECONNRESET})
	}
}

func (s *memorySock) Receive(c *Conn) error {
	room := c.Spare()
	own := room != nil
	if !own {
		room = c.lender.Room(c)
	}
	n, err := s.Read(room)
	switch {
	case err != nil:
		return err
	case own:
		c.Filled(n)
	default:
		c.lender.Lend(c, n)
	}
	return nil
}

func (s *memorySock) Read(p []byte) (int, error) {
	s.engine.net.mu.Lock()
	n, err := s.end.read(p, s.engine)
	s.engine.net.mu.Unlock()
	if err == ErrWouldBlock {
		s.Conn.Drained()
	}
	return n, err
}

func (s *memorySock) Send(p []byte) (int, error) {
	s.engine.net.mu.Lock()
	defer s.engine.net.mu.Unlock()
	return s.end.write(p, s.engine)
}

func (s *memorySock) SendVec(bufs [][]byte) (int, error) {
	sent := 0
	for _, p := range bufs {
		n, err := s.Send(p)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (s *memorySock) CloseWrite() error {
	s.engine.net.mu.Lock()
	defer s.engine.net.mu.Unlock()
	return s.end.closeWrite(s.engine)
}

func (s *memorySock) Close(abort bool) error {
	s.end.close(s.engine, abort)
	e := s.engine
	last := len(e.socks) - 1
	e.socks[s.place] = e.socks[last]
	e.socks[s.place].place = s.place
	e.socks[last] = nil
	e.socks = e.socks[:last]
	if s.from != nil {
		s.from.left()
	}
	return nil
}

func (s *memorySock) LocalAddr() net.Addr  { return s.end.local }
func (s *memorySock) RemoteAddr() net.Addr { return s.end.remote }
func (s *memorySock) FD() int              { return -1 }
