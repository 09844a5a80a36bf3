package fiber

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Wake-ups at every point at which a fiber can be. A wake-up that comes after the
// fiber has looked at its condition must end its next park, wherever the fiber is.

// asleep waits until the loop waits in its poller.
func asleep(l *Loop) {
	for !l.sleeping.Load() {
		runtime.Gosched()
	}
}

func TestReadyWhileQueuedByYield(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	do(t, rt, func(f *Fiber) {
		f.Go(func(g *Fiber) { g.Enter(); f.Ready(); g.Leave() })
		f.Yield() // the wake-up comes now
		f.Enter()
		if err := f.Park(0); err != nil {
			t.Error(err)
		}
		f.Leave()
	})
}

// Unpark comes while the fiber is in Block, in the same inbox as its return, or while
// it is queued to return; and, for comparison, before and after.
func TestUnparkAroundBlock(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	l := rt.Loops()[0]
	for _, when := range []string{"in Block", "with the return", "after the return was posted"} {
		t.Run(when, func(t *testing.T) {
			hold, held := make(chan struct{}), make(chan struct{})
			inBlock := make(chan *Fiber)
			goOn := make(chan struct{})
			done := make(chan struct{})
			rt.Go(func(f *Fiber) {
				f.Block(func() { inBlock <- f; <-goOn })
				f.Enter()
				f.Park(0)
				f.Leave()
				close(done)
			})
			f := <-inBlock
			returned := func() {
				close(goOn)
				for f.posted.Load()&postRejoin == 0 {
					runtime.Gosched()
				}
			}
			switch when {
			case "in Block":
				f.Unpark()
				asleep(l)
				close(goOn)
			case "with the return":
				l.Post(func() { close(held); <-hold })
				<-held
				f.Unpark()
				returned()
				close(hold)
			case "after the return was posted":
				l.Post(func() { close(held); <-hold })
				<-held
				returned()
				// Taken from the inbox just before the wake-up is.
				l.Post(func() {})
				close(hold)
				f.Unpark()
			}
			<-done
		})
	}
}

// A fiber stolen from looks at its condition beside the loop, then parks.
func TestUnparkOfStray(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond})
	off, looked, done := make(chan *Fiber), make(chan struct{}), make(chan struct{})
	rt.Go(func(f *Fiber) {
		off <- f
		<-looked // stalls: goes on beside the loop
		f.Enter()
		f.Park(0)
		f.Leave()
		close(done)
	})
	f := <-off
	for rt.Stats().Stalls == 0 {
		runtime.Gosched()
	}
	l := f.Loop()
	hold, held := make(chan struct{}), make(chan struct{})
	l.Post(func() { close(held); <-hold })
	<-held
	close(looked)
	for f.posted.Load()&postRejoin == 0 {
		runtime.Gosched()
	}
	f.Unpark() // both are in the inbox now
	close(hold)
	<-done
}

// restarter runs again and again on one loop while others unpark it.
type restarter struct {
	lives int
	over  chan struct{}
}

func (r *restarter) Resume(f *Fiber) Status { return Done }
func (r *restarter) Ended(f *Fiber, _ error) {
	if r.lives--; r.lives > 0 {
		f.Loop().Start(f, r)
		return
	}
	close(r.over)
}

func TestUnparkWhileRestarted(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	l := rt.Loops()[0]
	r := &restarter{lives: 20_000, over: make(chan struct{})}
	f := &Fiber{}
	l.Post(func() { l.Start(f, r) })
	var stop atomic.Bool
	var wg sync.WaitGroup
	started := make(chan struct{})
	l.Post(func() { close(started) })
	<-started // f has a loop
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				f.Unpark()
			}
		})
	}
	<-r.over
	f.Unpark()
	stop.Store(true)
	wg.Wait()
}

// A fiber posted for several reasons at once is in the inbox once.
func TestInboxReasonsTogether(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	l := rt.Loops()[0]
	var b inbox
	fibers := make([]*Fiber, 5)
	for i := range fibers {
		fibers[i] = &Fiber{loop: l}
		if !b.push(fibers[i]) {
			t.Fatal("push failed")
		}
	}
	if b.close() {
		t.Error("closed an inbox that is not empty")
	}
	for i, f := 0, b.take(); f != nil; i, f = i+1, f.inbox {
		if f != fibers[i] {
			t.Errorf("place %d: not the oldest first", i)
		}
	}
	if !b.empty() || !b.close() {
		t.Error("not empty after take")
	}
	if b.push(fibers[0]) {
		t.Error("push into a closed inbox")
	}

	// Start and Unpark in one round: the fiber runs once.
	hold, held := make(chan struct{}), make(chan struct{})
	l.Post(func() { close(held); <-hold })
	<-held
	ran := make(chan struct{}, 2)
	f := &Fiber{}
	f.init(l, plain(func(f *Fiber) { ran <- struct{}{} }))
	l.submit(f)
	f.Unpark()
	close(hold)
	<-ran
	l.Post(func() { ran <- struct{}{} })
	<-ran
	if len(ran) != 0 {
		t.Error("ran twice")
	}
}

// Unpark after the loop has ended does nothing.
func TestUnparkAfterEnd(t *testing.T) {
	var f *Fiber
	t.Run("run", func(t *testing.T) {
		rt := start(t, Config{Loops: 1})
		do(t, rt, func(g *Fiber) { f = g })
	})
	f.Unpark()
	f.Unpark()
	if f.posted.Load() != 0 || f.loop.Go(func(*Fiber) {}) != ErrClosed || f.loop.Post(func() {}) != ErrClosed {
		t.Error("an ended loop accepts work")
	}
}

// slowPoller makes Wake wait, so that a loop can end for another reason meanwhile.
type slowPoller struct {
	*sleeper
	inWake, goOn chan struct{}
	slow, closed atomic.Bool
	late         atomic.Bool
}

func (p *slowPoller) Wake() {
	if p.slow.CompareAndSwap(true, false) {
		close(p.inWake)
		<-p.goOn
	}
	if p.closed.Load() {
		p.late.Store(true)
	}
	p.sleeper.Wake()
}

func (p *slowPoller) Close() error { p.closed.Store(true); return nil }

// A poster still inside Wake keeps the poller from being closed: Close is its last
// call, or the wake-up would go to a descriptor that belongs to somebody else by then.
func TestPollerClosedAfterLastWake(t *testing.T) {
	p := &slowPoller{sleeper: newSleeper(), inWake: make(chan struct{}), goOn: make(chan struct{})}
	rt := start(t, Config{Loops: 1, NewPoller: func(*Loop) (Poller, error) { return p, nil }})
	l := rt.Loops()[0]
	asleep(l)
	p.slow.Store(true)
	posted := make(chan struct{})
	go func() { l.Post(func() {}); close(posted) }()
	<-p.inWake
	go rt.Close(t.Context())
	p.sleeper.Wake() // the loop wakes up by itself and ends
	for l.inbox.head.Load() != inboxClosed {
		runtime.Gosched()
	}
	for range 10_000 {
		runtime.Gosched() // it would close the poller now
	}
	close(p.goOn)
	<-posted
	<-l.Ended()
	if p.late.Load() {
		t.Error("Wake after Close")
	}
}
