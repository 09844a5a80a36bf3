package fiber

import (
	"bytes"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
func silent() *slog.Logger           { return logTo(io.Discard) }

// logged is a log that tests can read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// stalls waits for the first line about a stall, which is written after the loop got
// its baton back, and counts such lines.
func (l *logged) stalls() int {
	for l.lines("stalls its loop") == 0 {
		runtime.Gosched()
	}
	return l.lines("stalls its loop")
}

func (l *logged) lines(sub string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, sub) {
			n++
		}
	}
	return n
}

// served is a machine that runs one handler under a site, as a connection does.
type served struct {
	site *Site
	fn   func(f *Fiber)
	done chan struct{}
}

func (s *served) Resume(f *Fiber) Status {
	f.BeginUser(s.site)
	s.fn(f)
	f.EndUser()
	return Done
}
func (s *served) Ended(*Fiber, error) { close(s.done) }

func serve(l *Loop, site *Site, fn func(f *Fiber)) *served {
	s := &served{site: site, fn: fn, done: make(chan struct{})}
	f := &Fiber{}
	f.init(l, s)
	l.submit(f)
	return s
}

// manual is a clock that stands still until a test moves it.
type manual struct{ now atomic.Int64 }

func (m *manual) read() int64             { return m.now.Load() + 1 }
func (m *manual) advance(d time.Duration) { m.now.Add(int64(d)) }

// A handler that blocks costs the others one stall; from then on the same handler
// starts beside the loop, and is tried again after a time that doubles.
func TestStalledHandlerStartsOff(t *testing.T) {
	var clock manual
	log := &logged{}
	rt := start(t, Config{Loops: 1, StallAfter: 2 * time.Millisecond, Clock: clock.read, Logger: logTo(log)})
	l := rt.Loops()[0]
	site := NewSite("GET /slow", TestStalledHandlerStartsOff)
	// blocks runs the handler until the loop got its baton back without its help,
	// and reports how many stalls that took.
	blocks := func() uint64 {
		before := rt.Stats().Stalls
		goOn := make(chan struct{})
		s := serve(l, site, func(f *Fiber) { <-goOn; f.Yield() })
		other := make(chan struct{})
		l.Go(func(f *Fiber) { close(other) })
		<-other
		close(goOn)
		<-s.done
		return rt.Stats().Stalls - before
	}
	expect := func(when string, want uint64) {
		t.Helper()
		if n := blocks(); n != want {
			t.Errorf("%s: %d stalls, want %d", when, n, want)
		}
	}
	expect("first call", 1)
	for range 5 {
		expect("afterwards", 0)
	}
	// The loop's clock is what it read in its last turn: let it read it.
	clock.advance(time.Duration(siteBackoffMin) + 1)
	do(t, rt, func(f *Fiber) { f.Yield() })
	expect("retry", 1)
	expect("after the retry", 0)
	clock.advance(time.Duration(siteBackoffMin) + 1)
	do(t, rt, func(f *Fiber) { f.Yield() })
	expect("the second retry comes later", 0)
	clock.advance(time.Duration(siteBackoffMin) + 1)
	do(t, rt, func(f *Fiber) { f.Yield() })
	expect("second retry", 1)
	if site.Stalls() != 3 {
		t.Errorf("the site counts %d stalls", site.Stalls())
	}
	if n := log.stalls(); n != 1 {
		t.Errorf("%d log lines, want 1", n)
	}
	if log.lines("GET /slow") != 1 || log.lines("TestStalledHandlerStartsOff") != 1 {
		t.Error("the log does not name the handler")
	}
	if s := site.backoff.Load(); s != 4*siteBackoffMin {
		t.Errorf("backoff %v", time.Duration(s))
	}
}

func TestPlainFunctionStartsOff(t *testing.T) {
	log := &logged{}
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond, Logger: logTo(log)})
	for range 5 {
		goOn, done := make(chan struct{}), make(chan struct{})
		rt.Go(func(f *Fiber) { <-goOn; f.Yield(); close(done) })
		do(t, rt, func(f *Fiber) {})
		close(goOn)
		<-done
	}
	if s := rt.Stats().Stalls; s != 1 || log.stalls() != 1 {
		t.Errorf("%d stalls, %d lines", s, log.stalls())
	}
}

// A fiber that lives long, as one for a TCP connection does, costs its loop one stall:
// from its next framework call on its code runs beside the loop.
func TestStallInALongLife(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: 20 * time.Millisecond})
	do(t, rt, func(f *Fiber) {
		for rt.Stats().Stalls == 0 {
			time.Sleep(30 * time.Millisecond) // blocks without a word
		}
		for range 5 {
			f.Yield()
			if f.Loop().baton.Load()&userBit != 0 && f.Loop().baton.Load() == f.word {
				t.Error("a fiber that has stalled goes on on the baton")
			}
			time.Sleep(30 * time.Millisecond)
		}
	})
	if n := rt.Stats().Stalls; n != 1 {
		t.Errorf("%d stalls, want 1", n)
	}
}

// A machine without a site has no place where its stalls are remembered, but is
// still logged only once.
func TestStallWithoutSiteIsLoggedOnce(t *testing.T) {
	log := &logged{}
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond, Logger: logTo(log)})
	for range 3 {
		goOn := make(chan struct{})
		s := serve(rt.Loops()[0], nil, func(f *Fiber) { <-goOn })
		do(t, rt, func(f *Fiber) {})
		close(goOn)
		<-s.done
	}
	if s := rt.Stats().Stalls; s != 3 || log.stalls() != 1 {
		t.Errorf("%d stalls, %d lines", s, log.stalls())
	}
}

// The others wait about StallAfter, not for as long as the handler blocks.
func TestStallIsBounded(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: 5 * time.Millisecond, Logger: silent()})
	s := serve(rt.Loops()[0], NewSite("", silent), func(f *Fiber) { time.Sleep(2 * time.Second) })
	begun := time.Now()
	do(t, rt, func(f *Fiber) {})
	if d := time.Since(begun); d > time.Second {
		t.Errorf("waited %v", d)
	}
	<-s.done
}

// A fiber that makes framework calls without ever waiting yields at one of them.
func TestOverstay(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond, Logger: silent()})
	// A busy machine may keep the thread from the loop for that long: a stall.
	for before, tries := uint64(0), 0; ; tries++ {
		do(t, rt, func(f *Fiber) {
			var other atomic.Bool
			f.Go(func(*Fiber) { other.Store(true) })
			for !other.Load() {
				f.Enter()
				f.Leave()
			}
		})
		n := rt.Stats().Stalls
		if n == before {
			return
		}
		if before = n; tries == 20 {
			t.Fatal("always counted as a stall")
		}
	}
}

// A handler known to stall needs a place in Block only while it runs beside the
// loop: not while it waits in a park, and not a second one to call Block.
func TestStalledHandlerAndBlockMax(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond, BlockMax: 1, Logger: silent()})
	l := rt.Loops()[0]
	site := NewSite("", silent)
	site.stalledAt(l.Clock())
	var waiters []*served
	for range 3 {
		waiters = append(waiters, serve(l, site, func(f *Fiber) {
			f.Block(func() {})
			f.Sleep(time.Hour)
		}))
	}
	for range 3 {
		s := serve(l, site, func(f *Fiber) {
			if err := f.Block(func() {}); err != nil {
				t.Error(err)
			}
			f.Sleep(time.Microsecond)
		})
		<-s.done
	}
	if err := rt.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, s := range waiters {
		<-s.done
	}
}

// Places in Block are given in the order of arrival, also to those who come when
// one has just become free.
func TestBlockIsFair(t *testing.T) {
	rt := start(t, Config{Loops: 1, BlockMax: 1})
	hold, in := make(chan struct{}), make(chan struct{})
	rt.Go(func(f *Fiber) {
		f.Block(func() { close(in); <-hold })
		for range 100 { // always first in line again
			f.Block(func() {})
		}
	})
	<-in
	var order []int
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Add(1)
		do(t, rt, func(f *Fiber) {
			f.Go(func(f *Fiber) {
				defer wg.Done()
				f.Block(func() { order = append(order, i) })
			})
		})
	}
	close(hold)
	wg.Wait()
	for i, n := range order {
		if i != n {
			t.Fatalf("order %v", order)
		}
	}
}

// A waiter for Block that is canceled leaves the line.
func TestBlockCanceledWhileWaiting(t *testing.T) {
	rt := start(t, Config{Loops: 1, BlockMax: 1})
	hold, in := make(chan struct{}), make(chan struct{})
	rt.Go(func(f *Fiber) { f.Block(func() { close(in); <-hold }) })
	<-in
	do(t, rt, func(f *Fiber) {
		err := f.WithTimeout(time.Millisecond, func() error {
			return f.Block(func() { t.Error("ran") })
		})
		if err == nil {
			t.Error("no error")
		}
		if n := len(f.loop.blockQueue); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
	close(hold)
	do(t, rt, func(f *Fiber) { f.Block(func() {}) })
}

// While every loop idles the monitor does nothing.
func TestMonitorRests(t *testing.T) {
	rt := start(t, Config{Loops: 2, StallAfter: time.Millisecond})
	for range 20 {
		for !rt.resting.Load() {
			runtime.Gosched()
		}
		do(t, rt, func(f *Fiber) { f.Sleep(time.Microsecond) })
	}
	// and still sees a stall afterwards
	for !rt.resting.Load() {
		runtime.Gosched()
	}
	goOn := make(chan struct{})
	rt.Loops()[0].Go(func(f *Fiber) { <-goOn })
	rt.Loops()[0].Go(func(f *Fiber) { close(goOn) })
	<-goOn
}
