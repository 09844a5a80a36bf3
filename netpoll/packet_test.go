//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// Datagrams: each arrives as it was sent and says from whom, over each kind of socket.
// How fibers wait for them is in packet_wait_test.go.

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
