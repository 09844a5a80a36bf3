//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// Listeners: the addresses they open, refuse and take over, and what they say of each.

// reuse is a net.ListenConfig's Control that shares the port.
func reuse(_, _ string, c syscall.RawConn) error {
	var err error
	c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, reusePort, 1) })
	return err
}

func TestListenErrorsNameTheCulprit(t *testing.T) {
	rt := runLoops(t, 2)
	for _, c := range []struct{ network, address, says string }{
		{"tcpx", "127.0.0.1:0", "network tcpx"}, {"udp", "127.0.0.1:0", "network udp"}, {"unixgram", "x", "network unixgram"},
		{"tcp", "no port", "missing port"}, {"tcp", "127.0.0.1:99999", "invalid port"}, {"tcp4", "[::1]:0", "tcp4"},
		{"tcp", "192.0.2.1:0", "bind"}, {"unix", filepath.Join(t.TempDir(), "none", "sock"), "bind"},
	} {
		_, err := Listen(rt, c.network, c.address, ListenConfig{}, echoOn)
		var oe *OpError
		if !errors.As(err, &oe) || !strings.Contains(err.Error(), c.address) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Listen(%q, %q): %v, want %q", c.network, c.address, err, c.says)
		}
	}
	inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
		for _, c := range []struct{ network, address, says string }{
			{"tcp5", "127.0.0.1:1", "network tcp5"}, {"tcp", "no port", "missing port"},
			{"tcp", "127.0.0.1:99999", "invalid port"}, {"tcp6", "127.0.0.1:1", "tcp6"},
			{"tcp4", "[::1]:1", "tcp4"}, {"unix", "/no/such/socket", "no such file"},
		} {
			_, err := Dial(f, c.network, c.address)
			var oe *OpError
			if !errors.As(err, &oe) || !strings.Contains(err.Error(), c.address) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Dial(%q, %q): %v, want %q", c.network, c.address, err, c.says)
			}
		}
	})
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
	inFiber(t, rt.Loops()[0], func(f *fiber.Fiber) {
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
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after Close the file of the socket is still there: %v", err)
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
