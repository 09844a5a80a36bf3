package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// What attackers do with a connection. A kind is one entry here.

// A kind is one way of being hostile.
type kind struct {
	name   string
	about  string
	bytes  int64                      // what one peer may make the server hold, at most
	limits func(peers int) serverSpec // that the server has in place of its defaults; or nil
	act    func(p *peer) error
}

const (
	bareBytes   = 4 << 10         // connection, timer, and what the allocator and the collector add
	stackBytes  = 16 << 10        // a handler that waits, with its stack
	owedBytes   = 64<<10 + 32<<10 // ListenConfig.OwedBytesMax, and the buffers' growth
	headBytes   = 8 << 10         // what has come of a head
	dripEvery   = time.Second     // between two bytes
	dripHead    = "GET /id/x HTTP/1.1\r\nHost: slow\r\nX-Drip: "
	dripBody    = "POST /echo HTTP/1.1\r\nHost: slow\r\nContent-Length: 100000\r\n\r\n"
	halfRequest = "POST /echo HTTP/1.1\r\nHost: half\r\nContent-Length: 1000\r\n\r\nhalf"
	oneRequest  = "GET /id/x HTTP/1.1\r\nHost: bad\r\n\r\n"
	burst       = 64 // pipelined requests
)

var kinds = []kind{
	{"idle", "connected, and nothing more", bareBytes, nil, (*peer).readToEnd},
	{"slow-head", "a head that comes byte by byte", headBytes, nil, func(p *peer) error { return p.drip(dripHead) }},
	{"slow-body", "a body that comes byte by byte", stackBytes, nil, func(p *peer) error { return p.drip(dripBody) }},
	{"half", "half a request, then silence", stackBytes, nil, func(p *peer) error { return p.sayAndWait(halfRequest) }},
	{"keep-alive", "one request, then silence", bareBytes, nil, func(p *peer) error { return p.sayAndWait(oneRequest) }},
	{"no-read", "a reply of 16 MiB that is never read", owedBytes + stackBytes, nil, (*peer).neverRead},
	{"pipeline", "64 requests at once, again and again", owedBytes, nil, (*peer).pipeline},
	{"flood", "connections that come and go, against Listen.ConnsMax", bareBytes, inBacklog, (*peer).comeAndGo},
	{"flood-all", "the same, against ConnsMax", bareBytes, inAll, (*peer).comeAndGo},
	{"flood-few", "the same from four addresses, against ConnsPerAddressMax", bareBytes, byAddress, (*peer).comeAndGo},
	{"vanish", "requests of all sorts, and a reset in the middle", owedBytes + stackBytes, nil, (*peer).vanish},
}

// The limits of floods: a few of the peers find room.

func inBacklog(peers int) serverSpec { return serverSpec{LoopConnsMax: peers / 8} }
func inAll(peers int) serverSpec     { return serverSpec{ConnsMax: peers / 4} }

// byAddress leaves room for the good clients, which share an address too.
func byAddress(peers int) serverSpec {
	return serverSpec{ConnsPerAddressMax: max(peers/20, 2*goodClients)}
}

// limitsFor is what the server is told.
func (k kind) limitsFor(peers int) serverSpec {
	if k.limits == nil {
		return serverSpec{}
	}
	return k.limits(peers)
}

// mixture is the soak: peers of all kinds that change after a while.
var mixture = kind{"mixture", "all kinds, and resets at random", owedBytes + stackBytes, nil, (*peer).mix}

// kindOf returns the kind of a name.
func kindOf(name string) (kind, error) {
	for _, k := range append(kinds, mixture) {
		if k.name == name {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("there is no kind %q", name)
}

// readToEnd waits until the server closes.
func (p *peer) readToEnd() error {
	for {
		b, err := p.v.Receive()
		if err != nil {
			return err
		}
		p.v.Consume(len(b))
	}
}

func (p *peer) sayAndWait(s string) error {
	if err := p.say(s); err != nil {
		return err
	}
	return p.readToEnd()
}

// drip sends the start of a request and then a byte now and then, until the server has
// enough of it.
func (p *peer) drip(start string) error {
	if err := p.say(start); err != nil {
		return err
	}
	var one [64]byte
	for {
		p.v.SetReadDeadline(time.Now().Add(dripEvery/2 + rand.N(dripEvery)))
		if _, err := p.v.Read(one[:]); err == nil {
			continue // its last words
		} else if !os.IsTimeout(err) {
			return err
		}
		if err := p.say("a"); err != nil {
			return err
		}
	}
}

// neverRead asks for what it does not read. Its own buffer is small, so that the server
// holds what can be held, and not this side's kernel.
func (p *peer) neverRead() error {
	p.shrink()
	if err := p.say("GET /large HTTP/1.1\r\nHost: mute\r\n\r\n"); err != nil {
		return err
	}
	return p.f.Sleep(40 * time.Second)
}

var pipelined = strings.Repeat(oneRequest, burst)

// pipeline sends bursts of requests as often as all peers together may.
func (p *peer) pipeline() error {
	for {
		if err := p.crew.pace(p.f); err != nil {
			return err
		}
		if err := p.say(pipelined); err != nil {
			return err
		}
		for range burst {
			if _, _, err := readReply(p.v); err != nil {
				return err
			}
		}
	}
}

// comeAndGo stays for a moment.
func (p *peer) comeAndGo() error {
	if rand.IntN(2) == 0 {
		if err := p.say(oneRequest); err != nil {
			return err
		}
	}
	return p.f.Sleep(rand.N(2 * time.Second))
}

// vanish is gone in the middle of something.
func (p *peer) vanish() error {
	switch rand.IntN(5) {
	case 0:
		p.say("GET /wait?ms=1000 HTTP/1.1\r\nHost: bad\r\n\r\n")
	case 1:
		p.shrink()
		p.say("GET /large HTTP/1.1\r\nHost: bad\r\n\r\n")
	case 2:
		p.say(halfRequest)
	case 3:
		p.say(pipelined)
	case 4:
		p.say(dripHead)
	}
	return p.f.Sleep(rand.N(4 * time.Second))
}

// mix is any other kind, for at most so long.
func (p *peer) mix() error {
	k := kinds[rand.IntN(len(kinds))]
	return p.f.WithTimeout(rand.N(20*time.Second), func() error { return k.act(p) })
}
