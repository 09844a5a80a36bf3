//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// What the operating system does to connections, beside the cases of netpolltest: their
// addresses and options, signals, a dial nobody answers, what the kernel keeps. Listeners
// and acceptors have files of their own.

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
	var open []*View
	inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
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
		for _, v := range open {
			v.Close()
		}
	})
	if len(open) == 10 {
		t.Skip("this kernel answers for a full backlog")
	}
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
