package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// The attackers: fibers of one loop, so that ten thousand of them cost little more than
// the server's side of their connections. A connection that ends is made again.

type peersSpec struct {
	Addr  string
	Kind  string
	Peers int
	Rate  int // what they may begin a second, together
}

// peersResult is what became of their connections.
type peersResult struct {
	Dialed, Refused int
	ByServer        int // ended or reset by the server
	Open            int // at the end
}

// crew is all attackers. Its loop only.
type crew struct {
	spec   peersSpec
	kind   kind
	limits serverSpec // of the server
	next   time.Time  // when the next may begin something
	result peersResult
	fresh  int // peers that have not been connected yet
	up     chan struct{}
}

// A peer is one attacker with its connection.
type peer struct {
	crew   *crew
	number int
	f      *fiber.Fiber
	v      *netpoll.View
}

// rampTime bounds the time until the peers are there; those against a limit never all are.
const rampTime = 10 * time.Second

func peers(specification []byte) error {
	cr := &crew{up: make(chan struct{})}
	err := json.Unmarshal(specification, &cr.spec)
	if err != nil {
		return err
	}
	if cr.kind, err = kindOf(cr.spec.Kind); err != nil {
		return err
	}
	cr.limits = cr.kind.limitsFor(cr.spec.Peers)
	rt, err := newClients()
	if err != nil {
		return err
	}
	l := rt.Loops()[0]
	cr.fresh = cr.spec.Peers
	for i := range cr.spec.Peers {
		l.Go(func(f *fiber.Fiber) { (&peer{crew: cr, number: i, f: f}).run() })
	}
	rt.Start()
	select {
	case <-cr.up:
	case <-time.After(rampTime):
	}
	if err := say("up"); err != nil {
		return err
	}
	return obey(func(word string) (any, error) {
		if word != "end" {
			return nil, errWord
		}
		end := make(chan peersResult)
		if err := l.Post(func() { r := cr.result; go func() { end <- r }() }); err != nil {
			return nil, err
		}
		return <-end, nil
	})
}

// addresses is from how many addresses the peers come that run into a limit for each;
// the good clients have one more.
const addresses = 4

// dial connects p.
func (p *peer) dial() (*netpoll.View, error) {
	cr := p.crew
	if cr.limits.ConnsPerAddressMax == 0 {
		return netpoll.Dialer{Timeout: 20 * time.Second}.Dial(p.f, "tcp", cr.spec.Addr)
	}
	from := net.IPv4(127, 0, 0, byte(2+p.number%addresses))
	d := net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: from}}
	var nc net.Conn
	var err error
	if blocked := p.f.Block(func() { nc, err = d.Dial("tcp", cr.spec.Addr) }); blocked != nil {
		return nil, blocked
	}
	if err != nil {
		return nil, err
	}
	c, err := netpoll.Adopt(p.f.Loop(), nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return c.As(p.f), nil
}

// run connects again and again.
func (p *peer) run() {
	cr := p.crew
	for first := true; cr.pace(p.f) == nil; first = false {
		v, err := p.dial()
		if first {
			if cr.fresh--; cr.fresh == 0 {
				close(cr.up)
			}
		}
		if err != nil {
			cr.result.Refused++
			continue
		}
		cr.result.Dialed++
		cr.result.Open++
		p.v = v
		if err := cr.kind.act(p); err != nil && !errors.Is(err, fiber.ErrTimeout) {
			cr.result.ByServer++
		}
		cr.result.Open--
		if rand.IntN(2) == 0 {
			v.Abort()
		} else {
			v.Close()
		}
	}
}

// pace waits until this peer may begin something.
func (cr *crew) pace(f *fiber.Fiber) error {
	now := time.Now()
	if cr.next.Before(now) {
		cr.next = now
	}
	wait := cr.next.Sub(now)
	cr.next = cr.next.Add(time.Second / time.Duration(cr.spec.Rate))
	return f.Sleep(wait)
}

func (p *peer) say(s string) error {
	_, err := p.v.Write([]byte(s))
	return err
}
