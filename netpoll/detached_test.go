//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// Connections in the hands of goroutines: what net.Conn promises of concurrent calls,
// deadlines and Close, and what the loop does at their back.

// detachedPair returns a Detached on l and the standard library's end of its
// connection.
func detachedPair(t testing.TB, rt *fiber.Runtime) (*Detached, *net.TCPConn) {
	t.Helper()
	got := make(chan *Detached, 1)
	ln, err := Listen(rt, "tcp", "127.0.0.1:0", ListenConfig{}, func(c *Conn) { got <- c.Detached() })
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := <-got
	t.Cleanup(func() { d.Close(); nc.Close() })
	return d, nc.(*net.TCPConn)
}

// echoBack returns what nc receives until the test ends. (Without splice, whose pipes
// the standard library keeps.)
func echoBack(t testing.TB, nc *net.TCPConn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(struct{ io.Writer }{nc}, struct{ io.Reader }{nc})
		nc.CloseWrite()
	}()
	t.Cleanup(func() { nc.Close(); <-done })
}

func TestDetachedEcho(t *testing.T) {
	rt := runLoops(t, 2)
	d, nc := detachedPair(t, rt)
	if d.LocalAddr().String() != nc.RemoteAddr().String() || d.RemoteAddr().String() != nc.LocalAddr().String() {
		t.Errorf("addresses %v and %v", d.LocalAddr(), d.RemoteAddr())
	}
	echoBack(t, nc)
	// Concurrent writing and reading of more than any buffer holds.
	var writer sync.WaitGroup
	defer writer.Wait()
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	sent := sha256.Sum256(big)
	writer.Go(func() {
		for p := big; len(p) > 0; p = p[min(len(p), 100_000):] {
			if n, err := d.Write(p[:min(len(p), 100_000)]); err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
		}
		if err := d.CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, err := d.Write(big[:1]); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("write after CloseWrite: %v", err)
		}
	})
	h := sha256.New()
	n, err := io.Copy(h, struct{ io.Reader }{d})
	if n != int64(len(big)) || err != nil || [32]byte(h.Sum(nil)) != sent {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	if n, err := d.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestDetachedDeadlines(t *testing.T) {
	rt := runLoops(t, 1)
	d, nc := detachedPair(t, rt)
	b := make([]byte, 16)
	timedOut := func(err error) bool {
		var ne net.Error
		return errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &ne) && ne.Timeout()
	}
	d.SetReadDeadline(time.Now().Add(-time.Second))
	nc.Write([]byte("x"))
	if _, err := d.Read(b); !timedOut(err) {
		t.Errorf("deadline in the past: %v", err)
	}
	d.SetDeadline(time.Now().Add(time.Hour))
	if n, err := d.Read(b); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	d.SetReadDeadline(time.Now().Add(3 * time.Millisecond))
	if _, err := d.Read(b); !timedOut(err) {
		t.Errorf("got %v", err)
	}
	// A deadline set while a Read is blocked ends it, and one moved later keeps it.
	d.SetReadDeadline(time.Time{})
	got := make(chan error)
	go func() { _, err := d.Read(b); got <- err }()
	awaitOffer(t, d, &d.in)
	d.SetReadDeadline(time.Now().Add(time.Hour))
	d.SetReadDeadline(time.Now())
	if err := <-got; !timedOut(err) {
		t.Errorf("got %v", err)
	}
	// Nothing is lost to a Read that gave up.
	d.SetReadDeadline(time.Time{})
	nc.Write([]byte("yz"))
	if _, err := io.ReadFull(d, b[:2]); err != nil || string(b[:2]) != "yz" {
		t.Errorf("%q, %v", b[:2], err)
	}
	// A Write that nobody takes; what it reports is what arrives.
	p := make([]byte, 64<<20)
	d.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := d.Write(p)
	if !timedOut(err) || n == len(p) {
		t.Errorf("%d, %v", n, err)
	}
	d.SetWriteDeadline(time.Time{})
	d.Close()
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if m, err := io.Copy(io.Discard, nc); m != int64(n) || err != nil {
		t.Errorf("%d arrived of %d, %v", m, n, err)
	}
}

// await returns once cond, which is called under d.mu, holds. It asks again and again:
// what callers do not see is announced to nobody.
func await(t *testing.T, d *Detached, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		d.mu.Lock()
		ok := cond()
		d.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatal("what was waited for did not happen")
		}
	}
}

// awaitOffer returns once a call waits on x.
func awaitOffer(t *testing.T, d *Detached, x *exchange) {
	t.Helper()
	await(t, d, func() bool { return x.state == offerMade })
}

func TestDetachedClose(t *testing.T) {
	rt := runLoops(t, 1)
	d, nc := detachedPair(t, rt)
	got := make(chan error, 3)
	go func() { _, err := d.Read(make([]byte, 1)); got <- err }()
	go func() { _, err := d.Read(make([]byte, 1)); got <- err }() // waits for its turn
	go func() {
		p := make([]byte, 1<<20)
		for {
			if _, err := d.Write(p); err != nil {
				got <- err
				return
			}
		}
	}()
	awaitOffer(t, d, &d.in)
	awaitOffer(t, d, &d.out)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-got; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if err := d.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
	if err := d.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := d.CloseWrite(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	io.Copy(io.Discard, nc) // ends
}

// A peer that takes nothing does not keep a closed connection for ever.
func TestDetachedCloseLingers(t *testing.T) {
	rt := runLoops(t, 1)
	d, nc := detachedPair(t, rt)
	d.SetWriteDeadline(time.Now().Add(30 * time.Millisecond))
	// Owed bytes, which Close waits for.
	for {
		if _, err := d.Write(make([]byte, 10_000)); err != nil {
			break
		}
	}
	d.Close()
	await(t, d, func() bool { return d.err != nil }) // the machine has ended
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("still open")
	}
}

func TestDetachedPeer(t *testing.T) {
	rt := runLoops(t, 1)
	d, nc := detachedPair(t, rt)
	got := make(chan error, 1)
	go func() { _, err := d.Read(make([]byte, 1)); got <- err }()
	awaitOffer(t, d, &d.in)
	nc.SetLinger(0)
	nc.Close()
	err := <-got
	var op *OpError
	if err == io.EOF || !errors.As(err, &op) || op.Timeout() {
		t.Errorf("after a reset: %v", err)
	}
	if _, err := d.Write([]byte("x")); err == nil {
		t.Error("written after a reset")
	}
}

func TestDetachedRuntimeCloses(t *testing.T) {
	rt := runLoops(t, 1)
	d, _ := detachedPair(t, rt)
	idle, _ := detachedPair(t, rt)
	got := make(chan error, 1)
	go func() { _, err := d.Read(make([]byte, 1)); got <- err }()
	awaitOffer(t, d, &d.in)
	if err := rt.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, fiber.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := idle.Write([]byte("x")); !errors.Is(err, fiber.ErrClosed) {
		t.Errorf("got %v", err)
	}
	late := d.c.Detached()
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, fiber.ErrClosed) || late.LocalAddr() != nil {
		t.Errorf("got %v", err)
	}
}

// Everything at once, for the race detector.
func TestDetachedRace(t *testing.T) {
	rt := runLoops(t, 2)
	for range 20 {
		d, nc := detachedPair(t, rt)
		echoBack(t, nc)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 30 {
					if _, err := d.Write([]byte("hello")); err != nil {
						return
					}
				}
			})
			wg.Go(func() {
				b := make([]byte, 7)
				for range 20 {
					d.Read(b)
				}
			})
			wg.Go(func() {
				for i := range 30 {
					d.SetReadDeadline(time.Now().Add(time.Duration(i) * 100 * time.Microsecond))
				}
				d.SetReadDeadline(time.Now())
			})
		}
		wg.Wait()
		wg.Go(func() { d.Close() })
		wg.Go(func() { d.CloseWrite() })
		wg.Go(func() { d.Read(make([]byte, 1)) })
		wg.Wait()
	}
}

func BenchmarkDetachedEcho(b *testing.B) {
	rt := runLoops(b, 1)
	d, nc := detachedPair(b, rt)
	echoBack(b, nc)
	p := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		d.Write(p)
		if _, err := io.ReadFull(d, p); err != nil {
			b.Fatal(err)
		}
	}
}
