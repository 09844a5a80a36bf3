package netpoll

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/fiber"
)

// sluggish takes a datagram at the second attempt if it is to be slow.
type sluggish struct {
	PacketTransport
	c    *PacketConn
	slow bool
	full bool
	sent []string
}

func (s *sluggish) Send(p []byte, _ netip.AddrPort, _ string) error {
	if s.full = s.slow && !s.full; s.full {
		s.c.loop.Post(s.c.Writable)
		return ErrWouldBlock
	}
	s.sent = append(s.sent, string(p))
	return nil
}

// What View.Receive lent may be sent as a datagram, though the call may wait for room, or let
// others have their turn after many that did not.
func TestPacketOfLentBytes(t *testing.T) {
	for _, slow := range []bool{false, true} {
		lentTo(t, false, secret, func(f *fiber.Fiber, v *View, lent []byte) {
			over := false
			f.Go(func(g *fiber.Fiber) {
				for !over {
					var other Conn
					g.Enter()
					other.Init(mute{}, v.c.lender, 10)
					room := v.c.lender.Room(&other)
					v.c.lender.Lend(&other, copy(room, strings.Repeat("z", len(secret))))
					other.Close()
					g.Leave()
					g.Yield()
				}
			})
			s := &sluggish{slow: slow}
			s.c = &PacketConn{loop: f.Loop(), transport: s, writable: true}
			p := s.c.As(f)
			for range 2 * packetBatch {
				if _, err := p.Write(lent); err != nil {
					t.Fatal(err)
				}
			}
			over = true
			for i, got := range s.sent {
				if got != secret {
					t.Errorf("slow %v: datagram %d was %q", slow, i, got)
					break
				}
			}
		})
	}
}
