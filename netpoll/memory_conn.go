package netpoll

import (
	"net"
	"os"
	"time"
)

// A MemoryConn is an ordinary goroutine's end of a connection on a simulated network:
// a net.Conn that blocks the goroutine, with deadlines on the real clock. Any number
// of goroutines may use it.
type MemoryConn struct {
	end           *memoryEnd
	readBy, write memoryDeadline // under net.mu
}

// memoryDeadline is when calls in one direction give up.
type memoryDeadline struct {
	timer  *time.Timer
	passed bool
}

// Read waits for bytes and takes them.
func (c *MemoryConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return c.do("read", &c.readBy, func() (int, error) { return c.end.read(p, nil) })
}

// Write waits until all of p has found room on the network.
func (c *MemoryConn) Write(p []byte) (n int, err error) {
	return c.do("write", &c.write, func() (int, error) {
		m, err := c.end.write(p[n:], nil)
		n += m
		return n, err
	})
}

// do repeats op until it need not wait any more.
func (c *MemoryConn) do(name string, d *memoryDeadline, op func() (int, error)) (n int, err error) {
	mu := &c.end.net.mu
	mu.Lock()
	defer mu.Unlock()
	for {
		if d.passed {
			return n, &OpError{Op: name, Addr: c.end.remote.String(), Err: os.ErrDeadlineExceeded}
		}
		if n, err = op(); err != ErrWouldBlock {
			return n, err
		}
		changed := c.end.changed
		mu.Unlock()
		<-changed
		mu.Lock()
	}
}

// CloseWrite sends FIN: the peer sees the end of the stream and may still send.
func (c *MemoryConn) CloseWrite() error {
	c.end.net.mu.Lock()
	defer c.end.net.mu.Unlock()
	return c.end.closeWrite(nil)
}

// Close ends the connection in order. Calls that wait return net.ErrClosed.
func (c *MemoryConn) Close() error { return c.close(false) }

// Abort resets the connection.
func (c *MemoryConn) Abort() error { return c.close(true) }

func (c *MemoryConn) close(abort bool) error {
	c.SetDeadline(time.Time{})
	c.end.close(nil, abort)
	return nil
}

// LocalAddr returns the address it was dialed from.
func (c *MemoryConn) LocalAddr() net.Addr { return c.end.local }

// RemoteAddr returns the address it was dialed to.
func (c *MemoryConn) RemoteAddr() net.Addr { return c.end.remote }

// SetDeadline bounds reads and writes, those under way included.
func (c *MemoryConn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds reads.
func (c *MemoryConn) SetReadDeadline(t time.Time) error { return c.set(&c.readBy, t) }

// SetWriteDeadline bounds writes.
func (c *MemoryConn) SetWriteDeadline(t time.Time) error { return c.set(&c.write, t) }

func (c *MemoryConn) set(d *memoryDeadline, t time.Time) error {
	mu := &c.end.net.mu
	mu.Lock()
	defer mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	wait := time.Until(t)
	d.passed = !t.IsZero() && wait <= 0
	if !t.IsZero() && wait > 0 {
		var timer *time.Timer
		timer = time.AfterFunc(wait, func() {
			mu.Lock()
			defer mu.Unlock()
			if d.timer == timer {
				d.passed = true
				c.end.wake()
			}
		})
		d.timer = timer
	}
	if d.passed {
		c.end.wake()
	}
	return nil
}
