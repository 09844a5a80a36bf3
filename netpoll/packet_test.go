//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// runLoops returns a running runtime that is closed at the end of the test, which
// fails if descriptors are left then.
func runLoops(t testing.TB, n int) *fiber.Runtime {
	t.Helper()
	before := descriptors(t)
	rt, err := fiber.New(fiber.Config{Loops: n, NewPoller: NewEngine})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := rt.Close(ctx); err != nil {
			t.Error(err)
		}
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors open, %d before", after, before)
		}
	})
	return rt
}

// descriptors counts the open descriptors, 0 where that is unknown. The first call
// opens those that the Go runtime keeps.
func descriptors(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// inFiber runs fn in a fiber of l and waits for it.
func inFiber(t testing.TB, l *fiber.Loop, fn func(f *fiber.Fiber)) {
	t.Helper()
	done := make(chan struct{})
	if err := l.Go(func(f *fiber.Fiber) { defer close(done); fn(f) }); err != nil {
		t.Fatal(err)
	}
	<-done
}

// listenUDP opens a socket on l and serves it with fn in a fiber of its own.
func listenUDP(t testing.TB, l *fiber.Loop, network, address string, c PacketConfig, fn func(v *PacketView)) *PacketConn {
	t.Helper()
	pc, err := ListenPacket(l, network, address, c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	l.Go(func(f *fiber.Fiber) { defer close(done); fn(pc.As(f)) })
	t.Cleanup(func() {
		l.Post(func() { pc.Close() })
		<-done
	})
	return pc
}

func echo(t testing.TB) func(v *PacketView) {
	return func(v *PacketView) {
		buf := make([]byte, 2048)
		for {
			n, from, err := v.ReadFromAddrPort(buf)
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("receive: %v", err)
				}
				return
			}
			if _, err := v.WriteToAddrPort(buf[:n], from); err != nil {
				t.Errorf("send to %v: %v", from, err)
			}
		}
	}
}

func TestPacketEcho(t *testing.T) {
	for _, c := range []struct{ network, address string }{
		{"udp4", "127.0.0.1:0"}, {"udp6", "[::1]:0"}, {"udp", "127.0.0.1:0"}, {"udp", ":0"},
	} {
		t.Run(c.network+" "+c.address, func(t *testing.T) {
			if c.network == "udp6" {
				if pc, err := net.ListenPacket("udp6", "[::1]:0"); err != nil {
					t.Skip("no IPv6 here")
				} else {
					pc.Close()
				}
			}
			rt := runLoops(t, 2)
			pc := listenUDP(t, rt.Loops()[0], c.network, c.address, PacketConfig{}, echo(t))
			to := pc.LocalAddr().(*net.UDPAddr)
			if to.IP.IsUnspecified() {
				to = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to.Port}
			}
			inFiber(t, rt.Loops()[1], func(f *fiber.Fiber) {
				v, err := DialPacket(f, c.network, to.String(), PacketConfig{})
				if err != nil {
					t.Error(err)
					return
				}
				defer v.Close()
				v.SetReadDeadline(time.Now().Add(10 * time.Second))
				buf := make([]byte, 100)
				for i := range 200 {
					want := bytes.Repeat([]byte{byte(i)}, i%50) // an empty datagram now and then
					if n, err := v.Write(want); n != len(want) || err != nil {
						t.Errorf("write: %d, %v", n, err)
						return
					}
					n, from, err := v.ReadFromAddrPort(buf)
					if err != nil || !bytes.Equal(buf[:n], want) {
						t.Errorf("datagram %d: %q, %v", i, buf[:n], err)
						return
					}
					if from.String() != to.String() {
						t.Errorf("from %v, want %v", from, to)
						return
					}
				}
			})
			// And with the standard library.
			sc, err := net.Dial("udp", to.String())
			if err != nil {
				t.Fatal(err)
			}
			defer sc.Close()
			sc.SetDeadline(time.Now().Add(10 * time.Second))
			sc.Write([]byte("hello"))
			b := make([]byte, 10)
			if n, err := sc.Read(b); err != nil || string(b[:n]) != "hello" {
				t.Errorf("%q, %v", b[:n], err)
			}
		})
	}
}

func TestPacketTruncated(t *testing.T) {
	rt := runLoops(t, 1)
	dir := t.TempDir()
	for _, c := range []struct{ network, address string }{
		{"udp", "127.0.0.1:0"}, {"unixgram", filepath.Join(dir, "s")},
	} {
		inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
			pc, err := ListenPacket(f.Loop(), c.network, c.address, PacketConfig{})
			if err != nil {
				t.Error(err)
				return
			}
			v := pc.As(f)
			defer v.Close()
			d, err := DialPacket(f, c.network, pc.LocalAddr().String(), PacketConfig{})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			d.Write([]byte("0123456789"))
			d.Write([]byte("abc"))
			b := make([]byte, 4)
			n, from, err := v.ReadFrom(b)
			if n != 4 || string(b) != "0123" || err != ErrTruncated || from == nil {
				t.Errorf("%s: %d %q %v %v", c.network, n, b, from, err)
			}
			if c.network == "udp" && from.String() != d.LocalAddr().String() {
				t.Errorf("from %v, want %v", from, d.LocalAddr())
			}
			if n, _, err := v.ReadFrom(b); n != 3 || err != nil || string(b[:n]) != "abc" {
				t.Errorf("%s: %d, %v", c.network, n, err)
			}
		})
	}
}

func TestPacketUnixReply(t *testing.T) {
	rt := runLoops(t, 1)
	dir := t.TempDir()
	inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
		var v [2]*PacketView
		for i := range v {
			pc, err := ListenPacket(f.Loop(), "unixgram", filepath.Join(dir, string(rune('a'+i))), PacketConfig{})
			if err != nil {
				t.Error(err)
				return
			}
			v[i] = pc.As(f)
			defer v[i].Close()
		}
		if _, err := v[0].WriteTo([]byte("ping"), v[1].LocalAddr()); err != nil {
			t.Error(err)
		}
		b := make([]byte, 10)
		n, from, err := v[1].ReadFrom(b)
		if err != nil || string(b[:n]) != "ping" || from.String() != v[0].LocalAddr().String() {
			t.Errorf("%q from %v, %v", b[:n], from, err)
		}
		if _, err := v[1].WriteTo(nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}); err == nil {
			t.Error("a unix socket sent to a UDP address")
		}
	})
}

func TestPacketWaitsEnd(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	b := make([]byte, 10)
	open := func() *PacketConn {
		pc, err := ListenPacket(l, "udp", "127.0.0.1:0", PacketConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return pc
	}
	t.Run("deadline", func(t *testing.T) {
		pc := open()
		inFiber(t, l, func(f *fiber.Fiber) {
			v := pc.As(f)
			defer v.Close()
			v.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			_, _, err := v.ReadFrom(b)
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("got %v", err)
			}
			// A deadline that has passed counts even if there is a datagram.
			v.WriteTo([]byte("x"), v.LocalAddr())
			if _, _, err := v.ReadFrom(b); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			v.SetReadDeadline(time.Time{})
			if n, _, err := v.ReadFrom(b); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	})
	t.Run("cancel", func(t *testing.T) {
		pc := open()
		want := errors.New("enough")
		scope := make(chan *fiber.Scope, 1)
		go func() { (<-scope).Cancel(want) }()
		inFiber(t, l, func(f *fiber.Fiber) {
			v := pc.As(f)
			scope <- f.Scope()
			if _, _, err := v.ReadFrom(b); !errors.Is(err, want) {
				t.Errorf("got %v", err)
			}
			v.Close()
		})
	})
	t.Run("close", func(t *testing.T) {
		pc := open()
		inFiber(t, l, func(f *fiber.Fiber) {
			for range 3 {
				f.Go(func(g *fiber.Fiber) {
					if _, _, err := pc.As(g).ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
						t.Errorf("got %v", err)
					}
				})
			}
			f.Yield()
			v := pc.As(f)
			if err := v.Close(); err != nil {
				t.Error(err)
			}
			if err := v.Close(); err != net.ErrClosed {
				t.Errorf("second close: %v", err)
			}
			if _, err := v.WriteTo(b, v.LocalAddr()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
			f.Yield()
		})
	})
	t.Run("runtime closes", func(t *testing.T) {
		rt := runLoops(t, 1)
		pc, err := ListenPacket(rt.Loops()[0], "udp", "127.0.0.1:0", PacketConfig{})
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		started := make(chan struct{})
		rt.Go(func(f *fiber.Fiber) {
			close(started)
			_, _, err := pc.As(f).ReadFrom(make([]byte, 1))
			got <- err
		})
		<-started
		rt.Close(context.Background())
		if err := <-got; !errors.Is(err, fiber.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if _, err := ListenPacket(rt.Loops()[0], "udp", "127.0.0.1:0", PacketConfig{}); !errors.Is(err, fiber.ErrClosed) {
			t.Errorf("listen on an ended loop: %v", err)
		}
	})
}

// Several fibers wait on one socket; each datagram wakes somebody, and a reader that
// gives up passes the wake-up on.
func TestPacketManyReaders(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	pc, err := ListenPacket(l, "udp", "127.0.0.1:0", PacketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	const readers, rounds = 8, 50
	inFiber(t, l, func(f *fiber.Fiber) {
		d, err := DialPacket(f, "udp", pc.LocalAddr().String(), PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		defer d.Close()
		got := 0
		g := fiber.NewGroup(f)
		for range readers {
			g.Go(func(h *fiber.Fiber) error {
				v := pc.As(h)
				for range rounds {
					h.Yield()
					if _, _, err := v.ReadFromAddrPort(make([]byte, 8)); err != nil {
						return err
					}
					got++
				}
				return nil
			})
		}
		for range readers * rounds {
			if _, err := d.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			f.Yield()
		}
		if err := g.Wait(f); err != nil || got != readers*rounds {
			t.Errorf("%d received, %v", got, err)
		}
		pc.As(f).Close()
	})
}

// A fiber that always finds a datagram lets others run, those who wait for the
// network among them.
func TestPacketFair(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	stop := false // in loop l's fibers only, which take turns
	inFiber(t, l, func(f *fiber.Fiber) {
		self, err := ListenPacket(l, "udp", "127.0.0.1:0", PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		other, err := ListenPacket(l, "udp", "127.0.0.1:0", PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		f.Go(func(g *fiber.Fiber) {
			v := other.As(g)
			defer v.Close()
			if _, _, err := v.ReadFromAddrPort(make([]byte, 1)); err != nil {
				t.Error(err)
			}
			stop = true
		})
		f.Yield() // the other waits now
		v := self.As(f)
		defer v.Close()
		to := self.LocalAddr().(*net.UDPAddr).AddrPort()
		v.WriteToAddrPort([]byte("x"), other.LocalAddr().(*net.UDPAddr).AddrPort())
		b := make([]byte, 1)
		for n := 0; !stop; n++ {
			if n > 10*packetBatch {
				t.Error("the other fiber never ran")
				self.Close()
				return
			}
			v.WriteToAddrPort(b, to)
			if _, _, err := v.ReadFromAddrPort(b); err != nil {
				t.Error(err)
				return
			}
		}
	})
}

func TestPacketReusePort(t *testing.T) {
	rt := runLoops(t, 2)
	got := make(chan int, 1000)
	serve := func(i int) func(v *PacketView) {
		return func(v *PacketView) {
			for {
				if _, _, err := v.ReadFromAddrPort(make([]byte, 1)); err != nil {
					return
				}
				got <- i
			}
		}
	}
	first := listenUDP(t, rt.Loops()[0], "udp", "127.0.0.1:0", PacketConfig{ReusePort: true}, serve(0))
	listenUDP(t, rt.Loops()[1], "udp", first.LocalAddr().String(), PacketConfig{ReusePort: true}, serve(1))
	for range 64 {
		c, err := net.Dial("udp", first.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("x"))
		c.Close()
	}
	var counts [2]int
	for range 64 {
		counts[<-got]++
	}
	if spreads && (counts[0] == 0 || counts[1] == 0) {
		t.Errorf("received %v", counts)
	}
	if _, err := ListenPacket(rt.Loops()[0], "udp", first.LocalAddr().String(), PacketConfig{}); err == nil {
		t.Error("listened on an address in use without ReusePort")
	}
}

func TestPacketErrors(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	for _, c := range []struct{ network, address string }{
		{"tcp", "127.0.0.1:0"}, {"udp", "127.0.0.1"}, {"udp", "127.0.0.1:x"}, {"udp4", "[::1]:1"},
	} {
		var op *OpError
		if _, err := ListenPacket(l, c.network, c.address, PacketConfig{}); !errors.As(err, &op) {
			t.Errorf("listen %s %s: %v", c.network, c.address, err)
		}
		inFiber(t, l, func(f *fiber.Fiber) {
			if _, err := DialPacket(f, c.network, c.address, PacketConfig{}); !errors.As(err, &op) {
				t.Errorf("dial %s %s: %v", c.network, c.address, err)
			}
		})
	}
	bare, err := fiber.New(fiber.Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close(context.Background())
	if _, err := ListenPacket(bare.Loops()[0], "udp", "127.0.0.1:0", PacketConfig{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a loop without an engine: %v", err)
	}
	// A refusal is an error once.
	inFiber(t, l, func(f *fiber.Fiber) {
		gone, err := ListenPacket(l, "udp", "127.0.0.1:0", PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		d, err := DialPacket(f, "udp", gone.LocalAddr().String(), PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		defer d.Close()
		gone.As(f).Close()
		d.SetReadDeadline(time.Now().Add(10 * time.Second))
		d.Write([]byte("x"))
		var op *OpError
		if _, err := d.Read(make([]byte, 1)); !errors.As(err, &op) || op.Timeout() {
			t.Errorf("got %v", err)
		}
		if _, err := d.WriteToAddrPort(nil, netip.AddrPort{}); err == nil {
			t.Error("sent to an invalid address")
		}
	})
}

// A sender that fills the kernel's buffer waits for room.
func TestPacketSendWaits(t *testing.T) {
	rt := runLoops(t, 1)
	path := filepath.Join(t.TempDir(), "s")
	const count = 2000
	inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
		pc, err := ListenPacket(f.Loop(), "unixgram", path, PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		d, err := DialPacket(f, "unixgram", path, PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		defer d.Close()
		g := fiber.NewGroup(f)
		g.Go(func(h *fiber.Fiber) error {
			v := pc.As(h)
			defer v.Close()
			b := make([]byte, 1000)
			for range count {
				if n, err := v.Read(b); n != 999 || err != nil {
					return errors.Join(err, io.ErrUnexpectedEOF)
				}
			}
			return nil
		})
		for range count {
			if _, err := d.Write(make([]byte, 999)); err != nil {
				t.Error(err)
				return
			}
		}
		if err := g.Wait(f); err != nil {
			t.Error(err)
		}
	})
}

func TestPacketAllocs(t *testing.T) {
	if os.Getenv("HEDDLE_CHECKED") == "1" {
		t.Skip("instrumented")
	}
	rt := runLoops(t, 1)
	inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
		pc, err := ListenPacket(f.Loop(), "udp", "127.0.0.1:0", PacketConfig{})
		if err != nil {
			t.Error(err)
			return
		}
		v := pc.As(f)
		defer v.Close()
		to := pc.LocalAddr().(*net.UDPAddr).AddrPort()
		b := make([]byte, 64)
		if n := testing.AllocsPerRun(500, func() {
			v.WriteToAddrPort(b, to)
			v.ReadFromAddrPort(b)
		}); n >= 1 {
			t.Errorf("%v allocations", n)
		}
	})
}
