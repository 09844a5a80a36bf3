// Package netpolltest is the conformance suite of netpoll's engines. Every engine runs
// the same cases; a case is skipped only where the engine's Lacks declares that it
// cannot do what the case needs.
package netpolltest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// A Harness is how the suite gets servers on one kind of engine. Run asks for a fresh
// one for each case.
type Harness struct {
	Lacks netpoll.Lacks
	// FillBytes is more than one direction of a connection can hold when nobody reads.
	// Default 48 MiB.
	FillBytes int
	// Serve starts a runtime with so many loops on the engine, which gives every
	// connection that arrives to accept, in loop mode. It fails the test on an error.
	Serve func(t testing.TB, loops int, c netpoll.ListenConfig, accept func(*netpoll.Conn)) *Server
}

// A Server is something to connect to.
type Server struct {
	Runtime *fiber.Runtime
	// Listener is nil where Lacks.Listen.
	Listener *netpoll.Listener
	// Dial connects an ordinary goroutine to the server.
	Dial func() (Peer, error)
	// Stop closes the listener and then the runtime, and everything else Serve made.
	// The suite calls it once.
	Stop func(ctx context.Context) error
}

// A Peer is the other end of a server's connection.
type Peer interface {
	net.Conn
	CloseWrite() error
	// Abort closes by reset.
	Abort() error
}

func (h Harness) fill() int {
	if h.FillBytes > 0 {
		return h.FillBytes
	}
	return 48 << 20
}

// Run runs every case.
func Run(t *testing.T, harness func(t *testing.T) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := harness(t)
			if c.needs != nil && c.needs(h.Lacks) {
				t.Skip("the engine declares that it lacks this")
			}
			c.run(t, h)
		})
	}
}

var cases = []struct {
	name  string
	needs func(l netpoll.Lacks) bool // whether l rules the case out; nil: never
	run   func(t *testing.T, h Harness)
}{
	{"Echo", nil, echo},
	{"ReceiveConsume", nil, receiveConsume},
	{"Sealed", nil, sealed},
	{"BorrowedWhileStalled", nil, borrowedWhileStalled},
	{"BorrowedOverBlock", nil, borrowedOverBlock},
	{"BorrowedWhileOverstaying", nil, borrowedWhileOverstaying},
	{"WriteOfBorrowed", nil, writeOfBorrowed},
	{"BigBothWays", nil, bigBothWays},
	{"HighWaterMark", nil, highWaterMark},
	{"OwedIsBounded", nil, owedIsBounded},
	{"Vectors", nil, vectors},
	{"PauseBoundsMemory", func(l netpoll.Lacks) bool { return l.Pause }, pauseBoundsMemory},
	{"PeerHalfCloses", func(l netpoll.Lacks) bool { return l.HalfClose }, peerHalfCloses},
	{"CloseWriteAfterOwed", func(l netpoll.Lacks) bool { return l.HalfClose }, closeWriteAfterOwed},
	{"DataThenEnd", nil, dataThenEnd},
	{"MachineSeesEnd", nil, machineSeesEnd},
	{"GoneAtEndThenReset", func(l netpoll.Lacks) bool { return l.HalfClose || l.LateReset }, goneAtEndThenReset},
	{"ResetWhileReading", nil, resetWhileReading},
	{"ResetWhileWriting", nil, resetWhileWriting},
	{"CloseWakesWaiters", nil, closeWakesWaiters},
	{"CloseSendsWhatIsOwed", nil, closeSendsWhatIsOwed},
	{"AfterClose", nil, afterClose},
	{"Abort", nil, abort},
	{"CloseInEvents", nil, closeInEvents},
	{"ReadDeadline", nil, readDeadline},
	{"WriteDeadline", nil, writeDeadline},
	{"PastDeadline", nil, pastDeadline},
	{"DeadlinesOfViews", nil, deadlinesOfViews},
	{"CancelRead", nil, cancelRead},
	{"CancelWrite", nil, cancelWrite},
	{"RacyReadWrite", nil, racyReadWrite},
	{"ManyConnections", nil, manyConnections},
	{"WakeUps", nil, wakeUps},
	{"CloseRuntime", nil, closeRuntime},
	{"Dial", func(l netpoll.Lacks) bool { return l.Connect || l.Listen }, dial},
	{"DialRefused", func(l netpoll.Lacks) bool { return l.Connect || l.Listen }, dialRefused},
	{"DialCanceled", func(l netpoll.Lacks) bool { return l.Connect || l.Listen }, dialCanceled},
	{"ListenerClose", func(l netpoll.Lacks) bool { return l.Listen }, listenerClose},
	{"AddressInUse", func(l netpoll.Lacks) bool { return l.Listen }, addressInUse},
	{"ConnsMax", func(l netpoll.Lacks) bool { return l.Listen }, connsMax},
	{"PanicInAccept", func(l netpoll.Lacks) bool { return l.Listen }, panicInAccept},
}

// Listening returns the Serve of an engine that listens: on address, dialed by dial.
func Listening(newPoller func(*fiber.Loop) (fiber.Poller, error), network, address string,
	dial func(addr net.Addr) (Peer, error)) func(testing.TB, int, netpoll.ListenConfig, func(*netpoll.Conn)) *Server {
	return func(t testing.TB, loops int, c netpoll.ListenConfig, accept func(*netpoll.Conn)) *Server {
		t.Helper()
		rt, err := fiber.New(fiber.Config{Loops: loops, NewPoller: newPoller, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ln, err := netpoll.Listen(rt, network, address, c, accept)
		if err != nil {
			t.Fatal(err)
		}
		return &Server{
			Runtime:  rt,
			Listener: ln,
			Dial:     func() (Peer, error) { return dial(ln.Addr()) },
			Stop: func(ctx context.Context) error {
				if err := ln.Close(); err != nil {
					return err
				}
				return rt.Close(ctx)
			},
		}
	}
}

// DialTCP dials a Peer over the operating system's TCP.
func DialTCP(addr net.Addr) (Peer, error) {
	c, err := net.DialTCP("tcp", nil, addr.(*net.TCPAddr))
	if err != nil {
		return nil, err
	}
	return tcpPeer{c}, nil
}

type tcpPeer struct{ *net.TCPConn }

func (p tcpPeer) Abort() error {
	p.SetLinger(0)
	return p.Close()
}

// patience is how long anything may take before a case fails instead of hanging.
const patience = 30 * time.Second

// serve starts a server for a case.
func serve(t *testing.T, h Harness, loops int, c netpoll.ListenConfig, accept func(*netpoll.Conn)) *Server {
	t.Helper()
	s := h.Serve(t, loops, c, accept)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *Server) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// handle starts a server whose connections are each handled by fn in a fiber.
func handle(t *testing.T, h Harness, loops int, c netpoll.ListenConfig, fn func(f *fiber.Fiber, v *netpoll.View)) *Server {
	t.Helper()
	return serve(t, h, loops, c, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) { fn(f, c.As(f)) })
	})
}

// connect dials a server.
func connect(t *testing.T, s *Server) Peer {
	t.Helper()
	p, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { p.Close() })
	return p
}

// one starts a server with one loop, connects to it once and handles that connection
// by fn. wait returns when fn has returned.
func one(t *testing.T, h Harness, c netpoll.ListenConfig, fn func(f *fiber.Fiber, v *netpoll.View)) (p Peer, wait func()) {
	t.Helper()
	done := make(chan struct{})
	s := handle(t, h, 1, c, func(f *fiber.Fiber, v *netpoll.View) {
		defer close(done)
		fn(f, v)
		v.Close()
	})
	return connect(t, s), func() { t.Helper(); await(t, done, "the handler") }
}

// await waits for a channel to be closed.
func await(t testing.TB, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("%s did not finish", what)
	}
}

// inLoop calls fn in loop mode, for a fiber.
func inLoop(f *fiber.Fiber, fn func()) {
	f.Enter()
	fn()
	f.Leave()
}

// until yields until cond, which is called in loop mode, holds.
func until(f *fiber.Fiber, cond func() bool) error {
	limit := time.Now().Add(patience)
	for {
		ok := false
		inLoop(f, func() { ok = cond() })
		switch {
		case ok:
			return nil
		case time.Now().After(limit):
			return fmt.Errorf("what was waited for did not happen")
		}
		if err := f.Sleep(100 * time.Microsecond); err != nil {
			return err
		}
	}
}

// together runs functions at once and waits for all.
func together(fns ...func()) {
	var wg sync.WaitGroup
	for _, fn := range fns {
		wg.Go(fn)
	}
	wg.Wait()
}

// pattern returns byte number i of the test stream.
func pattern(i int) byte { return byte(i*31 ^ i>>8 ^ i>>17) }

// stream returns size bytes of the test stream from offset off.
func stream(off, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = pattern(off + i)
	}
	return p
}

// verify reads size bytes of the test stream in reads of at most piece bytes.
func verify(r io.Reader, size, piece int) error {
	buf := make([]byte, piece)
	for off := 0; off < size; {
		n, err := r.Read(buf[:min(piece, size-off)])
		for i, b := range buf[:n] {
			if b != pattern(off+i) {
				return fmt.Errorf("byte %d of %d is %#x, want %#x", off+i, size, b, pattern(off+i))
			}
		}
		off += n
		if err != nil && off < size {
			return fmt.Errorf("after %d of %d bytes: %w", off, size, err)
		}
	}
	return nil
}

// verifyEnd verifies that the stream ends.
func verifyEnd(r io.Reader) error {
	n, err := r.Read(make([]byte, 1))
	if n != 0 || err != io.EOF {
		return fmt.Errorf("a read returned %d, %v, want 0, EOF", n, err)
	}
	return nil
}

// fail reports an error of a fiber or goroutine, if there is one, and says so.
func fail(t testing.TB, err error) bool {
	if err != nil {
		t.Helper()
		t.Error(err)
	}
	return err != nil
}
