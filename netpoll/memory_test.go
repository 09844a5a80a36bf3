package netpoll_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/fiber/fibertest"
	"github.com/heddle-go/heddle/netpoll"
)

// virtual is a clock that only waiting moves on.
type virtual struct {
	now   int64
	woken chan struct{}
}

func (v *virtual) Poll(d time.Duration) {
	if d < 0 {
		<-v.woken
		return
	}
	v.now += int64(d)
}

func (v *virtual) Wake() {
	select {
	case v.woken <- struct{}{}:
	default:
	}
}

func (v *virtual) Close() error { return nil }

// simulate runs clients and a server on one loop of a troubled network with a virtual
// clock, and returns what happened.
func simulate(t *testing.T, seed uint64) string {
	v := &virtual{now: 1, woken: make(chan struct{}, 1)}
	n := netpoll.NewMemoryNetwork(seed, netpoll.MemoryOptions{
		DelayMin: time.Millisecond, DelayMax: 20 * time.Millisecond, Reorder: true,
		ShortReads: true, SplitWrites: true, StallOneIn: 20, StallMax: time.Second,
		ResetOneIn: 3, ResetBytesMax: 5000, BufferBytes: 3000,
		Poller: func(*fiber.Loop) (fiber.Poller, error) { return v, nil },
	})
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: n.NewEngine, StallAfter: -1,
		Clock: func() int64 { return v.now }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := netpoll.Listen(rt, "tcp", "server:80", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			view := c.As(f)
			io.Copy(struct{ io.Writer }{view}, struct{ io.Reader }{view})
			view.Close()
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	done := make(chan struct{})
	rt.Loops()[0].Go(func(f *fiber.Fiber) {
		defer close(done)
		var g fiber.WaitGroup
		for i := range 12 {
			g.Add(1)
			f.Go(func(f *fiber.Fiber) {
				defer g.Done()
				view, err := netpoll.Dial(f, "tcp", "server:80")
				if err != nil {
					fmt.Fprintln(&log, v.now, i, err)
					return
				}
				f.Go(func(f *fiber.Fiber) {
					w := view.Conn().As(f)
					w.Write(make([]byte, 10_000))
					w.CloseWrite()
				})
				got, err := io.Copy(io.Discard, struct{ io.Reader }{view})
				fmt.Fprintln(&log, v.now, i, got, err)
				view.Close()
			})
		}
		g.Wait(f)
	})
	<-done
	ln.Close()
	rt.Close(context.Background())
	return log.String()
}

func TestMemorySimulationRepeats(t *testing.T) {
	different := false
	for seed := range uint64(10) {
		first := simulate(t, seed)
		if again := simulate(t, seed); again != first {
			t.Fatalf("seed %d: first\n%s\nthen\n%s", seed, first, again)
		}
		different = different || first != simulate(t, seed+100)
		for _, want := range []string{" 10000 <nil>", "reset"} {
			if seed == 0 && !strings.Contains(first, want) {
				t.Errorf("seed 0: no %q in\n%s", want, first)
			}
		}
	}
	if !different {
		t.Error("all seeds do the same")
	}
}

// In a simulation of fibertest ordinary goroutines share the simulated time.
func TestMemoryInFibertest(t *testing.T) {
	fibertest.Seeds(t, 5, func(t *testing.T, sim *fibertest.Sim) {
		n := netpoll.NewMemoryNetwork(sim.Seed(), netpoll.MemoryOptions{
			DelayMin: time.Second, DelayMax: 3 * time.Second, Reorder: true, ShortReads: true, SplitWrites: true,
			Poller: sim.NewPoller,
		})
		c := sim.Config()
		c.NewPoller = n.NewEngine
		sim.RunConfig(c, func(f *fiber.Fiber) {
			f.Block(func() {
				ln, err := netpoll.Listen(f.Loop().Runtime(), "tcp", "server:80", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
					c.Loop().Go(func(f *fiber.Fiber) {
						view := c.As(f)
						io.Copy(struct{ io.Writer }{view}, struct{ io.Reader }{view})
						view.Close()
					})
				})
				if err != nil {
					t.Error(err)
					return
				}
				defer ln.Close()
				peer, err := n.Dial()
				if err != nil {
					t.Error(err)
					return
				}
				begun := sim.Now()
				io.WriteString(peer, "hello")
				peer.CloseWrite()
				got, err := io.ReadAll(peer)
				if err != nil || string(got) != "hello" {
					t.Errorf("%q, %v", got, err)
				}
				if d := sim.Now() - begun; d < 2*time.Second {
					t.Errorf("a round trip took %v", d)
				}
				peer.Close()
			})
		})
	})
}

// A connection can be reset at, or vanish from, every byte of either direction.
func TestMemoryFaultAtEveryByte(t *testing.T) {
	const msg = "0123456789"
	for at := int64(1); at <= int64(len(msg)); at++ {
		for _, fault := range []netpoll.MemoryFault{{ResetUp: at}, {ResetDown: at}, {VanishUp: at}, {VanishDown: at}} {
			n := netpoll.NewMemoryNetwork(1, netpoll.MemoryOptions{Fault: func(int) netpoll.MemoryFault { return fault }})
			rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: n.NewEngine})
			if err != nil {
				t.Fatal(err)
			}
			type result struct {
				got string
				err error
			}
			read := make(chan result, 1)
			_, err = netpoll.Listen(rt, "tcp", "server:80", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
				c.Loop().Go(func(f *fiber.Fiber) {
					v := c.As(f)
					v.Write([]byte(msg))
					got, err := readVanishing(v, fault.VanishUp)
					read <- result{string(got), err}
					v.Close()
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			c, err := n.Dial()
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, msg)
			c.CloseWrite()
			down, derr := readVanishing(c, fault.VanishDown)
			if fault.VanishUp > 0 {
				derr = nil
			}
			up := <-read
			switch {
			case fault.ResetUp > 0 && (up.got != msg[:at-1] || !errors.Is(up.err, syscall.ECONNRESET)),
				fault.ResetDown > 0 && (string(down) != msg[:at-1] || !errors.Is(derr, syscall.ECONNRESET)),
				fault.VanishUp > 0 && (up.got != msg[:at-1] || !errors.Is(up.err, os.ErrDeadlineExceeded)),
				fault.VanishDown > 0 && (string(down) != msg[:at-1] || !errors.Is(derr, os.ErrDeadlineExceeded)):
				t.Errorf("%+v: up %q, %v; down %q, %v", fault, up.got, up.err, down, derr)
			}
			c.Close()
			rt.Close(context.Background())
		}
	}
}

// readVanishing reads to the end of c. If its peer vanishes at byte at, which is not 0,
// there is none: then it waits for the bytes before, as long as they take, and only
// what must not come is given up after a while.
func readVanishing(c net.Conn, at int64) ([]byte, error) {
	if at == 0 {
		return io.ReadAll(struct{ io.Reader }{c})
	}
	got := make([]byte, at-1)
	if n, err := io.ReadFull(c, got); err != nil {
		return got[:n], err
	}
	c.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
	more, err := io.ReadAll(struct{ io.Reader }{c})
	return append(got, more...), err
}

func TestMemoryConn(t *testing.T) {
	n := netpoll.NewMemoryNetwork(1, netpoll.MemoryOptions{BufferBytes: 100})
	if _, err := n.Dial(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial without a listener returned %v", err)
	}
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: n.NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	peers := make(chan string, 1)
	if _, err = netpoll.Listen(rt, "tcp", "a name", netpoll.ListenConfig{}, func(c *netpoll.Conn) {
		peers <- c.RemoteAddr().String()
	}); err != nil {
		t.Fatal(err)
	}
	var c net.Conn
	c, err = n.DialFrom(&net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 7}, "a name")
	if err != nil {
		t.Fatal(err)
	}
	if p := <-peers; p != "198.51.100.7:7" || c.LocalAddr().String() != p || c.RemoteAddr().String() != "a name" {
		t.Errorf("addresses %s, %s, %s", p, c.LocalAddr(), c.RemoteAddr())
	}
	timedOut := func(what string, err error) {
		var ne net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("%s returned %v", what, err)
		}
	}
	c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	timedOut("Read", err)
	c.SetWriteDeadline(time.Unix(1, 0))
	if n, err := c.Write(make([]byte, 1000)); n != 0 {
		t.Errorf("Write after the deadline took %d bytes, %v", n, err)
	}
	c.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
	m, err := c.Write(make([]byte, 1000))
	timedOut("Write", err)
	if m != 100 {
		t.Errorf("%d bytes were taken, want the buffer's 100", m)
	}
	c.SetDeadline(time.Time{})
	read := make(chan error)
	go func() { _, err := c.Read(make([]byte, 1)); read <- err }()
	c.SetReadDeadline(time.Now().Add(-1)) // reaches a Read under way
	timedOut("Read", <-read)
	c.SetReadDeadline(time.Time{})
	go func() { _, err := c.Read(make([]byte, 1)); read <- err }()
	c.Close()
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read of a closed connection returned %v", err)
	}
}

// A connection that is on its way when the engine it goes to closes is refused.
func TestMemoryConnectionOnItsWayToAnEngineThatCloses(t *testing.T) {
	n := netpoll.NewMemoryNetwork(1, netpoll.MemoryOptions{DelayMin: time.Hour, DelayMax: time.Hour})
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: n.NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := netpoll.Listen(rt, "tcp", "10.0.0.1:0", netpoll.ListenConfig{}, func(c *netpoll.Conn) { t.Error("accepted") })
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.Dial()
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := rt.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read returned %v", err)
	}
}
