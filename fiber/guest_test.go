package fiber

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// host is a foreign reactor that does nothing but pump one guest loop.
type host struct {
	loop  *Loop
	wakes chan struct{}
	over  chan struct{}
	pumps atomic.Int64
}

// startHost adds a guest loop to rt. Its host lives until the loop has ended.
func startHost(t *testing.T, rt *Runtime) *host {
	t.Helper()
	h := &host{wakes: make(chan struct{}, 1), over: make(chan struct{})}
	l, err := rt.Guest(func() {
		select {
		case h.wakes <- struct{}{}:
		default:
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.loop = l
	go h.run()
	return h
}

func (h *host) run() {
	defer close(h.over)
	if h.loop.rt.hostLocked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	for {
		select {
		case <-h.wakes:
			h.pumps.Add(1)
			h.loop.Pump(nil)
		case <-h.loop.Ended():
			return
		}
	}
}

// startGuest returns a runtime with one pumped guest loop, closed at the end.
func startGuest(t *testing.T, c Config) (*Runtime, *host) {
	t.Helper()
	before := runtime.NumGoroutine()
	rt, err := NewGuest(c)
	if err != nil {
		t.Fatal(err)
	}
	h := startHost(t, rt)
	t.Cleanup(func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
		<-h.over
		h.loop.Pump(nil) // of an ended loop: nothing
		drained(t, rt, before)
	})
	return rt, h
}

func bothHosts(t *testing.T, fn func(t *testing.T, rt *Runtime, h *host)) {
	for _, locked := range []bool{false, true} {
		name := "unlocked"
		if locked {
			name = "locked"
		}
		t.Run(name, func(t *testing.T) {
			rt, h := startGuest(t, Config{HostLocked: locked})
			fn(t, rt, h)
		})
	}
}

// A timer may fire while the loop is being laid down; it must not be lost.
func TestGuestTimerWhileResting(t *testing.T) {
	bothHosts(t, func(t *testing.T, rt *Runtime, h *host) {
		for i := range 3000 {
			do(t, rt, func(f *Fiber) { f.Sleep(time.Duration(i%20) * 100 * time.Nanosecond) })
		}
	})
}

// Fibers that are always ready leave the host its turn: only it collects events.
func TestGuestBusyFibersLeaveTheHostItsTurn(t *testing.T) {
	bothHosts(t, func(t *testing.T, rt *Runtime, h *host) {
		do(t, rt, func(f *Fiber) {
			first := h.pumps.Load()
			for h.pumps.Load() < first+3 {
				f.Yield()
			}
		})
	})
}

// Guest before Start must not keep the other loops from running.
func TestGuestBeforeStart(t *testing.T) {
	before := runtime.NumGoroutine()
	rt, err := New(Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	h := startHost(t, rt)
	rt.Start()
	ran := make(chan int, 2)
	for i, l := range rt.Loops() {
		l.Go(func(*Fiber) { ran <- i })
	}
	<-ran
	<-ran
	if err := rt.Close(t.Context()); err != nil {
		t.Error(err)
	}
	<-h.over
	drained(t, rt, before)
	if _, err := rt.Guest(func() {}, nil); err != ErrClosed {
		t.Errorf("Guest after Close: %v", err)
	}
}

func TestPumpReportsEventsAndStalls(t *testing.T) {
	before := runtime.NumGoroutine()
	rt, err := NewGuest(Config{StallAfter: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	wakes := make(chan struct{}, 1)
	l, err := rt.Guest(func() {
		select {
		case wakes <- struct{}{}:
		default:
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var waiter *Fiber
	woken := false
	l.Go(func(f *Fiber) {
		f.Enter()
		waiter = f
		f.Park(0)
		woken = true
		f.Leave()
	})
	<-wakes
	l.Pump(nil)
	l.Pump(func() { waiter.Ready() })
	if !woken {
		t.Error("the pump returned before the fiber ran")
	}
	// A stalling handler does not keep the host.
	goOn := make(chan struct{})
	ended := make(chan struct{})
	l.Go(func(f *Fiber) { <-goOn; f.Yield(); close(ended) })
	l.Pump(nil)
	close(goOn)
	for {
		select {
		case <-wakes:
			l.Pump(nil)
			continue
		case <-ended:
		}
		break
	}
	go rt.Close(context.Background())
	for {
		select {
		case <-wakes:
			l.Pump(nil)
			continue
		case <-l.Ended():
		}
		break
	}
	<-rt.over
	drained(t, rt, before)
}
