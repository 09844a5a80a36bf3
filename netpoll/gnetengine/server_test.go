//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// A server ends whoever ends it: Stop, gnet, or the engine. Its fibers end in order.

// Stop cancels parked fibers, which still end in order.
func TestStopParked(t *testing.T) {
	errs := make(chan error, 32)
	s := start(t, options{noStop: true, gnet: gnet.Options{NumEventLoop: 2}}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		err := f.Sleep(time.Hour)
		v.Write([]byte("out"))
		errs <- err
	})
	var conns []net.Conn
	for range 32 {
		c := dial(t, s)
		hear(t, c, "in")
		conns = append(conns, c)
	}
	stop(t, s)
	for _, c := range conns {
		if err := receive(t, errs); err != fiber.ErrClosed {
			t.Error(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "out" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

// A fiber that outlives gnet goes on, sees its connection closed, and ends.
func TestOutliveGnet(t *testing.T) {
	blocked, release := make(chan bool), make(chan bool)
	errs := make(chan error, 1)
	s := start(t, options{noStop: true}, func(f *fiber.Fiber, v *netpoll.View) {
		f.Block(func() { close(blocked); <-release })
		f.Yield()
		_, err := v.Write([]byte("out"))
		errs <- err
	})
	dial(t, s)
	<-blocked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var left *fiber.CloseError
	if err := s.Stop(ctx); !errors.As(err, &left) {
		t.Errorf("Stop: %v", err)
	}
	<-s.Done()
	close(release)
	if err := receive(t, errs); err == nil {
		t.Error("wrote to a connection that gnet has closed")
	}
	stop(t, s)
}

// The application stops gnet itself: OnShutdown ends the fibers.
func TestGnetStops(t *testing.T) {
	s := start(t, options{noStop: true}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		f.Sleep(time.Hour)
		v.Write([]byte("out"))
	})
	c := dial(t, s)
	hear(t, c, "in")
	s.gnet.Stop(context.Background())
	hear(t, c, "out")
	<-s.Done()
}

// The engine closes and gnet goes on: its connections are closed, new ones refused.
func TestEngineCloses(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		echo(f, v)
	})
	c := dial(t, s)
	hear(t, c, "in")
	if err := s.Engine().Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{c, dial(t, s)} {
		ended(t, c)
	}
}

func TestStartErrors(t *testing.T) {
	for _, a := range [][2]string{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1"}, {"unix", "/tmp/Upper"}, {"tcp", "192.0.2.1:1"}} {
		if s, err := Start(a[0], a[1], Config{Fiber: fiber.Config{Logger: slog.New(slog.DiscardHandler)}}, gnet.Options{}, nil); err == nil {
			t.Errorf("%v: started at %v", a, s.Addr())
		}
	}
	noGoroutines(t)
}
