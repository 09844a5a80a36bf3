package fiber

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a Runtime works. The zero value is meant to be used.
type Config struct {
	// Loops is the number of loops, each led by one goroutine at a time.
	// Default: GOMAXPROCS.
	Loops int
	// StallAfter is how long user code may keep a loop from its other fibers
	// before the monitor moves it beside the loop. Default 10 ms; negative: never.
	StallAfter time.Duration
	// BlockMax bounds the fibers of one loop that are in Block, or in a handler
	// known to stall, at a time; more wait for their turn. Default 1024.
	BlockMax int
	// Logger gets panics and stalls. Default: slog.Default().
	Logger *slog.Logger
	// Checked makes every framework call verify that it is made by the code that
	// runs the fiber it names, and panic if not. It costs about a microsecond a
	// call. And lenders (Loop.OnPark) take back at every wait what is lent until a
	// wait. It is also switched on by HEDDLE_CHECKED=1 in the environment.
	Checked bool

	// NewPoller makes the poller of each loop. Default: loops that only run
	// fibers, without sockets.
	NewPoller func(l *Loop) (Poller, error)
	// Clock replaces the monotonic clock (nanoseconds, any origin, starts at no
	// less than 1). For simulations.
	Clock func() int64
	// Pick chooses which of n ready fibers of a loop runs next, 0 being the oldest.
	// It is called on the baton, with 1 also before the loop looks at what fibers that run
	// beside it have posted. For simulations. Default: always 0.
	Pick func(n int) int
	// HostLocked says that the goroutines that pump guest loops are locked to their
	// threads (runtime.LockOSThread).
	HostLocked bool
}

// A Runtime is a set of loops and the monitor that watches them.
type Runtime struct {
	loops      []*Loop
	log        *slog.Logger
	checked    bool
	hostLocked bool
	blockMax   int
	stallAfter time.Duration
	clock      func() int64
	virtual    func() int64 // Config.Clock
	pick       func(n int) int
	seats      sync.Pool // of *cell, see takeSeat
	nextLoop   atomic.Uint32

	sites   sync.Map // entry PC of a function -> *Site, for functions that stalled
	users   sync.Map // *Fiber -> number of the goroutine that runs its user code; checked mode only
	stalled atomic.Bool
	stalls  atomic.Uint64
	panics  atomic.Uint64

	mu      sync.Mutex
	started bool // the loops run; under mu
	watched bool // the monitor runs; under mu
	closed  bool // under mu

	resting atomic.Bool   // the monitor waits for rouse
	rouse   chan struct{} // capacity 1
	over    chan struct{} // closed when every loop has ended
}

// New makes a runtime. Nothing runs before Start or Run. It fails if the
// configuration makes no sense or a poller cannot be made.
func New(c Config) (*Runtime, error) {
	if c.Loops < 0 {
		return nil, fmt.Errorf("fiber: Config.Loops is %d, want at least 1", c.Loops)
	}
	if c.Loops == 0 {
		c.Loops = runtime.GOMAXPROCS(0)
	}
	return newRuntime(c, c.Loops)
}

// NewGuest makes a runtime without loops of its own, for guest loops only.
func NewGuest(c Config) (*Runtime, error) { return newRuntime(c, 0) }

func newRuntime(c Config, loops int) (*Runtime, error) {
	rt := &Runtime{
		log:        c.Logger,
		checked:    c.Checked || os.Getenv("HEDDLE_CHECKED") == "1",
		hostLocked: c.HostLocked,
		blockMax:   c.BlockMax,
		stallAfter: c.StallAfter,
		clock:      c.Clock,
		virtual:    c.Clock,
		pick:       c.Pick,
		rouse:      make(chan struct{}, 1),
		over:       make(chan struct{}),
	}
	if rt.log == nil {
		rt.log = slog.Default()
	}
	if rt.blockMax <= 0 {
		rt.blockMax = 1024
	}
	if rt.stallAfter == 0 {
		rt.stallAfter = 10 * time.Millisecond
	}
	if rt.clock == nil {
		rt.clock = uptime()
	}
	if c.NewPoller == nil {
		c.NewPoller = func(*Loop) (Poller, error) { return newSleeper(), nil }
	}
	for range loops {
		l := rt.newLoop()
		p, err := c.NewPoller(l)
		if err != nil {
			for _, made := range rt.loops {
				made.poller.Close()
			}
			return nil, fmt.Errorf("fiber: poller of loop %d: %w", l.index, err)
		}
		l.poller = p
		rt.loops = append(rt.loops, l)
	}
	return rt, nil
}

// uptime returns a clock that starts now. It belongs to a runtime and not to the
// process, because time inside a synctest bubble has an origin of its own.
func uptime() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) + 1 }
}

// after returns the time d from now on the loops' clock, at most the end of time.
func (rt *Runtime) after(d time.Duration) int64 {
	now := rt.clock()
	if at := now + int64(d); at > now || d <= 0 {
		return at
	}
	return math.MaxInt64
}

func (rt *Runtime) newLoop() *Loop {
	return &Loop{
		rt:      rt,
		pick:    rt.pick,
		index:   len(rt.loops),
		now:     rt.clock(),
		seq:     dispatchUnit,
		ended:   make(chan struct{}),
		reliefs: make(chan struct{}, 1),
	}
}

// Guest adds a loop that a foreign reactor drives through Pump. wake must make the
// host's goroutine call Pump soon; any goroutine calls it. p stands in for the
// loop's poller and may be nil; only its Close is called. It fails with ErrClosed
// after Close.
func (rt *Runtime) Guest(wake func(), p Poller) (*Loop, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return nil, ErrClosed
	}
	l := rt.newLoop()
	l.host, l.poller = wake, p
	l.baton.Store(batonIdle)
	l.sleeping.Store(true)
	// The monitor and Close read the list without the lock.
	rt.loops = append(rt.loops[:len(rt.loops):len(rt.loops)], l)
	rt.watchLoops()
	return l, nil
}

// Checked reports whether checked mode is on. Any goroutine may call it.
func (rt *Runtime) Checked() bool { return rt.checked }

// Loops returns the loops. Any goroutine may call it.
func (rt *Runtime) Loops() []*Loop {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.loops
}

// Index returns the loop's place in Runtime.Loops.
func (l *Loop) Index() int { return l.index }

// Go starts fn in a fiber on one of the loops, in turn. Any goroutine may call it.
func (rt *Runtime) Go(fn func(f *Fiber)) error {
	loops := rt.Loops()
	if len(loops) == 0 {
		return errors.New("fiber: the runtime has no loops yet")
	}
	return loops[int(rt.nextLoop.Add(1))%len(loops)].Go(fn)
}

// Start makes the loops run, each on a goroutine of its own, and returns at once.
// A second call does nothing.
func (rt *Runtime) Start() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.start()
}

// start starts the loops that have no host. Under mu.
func (rt *Runtime) start() {
	if rt.started {
		return
	}
	rt.started = true
	for _, l := range rt.loops {
		if l.host == nil {
			go l.lead(nil)
		}
	}
	rt.watchLoops()
}

// watchLoops starts the monitor. Under mu.
func (rt *Runtime) watchLoops() {
	if !rt.watched && rt.stallAfter > 0 {
		rt.watched = true
		go rt.monitor()
	}
}

// Run is Start, and returns when the runtime has been closed.
func (rt *Runtime) Run() {
	rt.Start()
	<-rt.over
}

// Close cancels every fiber with ErrClosed, waits until all have ended, and ends
// all goroutines of the runtime. If ctx ends first it returns a *CloseError that
// names the fibers still running; they go on, and the loops end when they do.
// Any goroutine may call it, but not a fiber of this runtime outside Block.
func (rt *Runtime) Close(ctx context.Context) error {
	rt.mu.Lock()
	first := !rt.closed
	rt.closed = true
	rt.start() // even now: fibers that were promised to run do, and see ErrClosed
	loops := rt.loops
	rt.mu.Unlock()
	if first {
		for _, l := range loops {
			l.closing.Store(true)
			l.Post(l.readyAll)
		}
		go func() {
			for _, l := range loops {
				<-l.ended
			}
			close(rt.over)
			rt.watch()
		}()
	}
	select {
	case <-rt.over:
		return nil
	case <-ctx.Done():
		return &CloseError{Running: rt.Running(), Cause: context.Cause(ctx)}
	}
}

// readyAll makes every fiber look at why it waits. Holder only.
func (l *Loop) readyAll() {
	for _, e := range l.fibers.entries {
		e.f.Ready()
	}
}

// Running returns the names of all fibers that have not ended, sorted, each with
// its count. It asks every loop and waits for the answers, but not for a loop that
// does not answer within a second. Not for fibers outside Block.
func (rt *Runtime) Running() []string {
	counts := map[string]int{}
	for _, l := range rt.Loops() {
		names := make(chan []string, 1)
		if l.Post(func() { names <- l.names() }) != nil {
			continue
		}
		select {
		case list := <-names:
			for _, n := range list {
				counts[n]++
			}
		case <-l.ended:
		case <-time.After(time.Second):
			counts[fmt.Sprintf("loop %d does not answer", l.index)]++
		}
	}
	out := make([]string, 0, len(counts))
	for n, c := range counts {
		if c > 1 {
			n = fmt.Sprintf("%s x%d", n, c)
		}
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// names lists the live fibers but for the one that asks. Holder only.
func (l *Loop) names() []string {
	var list []string
	for _, e := range l.fibers.entries {
		if e.f != l.current {
			list = append(list, e.f.Name())
		}
	}
	return list
}

// Stats are counters since the runtime was made.
type Stats struct {
	Stalls uint64 // times the monitor took a loop away from user code
	Panics uint64 // fibers that ended by a panic
}

// Stats returns the counters. Any goroutine may call it.
func (rt *Runtime) Stats() Stats {
	return Stats{Stalls: rt.stalls.Load(), Panics: rt.panics.Load()}
}
