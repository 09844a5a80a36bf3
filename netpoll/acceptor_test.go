//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// What acceptors do when connections cannot be had: there is no room on the loop, no
// descriptor in the process, or the peer has gone before.

// counted is an engine that counts its waits.
type counted struct {
	*systemEngine
	polls *atomic.Int64
}

func (c counted) Poll(d time.Duration) {
	c.polls.Add(1)
	c.systemEngine.Poll(d)
}

// Loops that share a socket hand on what they have no room for.
func TestConnsMaxOnSharedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln := listenEcho(t, 3, "unix", path, ListenConfig{ConnsMax: 4})
	var conns []net.Conn
	for range 12 { // all that the loops have room for together
		c, err := net.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	for _, c := range conns {
		pingConn(t, c)
	}
}

// A connection that is reset before it is accepted concerns nobody else.
func TestAbortedBeforeAccept(t *testing.T) {
	rt := runLoops(t, 1)
	ln, err := Listen(rt, "tcp", "127.0.0.1:0", ListenConfig{}, echoOn)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for range 20 {
		held, release := make(chan struct{}), make(chan struct{})
		rt.Loops()[0].Post(func() { close(held); <-release })
		<-held
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		close(release)
		pingOn(t, ln.Addr())
	}
}

// With no descriptor left an acceptor waits without spinning, and goes on when there
// is one again. In a process of its own, since the limit is the process's.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv("NETPOLL_OUT_OF_DESCRIPTORS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOutOfDescriptors$", "-test.v")
		cmd.Env = append(os.Environ(), "NETPOLL_OUT_OF_DESCRIPTORS=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var polls atomic.Int64
	rt, err := fiber.New(fiber.Config{Loops: 1, NewPoller: func(l *fiber.Loop) (fiber.Poller, error) {
		p, err := NewEngine(l)
		if err != nil {
			return nil, err
		}
		return counted{p.(*systemEngine), &polls}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	accepted := make(chan struct{}, 10)
	sockets, err := openSockets(&Source{Network: "tcp", Address: "127.0.0.1:0"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	src := &Source{Network: "tcp", shared: sockets[0]}
	_, err = onLoop(rt.Loops()[0], func() (Acceptor, error) {
		return EngineOf(rt.Loops()[0]).Listen(src, func(c *Conn) { accepted <- struct{}{}; echoOn(c) })
	})
	if err != nil {
		t.Fatal(err)
	}
	// Sockets that are connected when no descriptor is left.
	var clients []int
	for range 3 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, fd)
	}
	var used []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		used = append(used, f)
		if len(used) == 20 { // from here on there is no other number
			few := unix.Rlimit{Max: 20_000}
			for range f.Fd() + 1 {
				few.Cur++ // its type differs between systems
			}
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
				t.Fatal(err)
			}
		}
	}
	sa, _, _ := sockaddr(sockets[0].addr)
	before := polls.Load()
	for _, fd := range clients {
		if err := unix.Connect(fd, sa); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(10 * acceptRetry) // how often it wakes up in that time is the measurement
	if n := polls.Load() - before; n > 60 {
		t.Errorf("the loop woke up %d times in ten retries", n)
	}
	if len(accepted) > 0 {
		t.Fatal("accepted without descriptors")
	}
	for _, f := range used {
		f.Close()
	}
	for range clients {
		select {
		case <-accepted:
		case <-time.After(10 * time.Second):
			t.Fatal("not accepted after descriptors were free again")
		}
	}
}

// Whoever is connected when the listener closes is let in, instead of reset; a panic in accept
// concerns one of them.
func TestCloseTakesIn(t *testing.T) {
	rt := runLoops(t, 1)
	calls := 0
	ln, err := Listen(rt, "tcp", "127.0.0.1:0", ListenConfig{}, func(c *Conn) {
		if calls++; calls == 2 {
			panic("the second")
		}
		echoOn(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	closed := make(chan error)
	rt.Loops()[0].Post(func() { // the loop cannot accept meanwhile
		for range 3 {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Error(err)
				continue
			}
			conns = append(conns, c)
		}
		for _, p := range ln.parts {
			p.acceptor.Close()
		}
		close(closed)
	})
	<-closed
	for i, c := range conns {
		if i != 1 {
			pingConn(t, c)
		} else if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the connection of the panic lives")
		}
		c.Close()
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if n := rt.Stats().Panics; n != 1 {
		t.Errorf("%d panics were counted", n)
	}
}
