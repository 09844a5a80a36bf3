// Command gnet is the rival panjf2000/gnet/v2, bare: the least HTTP that a
// server on it can speak, as the mark of what a callback reactor costs. It finds the end of
// each head, looks at nothing but the target and "Connection: close", and
// answers all the requests of one OnTraffic with one Write.
//
// /block sleeps in the callback, which stops the loop: that is the cost shown
// by the scenario stall. There is no /wait: a reactor has no straight-line wait.
package main

import (
	"bytes"
	"errors"
	"flag"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
	"golang.org/x/sys/unix"

	"github.com/heddle-go/heddle/bench/servers/command"
)

func main() {
	reuse := flag.Bool("reuseport", true, "let the loop accept by itself (gnet's ReusePort)")
	addr := command.Parse()
	s := &server{}
	s.refresh()
	go func() {
		for range time.Tick(time.Second) {
			s.refresh()
		}
	}()
	command.Fail(gnet.Run(s, "tcp4://"+addr,
		gnet.WithNumEventLoop(1),
		gnet.WithReusePort(*reuse),
		gnet.WithLogLevel(logging.ErrorLevel)))
}

// server is the handler of the one loop.
type server struct {
	gnet.BuiltinEventEngine
	reply atomic.Pointer[[]byte] // whole response; replaced once a second for its Date
	out   []byte                 // replies of one OnTraffic; loop only
}

func (s *server) refresh() {
	reply := []byte("HTTP/1.1 200 OK\r\nServer: gnet\r\nContent-Type: text/plain\r\nDate: " +
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") +
		"\r\nContent-Length: 13\r\n\r\n" + command.Body)
	s.reply.Store(&reply)
}

// OnBoot finds the port that the kernel chose: gnet only lends a duplicate of its listener.
func (s *server) OnBoot(engine gnet.Engine) gnet.Action {
	fd, err := engine.Dup()
	if err != nil {
		command.Fail(err)
	}
	defer unix.Close(fd)
	name, err := unix.Getsockname(fd)
	if err != nil {
		command.Fail(err)
	}
	v4, ok := name.(*unix.SockaddrInet4)
	if !ok {
		command.Fail(errors.New("gnet listens on something other than IPv4"))
	}
	command.Listening(&net.TCPAddr{IP: v4.Addr[:], Port: v4.Port})
	return gnet.None
}

var (
	headEnd   = []byte("\r\n\r\n")
	closeLine = []byte("\r\nConnection: close\r\n")
)

// OnTraffic answers every whole head that has arrived and leaves the rest.
func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	in, err := c.Peek(-1)
	if err != nil {
		return gnet.Close
	}
	reply := *s.reply.Load()
	out, used, action := s.out[:0], 0, gnet.None
	for action == gnet.None {
		n := bytes.Index(in[used:], headEnd)
		if n < 0 {
			break
		}
		head := in[used : used+n+2]
		used += n + len(headEnd)
		if target := target(head); target != "/" {
			block(target)
		}
		if bytes.Contains(head, closeLine) {
			action = gnet.Close
		}
		out = append(out, reply...)
	}
	s.out = out
	c.Discard(used)
	if len(out) > 0 {
		c.Write(out)
	}
	return action
}

// target returns what stands between the first two spaces, without copying for "/".
func target(head []byte) string {
	if bytes.HasPrefix(head, []byte("GET / ")) {
		return "/"
	}
	_, rest, _ := bytes.Cut(head, []byte(" "))
	name, _, _ := bytes.Cut(rest, []byte(" "))
	return string(name)
}

func block(target string) {
	if query, found := strings.CutPrefix(target, "/block?"); found {
		time.Sleep(command.Milliseconds(query))
	}
}
