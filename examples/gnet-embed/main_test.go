//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// booting is the server with a report of its address, since it listens on port 0.
type booting struct {
	*server
	booted chan gnet.Engine
}

func (b booting) OnBoot(eng gnet.Engine) gnet.Action {
	b.booted <- eng
	return gnet.None
}

func startServer(t *testing.T, beat time.Duration) (address string) {
	s, err := newServer(beat)
	if err != nil {
		t.Fatal(err)
	}
	b := booting{s, make(chan gnet.Engine, 1)}
	done := make(chan error, 1)
	go func() { done <- gnet.Run(b, "tcp://127.0.0.1:0", gnet.WithNumEventLoop(2)) }()
	var eng gnet.Engine
	select {
	case eng = <-b.booted:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	fd, err := eng.Dup()
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// talk is a client that sends lines and expects lines.
type talk struct {
	*testing.T
	net.Conn
	in *bufio.Scanner
}

func connect(t *testing.T, address string) talk {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return talk{t, c, bufio.NewScanner(c)}
}

func (c talk) say(line string) { fmt.Fprintf(c.Conn, "%s\n", line) }

func (c talk) hear(want string) {
	c.Helper()
	if !c.in.Scan() || c.in.Text() != want {
		c.Fatalf("got %q (%v), want %q", c.in.Text(), c.in.Err(), want)
	}
}

func TestProtocol(t *testing.T) {
	address := startServer(t, 20*time.Millisecond)
	a, b := connect(t, address), connect(t, address)
	a.say("abc")
	a.hear("ABC")
	a.say("sum 100000")
	a.hear("sum 5000050000")
	a.say("sum x")
	a.hear("how many?")

	// While one connection counts down the others get their answers.
	a.say("countdown\nfiona") // what follows the line is the fiber's already
	b.say("one\ntwo")
	b.hear("ONE")
	b.hear("TWO")
	for _, line := range []string{"3", "2", "1", "who are you?", "hello, fiona"} {
		a.hear(line)
	}
	if a.in.Scan() {
		t.Errorf("then %q", a.in.Text())
	}
}

func TestTooLate(t *testing.T) {
	c := connect(t, startServer(t, time.Millisecond))
	c.say("countdown")
	for _, line := range []string{"3", "2", "1", "who are you?", "too late"} {
		c.hear(line)
	}
}
