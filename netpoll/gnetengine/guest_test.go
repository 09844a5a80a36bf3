//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/panjf2000/gnet/v2"
)

// Loops that are guests of gnet's event loops: timers, blocking, panics and wake-ups work
// as on a loop of its own, and gnet hears its events all the while.

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
	ended(t, bad)
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
