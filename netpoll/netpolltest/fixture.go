package netpolltest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// What cases are made of: servers, peers and handlers that end with their case, waits
// that are bounded, and a stream of bytes that shows where it was cut.

// patience is how long anything may take before a case fails instead of hanging.
const patience = 30 * time.Second

// serve starts a server for a case.
func serve(t *testing.T, h Harness, loops int, c netpoll.ListenConfig, accept func(*netpoll.Conn)) *Server {
	t.Helper()
	s := h.Serve(t, loops, c, accept)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *Server) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// handle starts a server whose connections are each handled by fn in a fiber.
func handle(t *testing.T, h Harness, loops int, c netpoll.ListenConfig, fn func(f *fiber.Fiber, v *netpoll.View)) *Server {
	t.Helper()
	return serve(t, h, loops, c, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			defer func() {
				if v := recover(); v != nil { // the loop would only log it
					t.Errorf("the handler panicked: %v", v)
				}
			}()
			fn(f, c.As(f))
		})
	})
}

// connect dials a server.
func connect(t *testing.T, s *Server) Peer {
	t.Helper()
	p, err := s.Dial()
	if err != nil {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { p.Close() })
	return p
}

// one starts a server with one loop, connects to it once and handles that connection
// by fn. wait returns when fn has returned.
func one(t *testing.T, h Harness, c netpoll.ListenConfig, fn func(f *fiber.Fiber, v *netpoll.View)) (p Peer, wait func()) {
	t.Helper()
	done := make(chan struct{})
	s := handle(t, h, 1, c, func(f *fiber.Fiber, v *netpoll.View) {
		defer close(done)
		fn(f, v)
		v.Close()
	})
	return connect(t, s), func() { t.Helper(); await(t, done, "the handler") }
}

// await waits for a channel to be closed.
func await(t testing.TB, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("%s did not finish", what)
	}
}

// inLoop calls fn in loop mode, for a fiber.
func inLoop(f *fiber.Fiber, fn func()) {
	f.Enter()
	fn()
	f.Leave()
}

// until yields until cond, which is called in loop mode, holds.
func until(f *fiber.Fiber, cond func() bool) error {
	limit := time.Now().Add(patience)
	for {
		ok := false
		inLoop(f, func() { ok = cond() })
		switch {
		case ok:
			return nil
		case time.Now().After(limit):
			return fmt.Errorf("what was waited for did not happen")
		}
		if err := f.Sleep(100 * time.Microsecond); err != nil {
			return err
		}
	}
}

// together runs functions at once and waits for all.
func together(fns ...func()) {
	var wg sync.WaitGroup
	for _, fn := range fns {
		wg.Go(fn)
	}
	wg.Wait()
}

// echoAll sends back what comes, until the end.
func echoAll(f *fiber.Fiber, v *netpoll.View) {
	defer v.Close()
	for {
		b, err := v.Receive()
		if err != nil {
			return
		}
		n := len(b)
		if _, err := v.Write(b); err != nil {
			return
		}
		v.Consume(n)
	}
}

// ping has the server echo a message.
func ping(p Peer, msg string) error {
	if _, err := io.WriteString(p, msg); err != nil {
		return err
	}
	got := make([]byte, len(msg))
	if _, err := io.ReadFull(p, got); err != nil {
		return err
	}
	if string(got) != msg {
		return &mismatch{string(got), msg}
	}
	return nil
}

type mismatch struct{ got, want string }

func (m *mismatch) Error() string { return "got " + m.got + ", want " + m.want }

// receiveAll receives until so many bytes are buffered.
func receiveAll(v *netpoll.View, n int) (b []byte, err error) {
	for len(b) < n && err == nil {
		b, err = v.Receive()
	}
	return b, err
}

// recorder keeps what Hooks say. Holder only.
type recorder struct {
	fresh []byte
	moved int
	ends  int
	fails int
	cause error
	gone  func() // may be nil
}

func (r *recorder) Sealed(fresh []byte) { r.fresh, r.moved = fresh, r.moved+1 }

func (r *recorder) Gone(cause error) {
	if cause == io.EOF {
		r.ends++
	} else {
		r.fails++
		r.cause = cause
	}
	if r.gone != nil {
		r.gone()
	}
}

// pattern returns byte number i of the test stream.
func pattern(i int) byte { return byte(i*31 ^ i>>8 ^ i>>17) }

// stream returns size bytes of the test stream from offset off.
func stream(off, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = pattern(off + i)
	}
	return p
}

// verify reads size bytes of the test stream in reads of at most piece bytes.
func verify(r io.Reader, size, piece int) error {
	buf := make([]byte, piece)
	for off := 0; off < size; {
		n, err := r.Read(buf[:min(piece, size-off)])
		for i, b := range buf[:n] {
			if b != pattern(off+i) {
				return fmt.Errorf("byte %d of %d is %#x, want %#x", off+i, size, b, pattern(off+i))
			}
		}
		off += n
		if err != nil && off < size {
			return fmt.Errorf("after %d of %d bytes: %w", off, size, err)
		}
	}
	return nil
}

// verifyEnd verifies that the stream ends.
func verifyEnd(r io.Reader) error {
	n, err := r.Read(make([]byte, 1))
	if n != 0 || err != io.EOF {
		return fmt.Errorf("a read returned %d, %v, want 0, EOF", n, err)
	}
	return nil
}

// fail reports an error of a fiber or goroutine, if there is one, and says so.
func fail(t testing.TB, err error) bool {
	if err != nil {
		t.Helper()
		t.Error(err)
	}
	return err != nil
}
