package fiber

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The stress test runs thousands of fibers that do everything a fiber can do, in an
// order drawn from a seed, and accounts for each: its end is seen once, with the
// cause it had. Whoever parks has exactly one promised waker, so a lost wake-up
// hangs; a watchdog then dumps the loops and prints the seed. What the fibers do is
// in stress_acts_test.go.

var (
	seedFlag = flag.Uint64("seed", 0, "first seed of seeded tests (also HEDDLE_SEED)")
	longFlag = flag.Duration("long", 0, "how long TestStress goes on with new seeds (also HEDDLE_LONG)")
)

// firstSeed returns the seed that was asked for, or a new one.
func firstSeed(t *testing.T) (seed uint64, chosen bool) {
	seed = *seedFlag
	if s := os.Getenv("HEDDLE_SEED"); seed == 0 && s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("HEDDLE_SEED: %v", err)
		}
		seed = n
	}
	if seed != 0 {
		return seed, true
	}
	return uint64(time.Now().UnixNano()) % 1_000_000_000, false
}

func TestStress(t *testing.T) {
	long := *longFlag
	if s := os.Getenv("HEDDLE_LONG"); long == 0 && s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("HEDDLE_LONG: %v", err)
		}
		long = d
	}
	seed, chosen := firstSeed(t)
	for begun := time.Now(); ; {
		for _, procs := range []int{1, 2, 4} {
			for _, host := range []string{"", "guest", "locked"} {
				seed++
				if chosen {
					seed--
				}
				name := fmt.Sprintf("procs=%d,host=%s,seed=%d", procs, host, seed)
				if !t.Run(name, func(t *testing.T) { runStress(t, seed, procs, host) }) {
					t.Fatalf("replay with -seed %d -run '%s'", seed, "TestStress/procs="+strconv.Itoa(procs)+",host="+host+",")
				}
			}
		}
		if time.Since(begun) >= long {
			return
		}
		if chosen {
			seed++
		}
	}
}

// world is one run of the stress test.
type world struct {
	t     *testing.T
	rt    *Runtime
	loops []*Loop
	sites []*Site

	budget atomic.Int64 // fibers that may still be spawned
	live   sync.WaitGroup
	count  atomic.Int64 // of live
	ends   [4]atomic.Int64
	closed atomic.Bool

	mu       sync.Mutex
	promises []promise // under mu
	scopes   []*Scope  // under mu
	slow     sync.Mutex
	wakers   chan promise
}

// A promise is a wake-up that somebody owes.
type promise struct {
	f    *Fiber
	kept *atomic.Bool
}

func (p promise) keep() {
	p.kept.Store(true)
	p.f.Unpark()
}

func runStress(t *testing.T, seed uint64, procs int, host string) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	rnd := rand.New(rand.NewPCG(seed, 1))
	before := runtime.NumGoroutine()
	c := Config{
		Loops:      1 + rnd.IntN(3),
		StallAfter: time.Duration(1+rnd.IntN(2)) * time.Millisecond,
		BlockMax:   1 + rnd.IntN(4),
		HostLocked: host == "locked",
		Logger:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if rnd.IntN(2) == 0 {
		var mu sync.Mutex
		c.Pick = func(n int) int { mu.Lock(); defer mu.Unlock(); return rnd.IntN(n) }
	}
	rt, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rt: rt, wakers: make(chan promise, 1024)}
	for range 4 {
		w.sites = append(w.sites, NewSite("stress", runStress))
	}
	var hosts sync.WaitGroup
	if host != "" {
		for range 1 + seed%2 {
			wake := make(chan struct{}, 1)
			l, err := rt.Guest(func() {
				select {
				case wake <- struct{}{}:
				default:
				}
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			hosts.Go(func() { pump(l, wake, c.HostLocked) })
		}
	}
	rt.Start()
	w.loops = rt.Loops()

	var helpers sync.WaitGroup
	stop := make(chan struct{})
	for i := range 2 {
		helpers.Go(func() { w.wake(rand.New(rand.NewPCG(seed, 2+uint64(i)))) })
	}
	helpers.Go(func() { w.sweep(stop) })

	n := 3000
	if testing.Short() {
		n = 500
	}
	w.budget.Store(int64(n))
	roots := rand.New(rand.NewPCG(seed, 9))
	for range n / 8 {
		w.spawn(roots, nil)
	}
	// Sometimes everything is closed in the middle of it.
	early := roots.IntN(3) == 0
	done := make(chan struct{})
	go func() {
		if early {
			for w.ends[0].Load() < int64(n/4) && w.count.Load() > 0 {
				runtime.Gosched()
			}
			w.closed.Store(true)
			rt.Close(context.Background())
		}
		w.live.Wait()
		close(done)
	}()
	w.watch(done, seed)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := rt.Close(ctx); err != nil {
		w.dump(seed, err.Error())
	}
	close(stop)
	close(w.wakers)
	helpers.Wait()
	hosts.Wait()
	w.t.Logf("ends: %d plain, %d panic, %d goexit; %+v; early close %v", w.ends[0].Load(), w.ends[1].Load(), w.ends[2].Load(), rt.Stats(), early)
	drained(t, rt, before)
}

// pump is the host of a guest loop.
func pump(l *Loop, wake chan struct{}, locked bool) {
	if locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	for {
		select {
		case <-wake:
			l.Pump(nil)
		case <-l.ended:
			return
		}
	}
}

// wake keeps promises from a goroutine, sooner or later.
func (w *world) wake(rnd *rand.Rand) {
	for p := range w.wakers {
		for range rnd.IntN(20) {
			runtime.Gosched()
		}
		p.keep()
	}
}

// sweep keeps the promises that no fiber kept.
func (w *world) sweep(stop chan struct{}) {
	tick := time.NewTicker(300 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		w.mu.Lock()
		list := w.promises
		w.promises = nil
		if len(w.scopes) > 100 {
			w.scopes = nil
		}
		w.mu.Unlock()
		for _, p := range list {
			p.keep()
		}
	}
}

// watch waits for done and dumps everything if it does not come.
func (w *world) watch(done chan struct{}, seed uint64) {
	last := int64(-1)
	for {
		select {
		case <-done:
			return
		case <-time.After(20 * time.Second):
		}
		n := w.ends[0].Load() + w.ends[1].Load() + w.ends[2].Load()
		if n == last {
			w.dump(seed, "nothing ended for 20 s")
		}
		last = n
	}
}

// dump ends the test process with the state of all loops. It reads them without
// holding their batons, which hang.
func (w *world) dump(seed uint64, why string) {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s; %d fibers left\n", seed, why, w.count.Load())
	for _, l := range w.loops {
		fmt.Fprintf(&b, "loop %d: baton=%x sleeping=%v inbox=%v queue=%d live=%d off=%d blocking=%d blockQueue=%d cells=%d free=%d reliefs=%d dying=%d burial=%v surplus=%d timers=%d closing=%v guest=%v\n",
			l.index, l.baton.Load(), l.sleeping.Load(), !l.inbox.empty(), l.queue.n, len(l.fibers.entries), l.off, l.blocking, len(l.blockQueue),
			l.cells, len(l.free), l.idleReliefs, len(l.dying), l.burial != nil, l.trims.surplus, l.fibers.timed, l.closing.Load(), l.host != nil)
		for _, e := range l.fibers.entries {
			f := e.f
			j, _ := f.machine.(*job)
			doing := "a plain function"
			if j != nil && j.last.Load() != nil {
				doing = *j.last.Load()
			}
			fmt.Fprintf(&b, "  %p state=%d user=%v notified=%v expired=%v posted=%b deadline=%d off=%v: %s\n",
				f, f.state, f.user, f.notified, f.expired, f.posted.Load(), f.deadline, f.offStart, doing)
		}
	}
	buf := make([]byte, 1<<20)
	fmt.Fprintf(&b, "%s", buf[:runtime.Stack(buf, true)])
	fmt.Fprintln(os.Stderr, b.String())
	os.Exit(3)
}

// drained checks that a closed runtime has left nothing behind.
func drained(t testing.TB, rt *Runtime, goroutines int) {
	t.Helper()
	for _, l := range rt.Loops() {
		if len(l.fibers.entries) != 0 || l.cells != 0 || len(l.free) != 0 || l.off != 0 || l.blocking != 0 || len(l.blockQueue) != 0 || l.fibers.timed != 0 || len(l.dying) != 0 || l.queue.n != 0 {
			t.Errorf("loop %d ended with live=%d cells=%d free=%d off=%d blocking=%d waiting=%d timers=%d dying=%d queue=%d",
				l.index, len(l.fibers.entries), l.cells, len(l.free), l.off, l.blocking, len(l.blockQueue), l.fibers.timed, len(l.dying), l.queue.n)
		}
	}
	for range 2000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(time.Millisecond) // goroutines end after what they signal
	}
	buf := make([]byte, 1<<18)
	t.Errorf("%d goroutines left, %d before:\n%s", runtime.NumGoroutine(), goroutines, buf[:runtime.Stack(buf, true)])
}

// A job is one fiber of the stress test, perhaps restarted.
type job struct {
	w     *world
	fiber Fiber
	rnd   *rand.Rand
	site  *Site
	steps int   // of a machine; 0: one stretch of user code
	lives int   // how often Ended starts the fiber again
	want  error // how it will end, for errors.Is; nil
	ended atomic.Bool
	kept  *atomic.Bool // the machine waits for this promise
	last  atomic.Pointer[string]
}

var errStress = errors.New("stress panic")

// spawn starts a new job, from a fiber's user code or, with f nil, from outside.
func (w *world) spawn(rnd *rand.Rand, f *Fiber) {
	if w.budget.Add(-1) < 0 {
		return
	}
	j := &job{w: w, rnd: rand.New(rand.NewPCG(rnd.Uint64(), 5))}
	if rnd.IntN(4) == 0 {
		j.site = w.sites[rnd.IntN(len(w.sites))]
	}
	if rnd.IntN(4) == 0 {
		j.steps = 1 + rnd.IntN(6)
	}
	j.lives = rnd.IntN(3)
	w.live.Add(1)
	w.count.Add(1)
	if f != nil && rnd.IntN(2) == 0 {
		f.Enter()
		f.loop.Start(&j.fiber, j)
		f.Leave()
		return
	}
	l := w.loops[rnd.IntN(len(w.loops))]
	var err error
	if rnd.IntN(2) == 0 {
		err = l.Post(func() { l.Start(&j.fiber, j) })
	} else {
		j.fiber.init(l, j)
		err = l.submit(&j.fiber)
	}
	if err != nil {
		if !w.closed.Load() {
			w.t.Errorf("spawn: %v", err)
		}
		w.count.Add(-1)
		w.live.Done()
	}
}

// Ended accounts for the end of a life.
func (j *job) Ended(f *Fiber, cause error) {
	w := j.w
	if j.ended.Swap(true) {
		w.t.Errorf("ended twice: %v", cause)
		return
	}
	var p *PanicError
	switch {
	case j.want == nil && cause == nil:
		w.ends[0].Add(1)
	case j.want == errStress && errors.As(cause, &p) && p.Value == errStress && errors.Is(cause, errStress):
		w.ends[1].Add(1)
	case j.want == ErrGoexit && cause == ErrGoexit:
		w.ends[2].Add(1)
	default:
		w.t.Errorf("ended with %v, want %v", cause, j.want)
	}
	if j.lives > 0 {
		j.lives--
		j.want, j.kept = nil, nil
		j.ended.Store(false)
		f.loop.Start(f, j)
		return
	}
	w.count.Add(-1)
	w.live.Done()
}
