//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// Fibers that wait at a packet socket: what ends a wait, who of several is woken, and
// that one which never has to wait keeps nobody from running.

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
			readers := fiber.NewGroup(f)
			for range 3 {
				readers.Go(func(g *fiber.Fiber) error {
					if _, _, err := pc.As(g).ReadFrom(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
						t.Errorf("got %v", err)
					}
					return nil
				})
			}
			f.Yield() // they wait now
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
			readers.Wait(f)
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
