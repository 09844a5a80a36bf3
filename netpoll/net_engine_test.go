package netpoll_test

import (
	"net"
	"testing"

	"github.com/heddle-go/heddle/netpoll"
	"github.com/heddle-go/heddle/netpoll/netpolltest"
)

// The engine over package net runs on every system, so it is tested on this one.
func TestNetEngine(t *testing.T) {
	netpolltest.Run(t, func(t *testing.T) netpolltest.Harness {
		return netpolltest.Harness{Lacks: netpoll.Lacks{LateReset: true}, Serve: netpolltest.Listening(netpoll.NewNetEngine, "tcp", "127.0.0.1:0", netpolltest.DialTCP)}
	})
}

// A listener that is open already is taken over.
func TestNetEngineExisting(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan struct{}, 1)
	s := netpolltest.Listening(netpoll.NewNetEngine, "tcp", "", netpolltest.DialTCP)(t, 2,
		netpoll.ListenConfig{Existing: ln}, func(c *netpoll.Conn) { c.Close(); got <- struct{}{} })
	ln.Close()
	c, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	<-got
	c.Close()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
