//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

// Gnet-embed is a gnet server written in callbacks that has gained fibers. It answers
// each line with the same in upper case, in OnTraffic, as it always did; two lines lead
// to straight-line code:
//
//	sum N     adds up 1 to N beside the event loop (Block) and replies when it is done
//	countdown hands the connection to a fiber, which counts down once a second, asks a
//	          question and waits ten seconds for the answer
//
// Try: go run ./gnet-embed, and nc localhost 9000.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"log"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/heddle-go/heddle/netpoll/gnetengine"
	"github.com/panjf2000/gnet/v2"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9000", "address to listen on")
	flag.Parse()
	s, err := newServer(time.Second)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(gnet.Run(s, "tcp://"+*addr, gnet.WithMulticore(true), gnet.WithReuseAddr(true)))
}

// server is the gnet handler.
type server struct {
	gnet.BuiltinEventEngine
	fibers *gnetengine.Engine
	beat   time.Duration // between two numbers of a countdown
}

func newServer(beat time.Duration) (*server, error) {
	e, err := gnetengine.New(gnetengine.Config{})
	return &server{fibers: e, beat: beat}, err
}

// OnTraffic is the old protocol, with two ways out.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	if gnetengine.Attached(c) {
		return s.fibers.OnTraffic(c)
	}
	for {
		b, _ := c.Peek(-1)
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			if len(b) > 4096 {
				return gnet.Close // no line is as long as that
			}
			return gnet.None
		}
		line := strings.TrimSpace(string(b[:end]))
		c.Discard(end + 1)
		number, isSum := strings.CutPrefix(line, "sum ")
		switch {
		case isSum:
			if s.sum(c, number) != nil {
				return gnet.Close
			}
		case line == "countdown":
			// From here on the connection belongs to a fiber.
			return s.fibers.Attach(c, func(nc *netpoll.Conn) {
				nc.Loop().Go(func(f *fiber.Fiber) { s.countdown(f, nc.As(f)) })
			})
		default:
			c.Write([]byte(strings.ToUpper(line) + "\n"))
		}
	}
}

// sum starts a fiber that replies later; the connection stays with the callbacks.
func (s *server) sum(c gnet.Conn, number string) error {
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		_, err = c.Write([]byte("how many?\n"))
		return err
	}
	loop, err := s.fibers.Loop(c.EventLoop())
	if err != nil {
		return err
	}
	return loop.Go(func(f *fiber.Fiber) {
		sum := 0
		err := f.Block(func() {
			for i := range n {
				sum += i + 1
			}
		})
		if err == nil {
			c.AsyncWrite(fmt.Appendf(nil, "sum %d\n", sum), nil)
		}
	})
}

// countdown is what is hard in callbacks: it sleeps, asks, and waits with a deadline.
func (s *server) countdown(f *fiber.Fiber, v *netpoll.View) {
	defer v.Close()
	for i := 3; i > 0; i-- {
		if _, err := fmt.Fprintln(v, i); err != nil {
			return
		}
		if f.Sleep(s.beat) != nil {
			return
		}
	}
	fmt.Fprintln(v, "who are you?")
	v.SetReadDeadline(time.Now().Add(10 * s.beat))
	name, err := bufio.NewReader(v).ReadString('\n')
	if err != nil {
		fmt.Fprintln(v, "too late")
		return
	}
	fmt.Fprintf(v, "hello, %s\n", strings.TrimSpace(name))
}

// The other callbacks only tell the engine.

func (s *server) OnClose(c gnet.Conn, err error) gnet.Action { return s.fibers.OnClose(c, err) }

func (s *server) OnShutdown(gnet.Engine) {
	if err := s.fibers.OnShutdown(); err != nil {
		log.Print(err)
	}
}
