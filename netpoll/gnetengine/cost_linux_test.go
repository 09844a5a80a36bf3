package gnetengine

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// BenchmarkHello measures the CPU time a server process spends on a request that gets
// a fixed reply, on 100 keep-alive connections over one event loop: in gnet callbacks,
// in a machine as guest, and in straight-line fibers as guests. The server is this test
// binary run again; its cost is read from /proc/PID/task/*/schedstat.
func BenchmarkHello(b *testing.B) {
	for _, kind := range []string{"bare", "machine", "machine-timers", "fiber"} {
		b.Run(kind, func(b *testing.B) { benchmarkHello(b, kind) })
	}
}

const (
	helloEnv     = "GNETENGINE_HELLO"
	helloRequest = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
	helloReply   = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
)

var (
	helloEnd   = []byte("\r\n\r\n")
	helloBytes = []byte(helloReply)
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(helloEnv); kind != "" {
		if err := helloServer(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func benchmarkHello(b *testing.B, kind string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helloEnv+"="+kind, "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { stdin.Close(); cmd.Wait() }()
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	const conns = 100
	var clients []net.Conn
	for range conns {
		c, err := net.Dial("tcp", strings.TrimSpace(addr))
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		clients = append(clients, c)
	}
	run := func(n int) {
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() {
				reply := make([]byte, len(helloReply))
				for range n {
					io.WriteString(c, helloRequest)
					if _, err := io.ReadFull(c, reply); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	run(20)
	each := b.N/conns + 1
	before := cpuTime(b, cmd.Process.Pid)
	b.ResetTimer()
	run(each)
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b, cmd.Process.Pid)-before)/float64(each*conns), "server-ns/req")
}

// cpuTime returns the nanoseconds that a process has run.
func cpuTime(b *testing.B, pid int) (sum int64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		var ns int64
		fmt.Sscan(string(text), &ns)
		sum += ns
	}
	if sum == 0 {
		b.Fatal("no schedstat")
	}
	return sum
}

// helloServer serves until its standard input ends.
func helloServer(kind string) error {
	o := gnet.Options{NumEventLoop: 1}
	var accept func(c *netpoll.Conn)
	switch kind {
	case "bare":
		o.Logger = quiet{}
		h := &bareHello{booted: make(chan string, 1)}
		go gnet.Run(h, "tcp://127.0.0.1:0", gnet.WithOptions(o))
		fmt.Println(<-h.booted)
		io.Copy(io.Discard, os.Stdin)
		return nil
	case "machine", "machine-timers":
		accept = func(c *netpoll.Conn) {
			m := &helloMachine{conn: c, timers: kind == "machine-timers"}
			c.SetReader(&m.fiber)
			c.Loop().Start(&m.fiber, m)
		}
	case "fiber":
		accept = func(c *netpoll.Conn) {
			c.Loop().Go(func(f *fiber.Fiber) {
				v := c.As(f)
				defer v.Close()
				for {
					p, err := v.Receive()
					if err != nil {
						return
					}
					if bytes.HasSuffix(p, helloEnd) {
						v.Consume(len(p))
						v.Write(helloBytes)
					}
				}
			})
		}
	}
	s, err := Start("tcp", "127.0.0.1:0", Config{}, o, accept)
	if err != nil {
		return err
	}
	fmt.Println(s.Addr())
	io.Copy(io.Discard, os.Stdin)
	return s.Stop(context.Background())
}

type bareHello struct {
	gnet.BuiltinEventEngine
	booted chan string
}

func (h *bareHello) OnBoot(eng gnet.Engine) gnet.Action {
	a, err := boundAddr(eng)
	if err != nil {
		panic(err)
	}
	h.booted <- a.String()
	return gnet.None
}

func (h *bareHello) OnTraffic(c gnet.Conn) gnet.Action {
	p, _ := c.Peek(-1)
	if bytes.HasSuffix(p, helloEnd) {
		c.Discard(len(p))
		c.Write(helloBytes)
	}
	return gnet.None
}

type helloMachine struct {
	fiber  fiber.Fiber
	conn   *netpoll.Conn
	timers bool
}

func (m *helloMachine) Resume(f *fiber.Fiber) fiber.Status {
	for {
		p, err := m.conn.Receive()
		if err == netpoll.ErrWouldBlock {
			if m.timers { // as a server has: idle time, renewed with each request
				f.SetDeadline(f.Loop().Now() + 60e9)
			}
			return fiber.Waiting
		}
		if err != nil {
			m.conn.Close()
			return fiber.Done
		}
		if bytes.HasSuffix(p, helloEnd) {
			m.conn.Consume(len(p))
			m.conn.Send(helloBytes)
		}
	}
}
