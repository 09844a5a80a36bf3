//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net"
	"testing"
)

// trickle is a transport that takes a few bytes at a time.
type trickle struct{ take int }

func (s *trickle) Receive(*Conn) error      { return ErrWouldBlock }
func (s *trickle) Read([]byte) (int, error) { return 0, ErrWouldBlock }
func (s *trickle) Send(p []byte) (int, error) {
	if len(p) <= s.take {
		return len(p), nil
	}
	return s.take, ErrWouldBlock
}
func (s *trickle) SendVec([][]byte) (int, error) { return 0, ErrWouldBlock }
func (s *trickle) CloseWrite() error             { return nil }
func (s *trickle) Close(bool) error              { return nil }
func (s *trickle) LocalAddr() net.Addr           { return nil }
func (s *trickle) RemoteAddr() net.Addr          { return nil }
func (s *trickle) FD() int                       { return -1 }

// A connection that always owes something must not keep all that it ever owed.
func TestOwedMemoryIsBounded(t *testing.T) {
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	_, err := onLoop(l, func() (struct{}, error) {
		s := &trickle{take: 100}
		c := new(Conn)
		c.Init(s, NewLender(l), owedBytesMax)
		c.Send(make([]byte, 1000))
		start := cap(c.out.B) // the pool may give a large buffer
		for range 100_000 {
			c.Send(make([]byte, 100))
			c.Writable()
		}
		if c.Owed() == 0 || cap(c.out.B) > max(start, 16<<10) {
			t.Errorf("%d bytes are owed in %d bytes of memory", c.Owed(), cap(c.out.B))
		}
		return struct{}{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
