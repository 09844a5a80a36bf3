//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/heddle-go/heddle/netpoll/netpolltest"
	"github.com/panjf2000/gnet/v2"
)

func TestConformance(t *testing.T) {
	for name, o := range map[string]gnet.Options{"level": {}, "edge": {EdgeTriggeredIO: true}, "locked": {LockOSThread: true}} {
		t.Run(name, func(t *testing.T) {
			netpolltest.Run(t, func(t *testing.T) netpolltest.Harness {
				return netpolltest.Harness{
					Lacks: (&guest{}).Lacks(),
					Serve: func(t testing.TB, loops int, c netpoll.ListenConfig, accept func(*netpoll.Conn)) *netpolltest.Server {
						return serve(t, o, loops, c, accept)
					},
				}
			})
		})
	}
}

// serve starts a server with all its loops in being: gnet shows an event loop only with
// a connection, so one is made to each before the suite's.
func serve(t testing.TB, o gnet.Options, loops int, c netpoll.ListenConfig, accept func(*netpoll.Conn)) *netpolltest.Server {
	var first atomic.Int32
	first.Store(int32(loops))
	seen := make(chan bool, loops)
	o.NumEventLoop = loops
	s, err := Start("tcp", "127.0.0.1:0", Config{
		Fiber:        fiber.Config{Logger: slog.New(slog.DiscardHandler)},
		OwedBytesMax: c.OwedBytesMax,
		// The suite's peers send more than they let the other side read.
		InboundBytesMax: 256 << 20,
	}, o, func(c *netpoll.Conn) {
		if first.Add(-1) >= 0 {
			c.Close()
			seen <- true
			return
		}
		accept(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	for range loops {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		<-seen
		c.Close()
	}
	return &netpolltest.Server{
		Runtime: s.Engine().Runtime(),
		Dial:    func() (netpolltest.Peer, error) { return netpolltest.DialTCP(s.Addr()) },
		Stop:    func(ctx context.Context) error { return s.Stop(ctx) },
	}
}
