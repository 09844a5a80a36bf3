//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// long bounds waits for what must happen; only a failing test waits so long.
const long = 20 * time.Second

// options are what a test starts a server with.
type options struct {
	Config
	gnet   gnet.Options
	unix   bool
	log    io.Writer
	noStop bool // the test stops it
}

// start starts a server that gives each connection a fiber, and checks in the end that
// nothing of it is left.
func start(t *testing.T, o options, fn func(f *fiber.Fiber, v *netpoll.View)) *Server {
	t.Helper()
	return startConns(t, o, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			v := c.As(f)
			defer v.Close()
			fn(f, v)
		})
	})
}

func startConns(t *testing.T, o options, accept func(c *netpoll.Conn)) *Server {
	t.Helper()
	if o.log == nil {
		o.log = io.Discard
	}
	o.Fiber.Logger = slog.New(slog.NewTextHandler(o.log, nil))
	if o.gnet.NumEventLoop == 0 {
		o.gnet.NumEventLoop = 1
	}
	network, address := "tcp", "127.0.0.1:0"
	if o.unix {
		dir, err := os.MkdirTemp("", "gnet")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		network, address = "unix", filepath.Join(dir, "s")
	}
	s, err := Start(network, address, o.Config, o.gnet, accept)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !o.noStop {
			stop(t, s)
		}
		noGoroutines(t)
	})
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// noGoroutines waits until no goroutine of Heddle's is left but tests.
func noGoroutines(t *testing.T) {
	t.Helper()
	buf := make([]byte, 4<<20)
	for end := time.Now().Add(long); ; runtime.Gosched() {
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "heddle-go/heddle/") && !strings.Contains(g, "testing.tRunner") && !strings.Contains(g, "testing.Main") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines left:\n%s", len(left), strings.Join(left, "\n\n"))
		}
	}
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(long))
	t.Cleanup(func() { c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text, want string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	hear(t, c, want)
}

func hear(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("got %q, %v; want %q", b[:n], err, want)
	}
}

func receive[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(long):
		t.Fatal("nothing came")
	}
	return v
}

func echo(_ *fiber.Fiber, v *netpoll.View) {
	io.Copy(struct{ io.Writer }{v}, struct{ io.Reader }{v})
}

func TestEcho(t *testing.T) {
	for _, o := range []options{
		{}, {unix: true},
		{gnet: gnet.Options{LockOSThread: true, NumEventLoop: 2}},
		{gnet: gnet.Options{EdgeTriggeredIO: true}},
		{gnet: gnet.Options{ReusePort: true, NumEventLoop: 2}},
	} {
		t.Run(fmt.Sprintf("unix=%v/lock=%v/et=%v/reuse=%v", o.unix, o.gnet.LockOSThread, o.gnet.EdgeTriggeredIO, o.gnet.ReusePort), func(t *testing.T) {
			s := start(t, o, echo)
			for range 3 {
				c := dial(t, s)
				for i := range 50 {
					text := strings.Repeat("x", 1+i*97)
					say(t, c, text, text)
				}
			}
		})
	}
}

func TestManyConnections(t *testing.T) {
	s := start(t, options{gnet: gnet.Options{NumEventLoop: 2}}, echo)
	var wg sync.WaitGroup
	for i := range 500 {
		c := dial(t, s)
		wg.Go(func() {
			defer c.Close()
			text := fmt.Sprintf("connection %d", i)
			b := make([]byte, len(text))
			for range 20 {
				io.WriteString(c, text)
				if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
					t.Errorf("got %q, %v", b, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(s.Engine().Runtime().Loops()); n != 2 {
		t.Errorf("%d loops, want 2", n)
	}
}

// A reader that does not read blocks the writer at the high-water mark; memory stays
// bounded; everything arrives once it reads. Close waits for what is owed.
func TestSlowReader(t *testing.T) {
	for _, unix := range []bool{false, true} {
		t.Run(fmt.Sprintf("unix=%v", unix), func(t *testing.T) { slowReader(t, unix) })
	}
}

func slowReader(t *testing.T, unix bool) {
	const total = 48 << 20
	var wrote atomic.Int64
	block := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	begun, done := make(chan *fiber.Loop, 1), make(chan error, 1)
	s := start(t, options{unix: unix}, func(f *fiber.Fiber, v *netpoll.View) {
		begun <- f.Loop()
		for wrote.Load() < total {
			n, err := v.Write(block)
			wrote.Add(int64(n))
			if err != nil {
				done <- err
				return
			}
		}
		done <- v.Close()
	})
	c := dial(t, s)
	l := receive(t, begun)
	// The writer is blocked when it makes no progress while the loop has time to spare.
	for last := int64(-1); wrote.Load() == 0 || wrote.Load() != last; {
		last = wrote.Load()
		idle := make(chan bool)
		l.Go(func(f *fiber.Fiber) { f.Sleep(30 * time.Millisecond); close(idle) })
		receive(t, idle)
	}
	if n := wrote.Load(); n > 24<<20 {
		t.Errorf("%d bytes were taken from the writer without a reader", n)
	}
	n, err := io.Copy(io.Discard, c)
	if err != nil || n != wrote.Load() || n < total {
		t.Errorf("received %d of %d: %v", n, wrote.Load(), err)
	}
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}

func TestBigEcho(t *testing.T) {
	s := start(t, options{Config: Config{InboundBytesMax: 64 << 20}}, echo)
	c := dial(t, s)
	data := make([]byte, 16<<20)
	for i := range data {
		data[i] = byte(i>>8 ^ i)
	}
	go c.Write(data)
	got := make([]byte, len(data))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, data) {
		t.Fatal("not the same bytes", err)
	}
}

// The peer ends its side first and gets the answer all the same: gnet closes its
// descriptor at EOF, the connection does not.
func TestHalfClose(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		all, err := io.ReadAll(struct{ io.Reader }{v})
		if err != nil {
			t.Error(err)
		}
		f.Sleep(5 * time.Millisecond) // gnet has closed the connection by now
		for range 64 {
			if _, err := v.Write(all); err != nil {
				t.Error(err)
				return
			}
		}
		v.CloseWrite()
	})
	c := dial(t, s).(*net.TCPConn)
	data := bytes.Repeat([]byte("half"), 32<<10)
	c.Write(data)
	c.CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, bytes.Repeat(data, 64)) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
}

func TestCloseWriteFirst(t *testing.T) {
	done := make(chan bool)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("bye"))
		v.CloseWrite()
		echoed, err := io.ReadAll(struct{ io.Reader }{v})
		if err != nil || string(echoed) != "still here" {
			t.Errorf("%q, %v", echoed, err)
		}
		close(done)
	})
	c := dial(t, s).(*net.TCPConn)
	if all, err := io.ReadAll(c); err != nil || string(all) != "bye" {
		t.Fatal(string(all), err)
	}
	io.WriteString(c, "still here")
	c.CloseWrite()
	receive(t, done)
}

func TestReset(t *testing.T) {
	errs := make(chan error, 2)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("go"))
		_, err := v.Read(make([]byte, 1))
		errs <- err
	})
	c := dial(t, s).(*net.TCPConn)
	hear(t, c, "go")
	c.SetLinger(0)
	c.Close()
	if err := receive(t, errs); err == nil || err == io.EOF {
		t.Errorf("reset: %v", err)
	}
}

// A blocked writer learns that its peer has gone.
func TestResetWhileBlocked(t *testing.T) {
	errs := make(chan error, 1)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		var err error
		for b := make([]byte, 1<<20); err == nil; {
			_, err = v.Write(b)
		}
		errs <- err
	})
	c := dial(t, s).(*net.TCPConn)
	hear(t, c, "\x00")
	c.SetLinger(0)
	c.Close()
	receive(t, errs)
}

func TestAbort(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Read(make([]byte, 1))
		v.Abort()
	})
	c := dial(t, s)
	io.WriteString(c, "x")
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("got %v, want a reset", err)
	}
}

func TestInboundLimit(t *testing.T) {
	seen := make(chan error, 1)
	s := startConns(t, options{Config: Config{InboundBytesMax: 100 << 10}}, func(c *netpoll.Conn) {
		c.SetHooks(goneHook{seen})
	})
	c := dial(t, s)
	var err error
	for b := make([]byte, 64<<10); err == nil; {
		_, err = c.Write(b)
	}
	if err := receive(t, seen); !errors.Is(err, ErrInboundFull) {
		t.Errorf("cause %v", err)
	}
}

type goneHook struct{ seen chan error }

func (h goneHook) Sealed([]byte)    {}
func (h goneHook) Gone(cause error) { h.seen <- cause }

func TestTimers(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := v.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		v.SetReadDeadline(time.Time{})
		before := time.Now()
		for range 3 {
			f.Sleep(5 * time.Millisecond)
		}
		if d := time.Since(before); d < 15*time.Millisecond {
			t.Errorf("slept %v", d)
		}
		v.Write([]byte("awake"))
		echo(f, v)
	})
	c := dial(t, s)
	hear(t, c, "awake")
	say(t, c, "a", "a")
}

func TestWriteDeadline(t *testing.T) {
	errs := make(chan error, 1)
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		var err error
		for b := make([]byte, 1<<20); err == nil; {
			_, err = v.Write(b)
		}
		errs <- err
	})
	dial(t, s)
	if err := receive(t, errs); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// Block, and code that blocks without saying so, hold up nobody else on the loop.
func TestBlockAndStall(t *testing.T) {
	release := make(chan bool)
	s := start(t, options{Config: Config{Fiber: fiber.Config{StallAfter: 5 * time.Millisecond}}},
		func(f *fiber.Fiber, v *netpoll.View) {
			kind := make([]byte, 1)
			v.Read(kind)
			switch kind[0] {
			case 'b':
				f.Block(func() { <-release })
				v.Write([]byte("B"))
			case 's':
				b, _ := v.Receive()
				<-release
				// What was lent is still there: the loop has left it its buffer.
				if string(b) != "tall" {
					t.Errorf("borrowed bytes are %q now", b)
				}
				v.Write([]byte("S"))
			default:
				v.Write(kind)
				echo(f, v)
			}
		})
	free := sync.OnceFunc(func() { close(release) })
	defer free() // before the server stops, whatever fails
	blocked, stalled := dial(t, s), dial(t, s)
	io.WriteString(blocked, "block")
	io.WriteString(stalled, "stall")
	for range 5 {
		c := dial(t, s)
		for range 20 {
			say(t, c, "hello", "hello")
		}
	}
	free()
	hear(t, blocked, "B")
	hear(t, stalled, "S")
	if st := s.Engine().Runtime().Stats(); st.Stalls == 0 {
		t.Error("no stall was seen")
	}
}

// Fibers that are always ready do not keep gnet from its events.
func TestBusyLoopHearsEvents(t *testing.T) {
	var over atomic.Bool
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		b := make([]byte, 1)
		v.Read(b)
		if b[0] == 'b' {
			v.Write(b)
			for !over.Load() {
				f.Yield()
			}
			return
		}
		v.Write(b)
		echo(f, v)
	})
	defer over.Store(true)
	busy := dial(t, s)
	say(t, busy, "b", "b")
	for range 3 {
		c := dial(t, s)
		for range 10 {
			say(t, c, "hello", "hello")
		}
	}
}

func TestPanic(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		b := make([]byte, 1)
		v.Read(b)
		if b[0] == 'p' {
			panic("on purpose")
		}
		v.Write(b)
	})
	bad, good := dial(t, s), dial(t, s)
	io.WriteString(bad, "p")
	if n, err := bad.Read(make([]byte, 1)); err == nil {
		t.Error("read", n)
	}
	say(t, good, "g", "g")
	if n := s.Engine().Runtime().Stats().Panics; n != 1 {
		t.Errorf("%d panics", n)
	}
}

// Fibers of two event loops wake each other, as does a goroutine outside.
func TestAcrossLoops(t *testing.T) {
	ping, pong := fiber.NewChan[int](0), fiber.NewChan[int](0)
	s := start(t, options{gnet: gnet.Options{NumEventLoop: 2}}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		echo(f, v)
	})
	for range 2 { // round robin: one connection each
		hear(t, dial(t, s), "in")
	}
	loops := s.Engine().Runtime().Loops()
	if len(loops) != 2 {
		t.Fatalf("%d loops", len(loops))
	}
	sum := make(chan int, 1)
	loops[0].Go(func(f *fiber.Fiber) {
		for i := range 1000 {
			ping.Send(f, i)
			pong.Recv(f)
		}
	})
	loops[1].Go(func(f *fiber.Fiber) {
		n := 0
		for range 1000 {
			i, _ := ping.Recv(f)
			n += i
			pong.Send(f, n)
		}
		sum <- n
	})
	if n := receive(t, sum); n != 499500 {
		t.Error(n)
	}
}

// Stop cancels parked fibers, which still end in order.
func TestStopParked(t *testing.T) {
	ended := make(chan error, 32)
	s := start(t, options{noStop: true, gnet: gnet.Options{NumEventLoop: 2}}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		err := f.Sleep(time.Hour)
		v.Write([]byte("out"))
		ended <- err
	})
	var conns []net.Conn
	for range 32 {
		c := dial(t, s)
		hear(t, c, "in")
		conns = append(conns, c)
	}
	stop(t, s)
	for _, c := range conns {
		if err := receive(t, ended); err != fiber.ErrClosed {
			t.Error(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "out" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

// A fiber that outlives gnet goes on, sees its connection closed, and ends.
func TestOutliveGnet(t *testing.T) {
	blocked, release := make(chan bool), make(chan bool)
	errs := make(chan error, 1)
	s := start(t, options{noStop: true}, func(f *fiber.Fiber, v *netpoll.View) {
		f.Block(func() { close(blocked); <-release })
		f.Yield()
		_, err := v.Write([]byte("out"))
		errs <- err
	})
	dial(t, s)
	<-blocked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var left *fiber.CloseError
	if err := s.Stop(ctx); !errors.As(err, &left) {
		t.Errorf("Stop: %v", err)
	}
	<-s.Done()
	close(release)
	if err := receive(t, errs); err == nil {
		t.Error("wrote to a connection that gnet has closed")
	}
	stop(t, s)
}

// The application stops gnet itself: OnShutdown ends the fibers.
func TestGnetStops(t *testing.T) {
	s := start(t, options{noStop: true}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		f.Sleep(time.Hour)
		v.Write([]byte("out"))
	})
	c := dial(t, s)
	hear(t, c, "in")
	s.gnet.Stop(context.Background())
	hear(t, c, "out")
	<-s.Done()
}

// The engine closes and gnet goes on: its connections are closed, new ones refused.
func TestEngineCloses(t *testing.T) {
	s := start(t, options{}, func(f *fiber.Fiber, v *netpoll.View) {
		v.Write([]byte("in"))
		echo(f, v)
	})
	c := dial(t, s)
	hear(t, c, "in")
	if err := s.Engine().Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{c, dial(t, s)} {
		if b, err := io.ReadAll(c); len(b) > 0 {
			t.Errorf("%q, %v", b, err)
		}
	}
}

func TestStartErrors(t *testing.T) {
	for _, a := range [][2]string{{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1"}, {"unix", "/tmp/Upper"}, {"tcp", "192.0.2.1:1"}} {
		if s, err := Start(a[0], a[1], Config{Fiber: fiber.Config{Logger: slog.New(slog.DiscardHandler)}}, gnet.Options{}, nil); err == nil {
			t.Errorf("%v: started at %v", a, s.Addr())
		}
	}
	noGoroutines(t)
}
