// Package netpolltest is the conformance suite of netpoll's engines. Every engine runs
// the same cases; a case is skipped only where the engine's Lacks declares that it
// cannot do what the case needs.
package netpolltest

import (
	"context"
	"log/slog"
	"net"
	"testing"

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
	{"CloseWhileWriting", nil, closeWhileWriting},
	{"ConsumeAfterClose", nil, consumeAfterClose},
	{"CloseWakesReaders", nil, closeWakesReaders},
	{"AbortWhileClosing", nil, abortWhileClosing},
	{"ResetWhileClosing", nil, resetWhileClosing},
	{"CloseGivesUp", nil, closeGivesUp},
	{"CloseTakenOver", nil, closeTakenOver},
	{"CloseWriteWhileWriting", func(l netpoll.Lacks) bool { return l.HalfClose }, closeWriteWhileWriting},
	{"CloseRuntimeWhileClosing", nil, closeRuntimeWhileClosing},
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
