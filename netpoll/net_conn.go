package netpoll

import (
	"io"
	"net"
	"time"
)

// netConn is a connection of the engine over package net, and its Conn in the same
// allocation. One goroutine reads ahead into a buffer, and reads again when the loop
// has taken everything: a paused connection fills no memory. Another writes what the
// loop has put into a second buffer. Fields without a note are the holder's only.
type netConn struct {
	Conn
	engine *netEngine
	nc     net.Conn
	from   *netAcceptor // whose ConnsMax it counts against, may be nil

	rbuf  []byte        // the reader's, the loop's while full
	got   []byte        // part of rbuf that was not taken yet
	end   error         // what the last read came to
	again chan struct{} // rbuf is the reader's again; closed at the end

	wbuf    []byte      // the loop's, the writer's while sending
	sending bool        // the writer has wbuf
	orders  chan netDue // for the writer: at most one of each, so capacity 3; closed at the end
	sent    error       // why writing has failed
	running bool        // the goroutines have been started
}

// netDue is something for the writer to do.
type netDue struct {
	p   []byte // write it
	fin bool   // then send FIN
}

const netBuffer = 16 << 10

// newConn makes a connection that the engine does not know yet. Any goroutine may
// call it.
func (e *netEngine) newConn(nc net.Conn, owed int) *netConn {
	t := &netConn{
		engine: e, nc: nc, rbuf: make([]byte, netBuffer), wbuf: make([]byte, 0, netBuffer),
		again: make(chan struct{}, 1), orders: make(chan netDue, 3),
	}
	t.Conn.Init(t, e.lender, owed)
	return t
}

// enter starts the goroutines. Orders given before wait for it.
func (t *netConn) enter() {
	t.running = true
	t.engine.work.Add(1)
	go t.writeLoop()
	if t.Conn.closed {
		t.nc.SetWriteDeadline(time.Now().Add(lingerMax))
		return
	}
	t.engine.conns[t] = struct{}{}
	t.engine.work.Add(1)
	go t.readLoop()
}

// readLoop is the reader.
func (t *netConn) readLoop() {
	defer t.engine.work.Done()
	for {
		n, err := t.nc.Read(t.rbuf)
		if t.engine.loop.Post(func() { t.arrived(n, err) }) != nil || err != nil {
			return
		}
		if _, ok := <-t.again; !ok {
			return
		}
	}
}

// arrived takes what a read came to. Loop mode.
func (t *netConn) arrived(n int, err error) {
	if t.Conn.closed {
		return
	}
	t.got, t.end = t.rbuf[:n], netEnd(err)
	if t.end != nil {
		t.Conn.Gone(t.end)
		return
	}
	t.Conn.Readable()
}

// took says that n bytes of got have been taken.
func (t *netConn) took(n int) {
	t.got = t.got[n:]
	if len(t.got) > 0 {
		return
	}
	if t.end == nil {
		t.Conn.Drained()
		t.again <- struct{}{}
	}
}

// empty returns the error of a Receive that finds nothing.
func (t *netConn) empty() error {
	if t.end != nil {
		return t.end
	}
	t.Conn.Drained()
	return ErrWouldBlock
}

func (t *netConn) Receive(c *Conn) error {
	if len(t.got) == 0 {
		return t.empty()
	}
	if room := c.Spare(); room != nil {
		n := copy(room, t.got)
		c.Filled(n)
		t.took(n)
		return nil
	}
	n := copy(c.Lender().Room(c), t.got)
	c.Lender().Lend(c, n)
	t.took(n)
	return nil
}

func (t *netConn) Read(p []byte) (int, error) {
	if len(t.got) == 0 {
		return 0, t.empty()
	}
	n := copy(p, t.got)
	t.took(n)
	return n, nil
}

func (t *netConn) Send(p []byte) (int, error) { return t.SendVec([][]byte{p}) }

func (t *netConn) SendVec(bufs [][]byte) (int, error) {
	if t.sent != nil {
		return 0, t.sent
	}
	if t.sending {
		return 0, ErrWouldBlock
	}
	t.wbuf = t.wbuf[:0]
	total := 0
	for _, p := range bufs {
		total += len(p)
		t.wbuf = append(t.wbuf, p[:min(len(p), cap(t.wbuf)-len(t.wbuf))]...)
	}
	if len(t.wbuf) > 0 {
		t.sending = true
		t.orders <- netDue{p: t.wbuf}
	}
	if len(t.wbuf) < total {
		return len(t.wbuf), ErrWouldBlock
	}
	return total, nil
}

// writeLoop is the writer. It closes the connection, after what was sent.
func (t *netConn) writeLoop() {
	defer t.engine.work.Done()
	defer t.nc.Close()
	for o := range t.orders {
		if o.fin {
			if c, ok := t.nc.(interface{ CloseWrite() error }); ok {
				c.CloseWrite()
			}
			continue
		}
		_, err := t.nc.Write(o.p)
		t.engine.loop.Post(func() { t.written(err) })
	}
}

// written takes what a write came to. Loop mode.
func (t *netConn) written(err error) {
	t.sending = false
	if t.Conn.closed {
		return
	}
	if err != nil {
		t.sent = &OpError{Op: "write", Err: cause(err)}
		t.Conn.Gone(t.sent)
	}
	t.Conn.Writable()
}

//fiberc:nowait
func (t *netConn) CloseWrite() error {
	if _, ok := t.nc.(interface{ CloseWrite() error }); !ok {
		return ErrUnsupported
	}
	t.orders <- netDue{fin: true}
	return nil
}

// Close closes the connection, after what is being written unless abort is set.
func (t *netConn) Close(abort bool) error {
	delete(t.engine.conns, t)
	if t.from != nil {
		t.from.left()
	}
	if !t.running {
		close(t.orders)
		return nil // enter does the rest
	}
	if tc, ok := t.nc.(*net.TCPConn); ok && abort {
		tc.SetLinger(0)
	}
	// The reader must not wait, nor the writer for long.
	t.nc.SetReadDeadline(time.Unix(1, 0))
	var err error
	if abort || !t.sending || t.engine.closed {
		err = t.nc.Close()
	} else {
		t.nc.SetWriteDeadline(time.Now().Add(lingerMax))
	}
	close(t.again)
	close(t.orders)
	return err
}

//fiberc:nowait
func (t *netConn) LocalAddr() net.Addr { return t.nc.LocalAddr() }

//fiberc:nowait
func (t *netConn) RemoteAddr() net.Addr { return t.nc.RemoteAddr() }

func (t *netConn) FD() int { return -1 }

// netEnd says what a read came to, in the terms of Transport.
func netEnd(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &OpError{Op: "read", Err: cause(err)}
}
