//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// What the operating system does to an engine, beside the cases of netpolltest.

// counted is an engine that counts its waits.
type counted struct {
	*systemEngine
	polls *atomic.Int64
}

func (c counted) Poll(d time.Duration) {
	c.polls.Add(1)
	c.systemEngine.Poll(d)
}

// echoOn accepts connections that send back what they get.
func echoOn(c *Conn) {
	c.Loop().Go(func(f *fiber.Fiber) {
		v := c.As(f)
		io.Copy(struct{ io.Writer }{v}, struct{ io.Reader }{v})
		v.Close()
	})
}

// listenEcho starts an echo server.
func listenEcho(t testing.TB, loops int, network, address string, c ListenConfig) *Listener {
	t.Helper()
	ln, err := Listen(runLoops(t, loops), network, address, c, echoOn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// pingOn sends a message over a new connection and wants it back.
func pingOn(t testing.TB, a net.Addr) {
	t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	pingConn(t, c)
}

func pingConn(t testing.TB, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	got := make([]byte, 5)
	io.WriteString(c, "hello")
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestListenErrorsNameTheCulprit(t *testing.T) {
	rt := runLoops(t, 2)
	for _, c := range []struct{ network, address string }{
		{"tcpx", "127.0.0.1:0"}, {"udp", "127.0.0.1:0"}, {"unixgram", "x"},
		{"tcp", "no port"}, {"tcp", "127.0.0.1:99999"}, {"tcp4", "[::1]:0"}, {"tcp", "192.0.2.1:0"},
		{"unix", filepath.Join(t.TempDir(), "none", "sock")},
	} {
		_, err := Listen(rt, c.network, c.address, ListenConfig{}, echoOn)
		var oe *OpError
		culprit := strings.TrimSuffix(strings.TrimPrefix(c.address, "[::1]"), ":0")
		if !errors.As(err, &oe) || !strings.Contains(err.Error(), culprit) && !strings.Contains(err.Error(), c.network) {
			t.Errorf("Listen(%q, %q): %v", c.network, c.address, err)
		}
	}
	done := make(chan struct{})
	rt.Go(func(f *fiber.Fiber) {
		defer close(done)
		for _, c := range []struct{ network, address string }{
			{"tcp5", "127.0.0.1:1"}, {"tcp", "no port"}, {"tcp", "127.0.0.1:99999"}, {"tcp6", "127.0.0.1:1"},
			{"tcp4", "[::1]:1"}, {"unix", "/no/such/socket"},
		} {
			_, err := Dial(f, c.network, c.address)
			var oe *OpError
			if !errors.As(err, &oe) || !strings.Contains(err.Error(), c.address) && !strings.Contains(err.Error(), c.network) {
				t.Errorf("Dial(%q, %q): %v", c.network, c.address, err)
			}
		}
	})
	<-done
}

// A stranger with SO_REUSEPORT must not get a share of the connections, nor we one of
// the stranger's.
func TestReusedPortIsInUse(t *testing.T) {
	lc := net.ListenConfig{Control: reuse}
	stranger, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	ln, err := Listen(runLoops(t, 2), "tcp", stranger.Addr().String(), ListenConfig{}, echoOn)
	if !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), stranger.Addr().String()) {
		t.Errorf("Listen: %v, %v", ln, err)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	rt := runLoops(t, 3)
	ln, err := Listen(rt, "unix", path, ListenConfig{}, echoOn)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		pingOn(t, ln.Addr())
	}
	if _, err := Listen(rt, "unix", path, ListenConfig{}, echoOn); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second Listen returned %v", err)
	}
	pingOn(t, ln.Addr()) // the file is still there
	done := make(chan struct{})
	rt.Go(func(f *fiber.Fiber) {
		defer close(done)
		v, err := Dial(f, "unix", path)
		if err != nil {
			t.Error(err)
			return
		}
		pingConn(t, v)
		if v.RemoteAddr().String() != path {
			t.Errorf("RemoteAddr is %q", v.RemoteAddr())
		}
		v.Close()
	})
	<-done
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after Close the file of the socket is still there: %v", err)
	}
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

func TestExistingListener(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "s")
		}
		theirs, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		var delayed atomic.Int32
		rt := runLoops(t, 2)
		ln, err := Listen(rt, "", "", ListenConfig{Existing: theirs}, func(c *Conn) {
			if on, err := unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, unix.TCP_NODELAY); network == "tcp" && (err != nil || on == 0) {
				delayed.Add(1)
			}
			echoOn(c)
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			pingOn(t, ln.Addr())
		}
		if delayed.Load() > 0 {
			t.Error("connections are delayed by Nagle's algorithm")
		}
		ln.Close()
		if _, err := os.Stat(address); network == "unix" && err != nil {
			t.Errorf("the file of somebody else's socket is gone: %v", err)
		}
		theirs.Close()
	}
}

func TestPeerAddressAndOptions(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		got := make(chan [2]string, 1)
		ln, err := Listen(runLoops(t, 2), "tcp", address, ListenConfig{}, func(c *Conn) {
			nodelay, _ := unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, unix.TCP_NODELAY)
			alive, _ := unix.GetsockoptInt(c.FD(), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
			if nodelay == 0 || alive == 0 {
				t.Errorf("TCP_NODELAY %d, SO_KEEPALIVE %d", nodelay, alive)
			}
			got <- [2]string{c.LocalAddr().String(), c.RemoteAddr().String()}
			c.Close()
			if c.LocalAddr() != nil {
				t.Errorf("a closed connection has the local address %v", c.LocalAddr())
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if g := <-got; g[0] != c.RemoteAddr().String() || g[1] != c.LocalAddr().String() {
			t.Errorf("addresses %v, want %v and %v", g, c.RemoteAddr(), c.LocalAddr())
		}
		c.Close()
		ln.Close()
	}
}

// Signals interrupt system calls at any moment; nothing may fail or get lost.
func TestSignals(t *testing.T) {
	ln := listenEcho(t, 2, "tcp", "127.0.0.1:0", ListenConfig{})
	over := make(chan struct{})
	var wg, senders sync.WaitGroup
	senders.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				unix.Kill(os.Getpid(), unix.SIGURG) // which the Go runtime expects
				runtime.Gosched()
			}
		}
	})
	for range 4 {
		wg.Go(func() {
			for range 50 {
				pingOn(t, ln.Addr())
			}
		})
	}
	wg.Wait()
	close(over)
	senders.Wait()
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

// A dial that gets no answer ends with its scope and leaves nothing behind.
func TestDialTimeout(t *testing.T) {
	// A listener that accepts nothing and whose backlog is full does not answer.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, _ := unix.Getsockname(fd)
	address := netAddr(sa).String()
	rt := runLoops(t, 1)
	done := make(chan struct{})
	rt.Go(func(f *fiber.Fiber) {
		defer close(done)
		var open []*View
		for range 10 {
			v, err := Dialer{Timeout: 50 * time.Millisecond}.Dial(f, "tcp", address)
			if err == nil {
				open = append(open, v) // it found room in the backlog
				continue
			}
			var ne net.Error
			if !errors.As(err, &ne) || !ne.Timeout() || !strings.Contains(err.Error(), address) {
				t.Errorf("Dial returned %v", err)
			}
			break
		}
		if len(open) == 10 {
			t.Skip("this kernel answers for a full backlog")
		}
		for _, v := range open {
			v.Close()
		}
	})
	<-done
}

// A peer that reads nothing once made the kernel keep megabytes for it.
func TestKernelKeepsLittleForAMutePeer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("TCP_NOTSENT_LOWAT")
	}
	taken := make(chan int, 1)
	ln, err := Listen(runLoops(t, 1), "tcp", "127.0.0.1:0", ListenConfig{}, func(c *Conn) {
		n, err := c.TrySend(make([]byte, 16<<20))
		if err != ErrWouldBlock {
			n = -1
		}
		taken <- n
	})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := <-taken; n < 0 || n > 1<<20 {
		t.Errorf("%d bytes of 16 MiB were taken", n)
	}
}
