//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// Connections that gnet has accepted: all bytes arrive in order both ways, however gnet
// polls; a peer that reads nothing, ends its side, resets or sends too much is noticed.

func TestEcho(t *testing.T) {
	for _, o := range []options{
		{}, {unix: true},
		{gnet: gnet.Options{LockOSThread: true, NumEventLoop: 2}},
		{gnet: gnet.Options{EdgeTriggeredIO: true}},
		{gnet: gnet.Options{ReusePort: true, NumEventLoop: 2}},
	} {
		t.Run(fmt.Sprintf("unix=%v/lock=%v/et=%v/reuse=%v", o.unix, o.gnet.LockOSThread, o.gnet.EdgeTriggeredIO, o.gnet.ReusePort), func(t *testing.T) {
			s := start(t, o, echo)
			for range 3 {
				c := dial(t, s)
				for i := range 50 {
					text := strings.Repeat("x", 1+i*97)
					say(t, c, text, text)
				}
			}
		})
	}
}

func TestManyConnections(t *testing.T) {
	s := start(t, options{gnet: gnet.Options{NumEventLoop: 2}}, echo)
	var wg sync.WaitGroup
	for i := range 500 {
		c := dial(t, s)
		wg.Go(func() {
			defer c.Close()
			text := fmt.Sprintf("connection %d", i)
			b := make([]byte, len(text))
			for range 20 {
				io.WriteString(c, text)
				if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
					t.Errorf("got %q, %v", b, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(s.Engine().Runtime().Loops()); n != 2 {
		t.Errorf("%d loops, want 2", n)
	}
}

func TestBigEcho(t *testing.T) {
	s := start(t, options{Config: Config{InboundBytesMax: 64 << 20}}, echo)
	c := dial(t, s)
	data := make([]byte, 16<<20)
	for i := range data {
		data[i] = byte(i>>8 ^ i)
	}
	go c.Write(data)
	got := make([]byte, len(data))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, data) {
		t.Fatal("not the same bytes", err)
	}
}

// A reader that does not read blocks the writer at the high-water mark; memory stays
// bounded; everything arrives once it reads. Close waits for what is owed.
func TestSlowReader(t *testing.T) {
	for _, unix := range []bool{false, true} {
		t.Run(fmt.Sprintf("unix=%v", unix), func(t *testing.T) { slowReader(t, unix) })
	}
}

func slowReader(t *testing.T, unix bool) {
	const total = 48 << 20
	var wrote atomic.Int64
	block := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	begun, done := make(chan *fiber.Loop, 1), make(chan error, 1)
	s := start(t, options{unix: unix}, func(f *fiber.Fiber, v *netpoll.View) {
		begun <- f.Loop()
		for wrote.Load() < total {
			n, err := v.Write(block)
			wrote.Add(int64(n))
			if err != nil {
				done <- err
				return
			}
		}
		done <- v.Close()
	})
	c := dial(t, s)
	l := receive(t, begun)
	// The writer is blocked when it makes no progress while the loop has time to spare.
	for last := int64(-1); wrote.Load() == 0 || wrote.Load() != last; {
		last = wrote.Load()
		idle := make(chan bool)
		l.Go(func(f *fiber.Fiber) { f.Sleep(30 * time.Millisecond); close(idle) })
		receive(t, idle)
	}
	if n := wrote.Load(); n > 24<<20 {
		t.Errorf("%d bytes were taken from the writer without a reader", n)
	}
	n, err := io.Copy(io.Discard, c)
	if err != nil || n != wrote.Load() || n < total {
		t.Errorf("received %d of %d: %v", n, wrote.Load(), err)
	}
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}

// The peer ends its side first and gets the answer all the same: gnet closes its
// descriptor at EOF, the connection does not.
func TestHalfClose(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		all, err := io.ReadAll(struct{ io.Reader }{v})
		if err != nil {
			t.Error(err)
		}
		for closed := false; !closed; f.Yield() { // by gnet: the descriptor is our own then
			f.Enter()
			closed = netpoll.EngineOf(f.Loop()).(*guest).conns.own
			f.Leave()
		}
		for range 64 {
			if _, err := v.Write(all); err != nil {
				t.Error(err)
				return
			}
		}
		v.CloseWrite()
	})
	c := dial(t, s).(*net.TCPConn)
	data := bytes.Repeat([]byte("half"), 32<<10)
	c.Write(data)
	c.CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, bytes.Repeat(data, 64)) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
}

func TestCloseWriteFirst(t *testing.T) {
	done := make(chan bool)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("bye"))
		v.CloseWrite()
		echoed, err := io.ReadAll(struct{ io.Reader }{v})
		if err != nil || string(echoed) != "still here" {
			t.Errorf("%q, %v", echoed, err)
		}
		close(done)
	})
	c := dial(t, s).(*net.TCPConn)
	if all, err := io.ReadAll(c); err != nil || string(all) != "bye" {
		t.Fatal(string(all), err)
	}
	io.WriteString(c, "still here")
	c.CloseWrite()
	receive(t, done)
}

func TestReset(t *testing.T) {
	errs := make(chan error, 2)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("go"))
		_, err := v.Read(make([]byte, 1))
		errs <- err
	})
	c := dial(t, s).(*net.TCPConn)
	hear(t, c, "go")
	c.SetLinger(0)
	c.Close()
	if err := receive(t, errs); err == nil || err == io.EOF {
		t.Errorf("reset: %v", err)
	}
}

// A blocked writer learns that its peer has gone.
func TestResetWhileBlocked(t *testing.T) {
	errs := make(chan error, 1)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		var err error
		for b := make([]byte, 1<<20); err == nil; {
			_, err = v.Write(b)
		}
		errs <- err
	})
	c := dial(t, s).(*net.TCPConn)
	hear(t, c, "\x00")
	c.SetLinger(0)
	c.Close()
	receive(t, errs)
}

func TestAbort(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Read(make([]byte, 1))
		v.Abort()
	})
	c := dial(t, s)
	io.WriteString(c, "x")
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestInboundLimit(t *testing.T) {
	seen := make(chan error, 1)
	s := startConns(t, options{Config: Config{InboundBytesMax: 100 << 10}}, func(c *netpoll.Conn) {
		c.SetHooks(goneHook{seen})
	})
	c := dial(t, s)
	var err error
	for b := make([]byte, 64<<10); err == nil; {
		_, err = c.Write(b)
	}
	if err := receive(t, seen); !errors.Is(err, ErrInboundFull) {
		t.Errorf("cause %v", err)
	}
}

type goneHook struct{ seen chan error }

func (h goneHook) Sealed([]byte) {}

func (h goneHook) Gone(cause error) { h.seen <- cause }

func TestWriteDeadline(t *testing.T) {
	errs := make(chan error, 1)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		var err error
		for b := make([]byte, 1<<20); err == nil; {
			_, err = v.Write(b)
		}
		errs <- err
	})
	dial(t, s)
	if err := receive(t, errs); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}
