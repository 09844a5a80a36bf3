package httpfw

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Whole servers on the simulated network, in simulated time, with everything drawn from
// a seed: the clients and what they send, the troubles of the network, the order in which
// fibers run. A model holds every reply against its request: it belongs to the request of
// that very connection, in order, once; or something happened to the connection that may
// cost it, and what came is a clean beginning. No handler runs twice for a request. In
// the end nothing is left.
//
// A seed that fails is printed; -seed N (or HEDDLE_SEED) runs that one alone, and -seeds N
// (HEDDLE_SEEDS) says how many.

var (
	simSeed  = flag.Uint64("seed", 0, "the only seed of TestSimulation (also HEDDLE_SEED)")
	simSeeds = flag.Int("seeds", 0, "how many seeds TestSimulation runs (also HEDDLE_SEEDS); 0: 300")
)

// simAddress is where the simulated server listens.
const simAddress = "server:80"

// A simulation is one run. All but done belongs to its one loop.
type simulation struct {
	seed     uint64
	tight    bool  // the default timeouts, which troubles of the network may exceed
	now      int64 // virtual clock
	woken    chan struct{}
	ran      map[string]int    // executions by request
	addrs    map[string]string // client by the address of its connection
	lock     fiber.Mutex
	locked   bool
	parents  int // handlers that wait for children
	problems []string
	answered int // whole replies that were compared
}

func (s *simulation) problem(format string, args ...any) {
	if len(s.problems) < 5 {
		s.problems = append(s.problems, fmt.Sprintf(format, args...))
	}
}

// Poll is the wait of the loop: time passes at once.
func (s *simulation) Poll(d time.Duration) {
	if d < 0 {
		<-s.woken
		return
	}
	s.now += int64(d)
}

func (s *simulation) Wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *simulation) Close() error { return nil }

// network draws the troubles of the network.
func (s *simulation) network(r *rand.Rand) netpoll.MemoryOptions {
	o := netpoll.MemoryOptions{
		Reorder:     r.IntN(4) > 0,
		ShortReads:  r.IntN(2) == 0,
		SplitWrites: r.IntN(2) == 0,
		BufferBytes: []int{300, 3000, 64 << 10}[r.IntN(3)],
		Poller:      func(*fiber.Loop) (fiber.Poller, error) { return s, nil },
	}
	if r.IntN(4) > 0 {
		o.DelayMin = time.Millisecond
		o.DelayMax = time.Duration(1+r.IntN(40)) * time.Millisecond
	}
	if r.IntN(2) == 0 {
		o.StallOneIn, o.StallMax = 1+r.IntN(50), time.Duration(r.IntN(3000))*time.Millisecond
	}
	return o
}

// simTime is how long a run may really take.
const simTime = time.Minute

// simulate runs the clients with one seed and returns what was wrong, and what each
// client got.
func simulate(seed uint64, clients func(s *simulation) []*simClient) (s *simulation, told string) {
	r := rand.New(rand.NewPCG(seed, 0))
	s = &simulation{seed: seed, now: 1, woken: make(chan struct{}, 1), ran: map[string]int{}, addrs: map[string]string{}}
	s.tight = r.IntN(4) == 0
	all := clients(s)
	failed := func(format string, args ...any) (*simulation, string) {
		s.problem(format, args...)
		return s, ""
	}
	options := s.network(r)
	options.Fault = func(n int) netpoll.MemoryFault { return s.dialed(all) }
	n := netpoll.NewMemoryNetwork(seed, options)
	config := fiber.Config{Loops: 1, NewPoller: n.NewEngine, StallAfter: -1,
		Clock: func() int64 { return s.now }, Logger: slog.New(slog.DiscardHandler)}
	if r.IntN(2) == 0 {
		config.Pick = func(n int) int { return r.IntN(n) }
	}
	rt, err := fiber.New(config)
	if err != nil {
		return failed("%v", err)
	}
	app := s.app()
	if r.IntN(3) == 0 {
		app.config.Listen.ConnsMax = 1 + r.IntN(3)
	}
	if r.IntN(2) == 0 {
		app.config.Listen.OwedBytesMax = 500 + r.IntN(5000)
	}
	srv, err := app.NewServer(rt)
	if err != nil {
		return failed("%v", err)
	}
	if _, err := srv.Listen("tcp", simAddress); err != nil {
		return failed("%v", err)
	}
	done := make(chan struct{})
	rt.Loops()[0].Go(func(f *fiber.Fiber) {
		g := fiber.NewGroup(f)
		for _, c := range all {
			g.Go(func(f *fiber.Fiber) error { c.run(f); return nil })
		}
		g.Wait(f)
		close(done)
	})
	late, cancel := context.WithTimeout(context.Background(), simTime)
	defer cancel()
	select {
	case <-done:
	case <-late.Done():
		return failed("nothing happens any more; these wait: %q", rt.Running())
	}
	s.finish(late, srv, all)
	return s, s.tell(all)
}

// dialed returns the fault of the connection that is being made: that of the client whose
// turn it is to dial.
func (s *simulation) dialed(all []*simClient) netpoll.MemoryFault {
	for _, c := range all {
		if c.dialing {
			c.dialing = false
			return c.fault
		}
	}
	return netpoll.MemoryFault{}
}

// finish ends the server and looks for what is left.
func (s *simulation) finish(ctx context.Context, srv *Server, all []*simClient) {
	if err := srv.Shutdown(ctx); err != nil {
		s.problem("%v", err)
		return
	}
	for _, name := range srv.rt.Running() {
		if !strings.Contains(name, "closeIdle") { // Shutdown need not wait for its own
			s.problem("left is %s", name)
		}
	}
	if err := srv.rt.Close(ctx); err != nil {
		s.problem("%v", err)
		return
	}
	if n := srv.open.Load(); n != 0 {
		s.problem("%d connections are left", n)
	}
	if s.parents != 0 {
		s.problem("%d handlers never got their children back", s.parents)
	}
	for _, sh := range srv.shards {
		seen := map[*Ctx]bool{}
		for _, x := range sh.spare {
			if seen[x] {
				s.problem("a Ctx was given back twice")
			}
			seen[x] = true
			if x.conn != nil || x.fiber != nil || len(x.reply.fields) > 0 || x.reply.buf != nil {
				s.problem("a Ctx was not emptied")
			}
		}
		if len(sh.held) > 0 {
			s.problem("replies are held for %d connections", len(sh.held))
		}
	}
	for _, c := range all {
		for i := range c.requests {
			if n := s.ran[c.requests[i].id]; n > 1 {
				s.problem("request %s was executed %d times", c.requests[i].id, n)
			}
		}
	}
}

// tell is what happened, in words that repeat if the run does.
func (s *simulation) tell(all []*simClient) string {
	var b strings.Builder
	for _, c := range all {
		s.answered += c.answered
		fmt.Fprintln(&b, c)
	}
	return b.String()
}

// drawn are the clients of a seed.
func drawn(s *simulation) []*simClient {
	var all []*simClient
	for i := range 2 + rand.New(rand.NewPCG(s.seed, 0)).IntN(9) {
		all = append(all, s.newClient(i))
	}
	return all
}

// checked mode makes every call of the framework several times as dear.
var checked = os.Getenv("HEDDLE_CHECKED") == "1"

// number reads a number from the environment if the flag has none.
func number(t *testing.T, flag uint64, name string) uint64 {
	if s := os.Getenv(name); flag == 0 && s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return flag
}

func TestSimulation(t *testing.T) {
	first, seeds := number(t, *simSeed, "HEDDLE_SEED"), number(t, uint64(*simSeeds), "HEDDLE_SEEDS")
	switch {
	case first != 0 && seeds == 0:
		seeds = 1
	case seeds == 0 && (testing.Short() || checked):
		seeds = 50
	case seeds == 0:
		seeds = 300
	}
	if first == 0 {
		first = uint64(time.Now().UnixNano())%1_000_000_000 + 1
	}
	before := runtime.NumGoroutine()
	var next, answered atomic.Uint64
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for {
					seed := first + next.Add(1) - 1
					if seed >= first+seeds || t.Failed() {
						return
					}
					s, told := simulate(seed, drawn)
					if len(s.problems) > 0 {
						t.Fatalf("seed %d: %s\n%sreplay with -run '^TestSimulation$' -seed %d", seed, strings.Join(s.problems, "\n"), told, seed)
					}
					answered.Add(uint64(s.answered))
				}
			})
		}
	})
	t.Logf("seeds %d to %d, %d whole replies", first, first+seeds-1, answered.Load())
	rest(t, before)
}

// rest waits until no more goroutines are left than there were.
func rest(t *testing.T, before int) {
	for until := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(until) {
			t.Fatalf("%d goroutines are left, before there were %d", runtime.NumGoroutine(), before)
		}
	}
}

func TestSimulationRepeats(t *testing.T) {
	for seed := range uint64(20) {
		_, told := simulate(seed, drawn)
		if _, again := simulate(seed, drawn); told != again {
			t.Fatalf("seed %d: first\n%s\nthen\n%s", seed, told, again)
		}
	}
}

// One conversation is cut at each of its bytes, in both directions, by a reset and by
// silence, beside another that must not notice.
func TestSimulationCutsEverywhere(t *testing.T) {
	kinds := []string{"plain", "echo", "stream"}
	conversation := func(fault netpoll.MemoryFault) func(s *simulation) []*simClient {
		return func(s *simulation) []*simClient {
			s.tight = false
			var all []*simClient
			for i := range 2 {
				c := &simClient{s: s, number: i, rand: rand.New(rand.NewPCG(1, uint64(i))), end: simHalfClose}
				for j, kind := range kinds {
					c.add(c.draw("keep", fmt.Sprintf("%d.%d", i, j), kind, 40, false))
				}
				all = append(all, c.ready())
			}
			all[1].fault = fault
			return all
		}
	}
	s, told := simulate(1, conversation(netpoll.MemoryFault{}))
	if len(s.problems) > 0 || s.answered != 2*len(kinds) {
		t.Fatalf("without a fault: %d replies, %q\n%s", s.answered, s.problems, told)
	}
	step := int64(1)
	if testing.Short() || checked {
		step = 7
	}
	for name, fault := range map[string]func(at int64) netpoll.MemoryFault{
		"ResetUp":    func(at int64) netpoll.MemoryFault { return netpoll.MemoryFault{ResetUp: at} },
		"ResetDown":  func(at int64) netpoll.MemoryFault { return netpoll.MemoryFault{ResetDown: at} },
		"VanishUp":   func(at int64) netpoll.MemoryFault { return netpoll.MemoryFault{VanishUp: at} },
		"VanishDown": func(at int64) netpoll.MemoryFault { return netpoll.MemoryFault{VanishDown: at} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unharmed := 0
			at := int64(0)
			for unharmed < 20 { // well behind the last byte, with any body that is drawn
				at += step
				s, told := simulate(uint64(at), conversation(fault(at)))
				if len(s.problems) > 0 {
					t.Fatalf("at byte %d: %s\n%s", at, strings.Join(s.problems, "\n"), told)
				}
				if unharmed++; s.answered < 2*len(kinds) {
					unharmed = 0
				}
			}
			t.Logf("%d places", at)
		})
	}
}
