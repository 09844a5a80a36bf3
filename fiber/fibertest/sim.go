// Package fibertest runs fibers in simulated time, in an order drawn from a seed.
//
// A simulation is one loop inside a testing/synctest bubble. Time stands still while
// anything runs and jumps to the next timer when everything waits, also for code in
// Block, for contexts and for goroutines that the test starts. Which of the ready
// fibers runs next is a matter of chance; the chance comes from the seed, and nothing
// else does: before each choice the simulation waits until all goroutines beside the
// loop have come to rest. So a seed that failed fails again.
//
// If every fiber and goroutine waits and no timer is left, the simulation fails with
// the names of the fibers that wait.
package fibertest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

var seedFlag = flag.Uint64("fibertest.seed", 0, "the only seed of simulations (also HEDDLE_SEED); 0: new ones")

// A Sim is one simulation.
type Sim struct {
	t     *testing.T
	seed  uint64
	rand  *rand.Rand // the loop only
	begun time.Time
	stuck chan time.Duration // since when nothing can happen any more; capacity 1
}

// Run runs fn as a simulation with one seed, in a subtest named by it. The seed is
// new each time, or the one that is asked for by -fibertest.seed or HEDDLE_SEED.
func Run(t *testing.T, fn func(t *testing.T, sim *Sim)) {
	t.Helper()
	Seeds(t, 1, fn)
}

// Seeds is Run with n seeds, or with only the one that is asked for. It stops at the
// first that fails and says how to replay it.
func Seeds(t *testing.T, n int, fn func(t *testing.T, sim *Sim)) {
	t.Helper()
	seed, chosen := firstSeed(t)
	if chosen {
		n = 1
	}
	for range n {
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fn(t, newSim(t, seed)) })
		})
		if !ok {
			t.Fatalf("replay with HEDDLE_SEED=%d go test -run '^%s$'", seed, t.Name())
		}
		seed++
	}
}

func firstSeed(t *testing.T) (seed uint64, chosen bool) {
	t.Helper()
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
	return uint64(time.Now().UnixNano())%1_000_000_000 + 1, false
}

func newSim(t *testing.T, seed uint64) *Sim {
	return &Sim{
		t:     t,
		seed:  seed,
		rand:  rand.New(rand.NewPCG(seed, 0)),
		begun: time.Now(),
		stuck: make(chan time.Duration, 1),
	}
}

// Seed returns the seed.
func (s *Sim) Seed() uint64 { return s.seed }

// Rand is where all chance of the simulation comes from. Only code on the loop may
// use it (fibers outside Block, engines), and the test before Run.
func (s *Sim) Rand() *rand.Rand { return s.rand }

// Now returns the simulated time since the start.
func (s *Sim) Now() time.Duration { return time.Since(s.begun) }

// Config returns a configuration for a runtime in this simulation: one loop, fibers
// picked by the seed, no stall monitor, and a poller as made by NewPoller.
func (s *Sim) Config() fiber.Config {
	return fiber.Config{
		Loops:      1,
		StallAfter: -1, // it measures real time
		Pick:       s.pick,
		NewPoller:  s.NewPoller,
	}
}

func (s *Sim) pick(n int) int {
	// What runs beside the loop must not win or lose a race against it.
	synctest.Wait()
	if n == 1 {
		return 0 // no choice, and how often it is asked for is the loop's affair
	}
	return s.rand.IntN(n)
}

// Run runs fn in a fiber of a new runtime with the configuration Config, and closes
// the runtime when fn has returned; fibers that still wait then get fiber.ErrClosed.
// The test fails if fn can never return.
func (s *Sim) Run(fn func(f *fiber.Fiber)) { s.RunConfig(s.Config(), fn) }

// RunConfig is Run with a configuration derived from Config, for an engine of
// another kind.
func (s *Sim) RunConfig(c fiber.Config, fn func(f *fiber.Fiber)) {
	s.t.Helper()
	rt, err := fiber.New(c)
	if err != nil {
		s.t.Fatal(err)
	}
	l := rt.Loops()[0]
	m := &first{fn: fn, site: fiber.NewSite("", fn), ended: make(chan struct{})}
	if err := l.Post(func() { l.Start(new(fiber.Fiber), m) }); err != nil {
		s.t.Fatal(err)
	}
	rt.Start()
	select {
	case <-m.ended:
	case since := <-s.stuck:
		s.t.Errorf("deadlock after %v: nothing is ready, no timer is set, and these fibers wait: %q", since, rt.Running())
	}
	if err := rt.Close(context.Background()); err != nil {
		s.t.Error(err)
	}
}

// first is the machine of the fiber that Run starts.
type first struct {
	fn    func(f *fiber.Fiber)
	site  *fiber.Site // names it
	ended chan struct{}
}

func (m *first) Resume(f *fiber.Fiber) fiber.Status {
	f.BeginUser(m.site)
	m.fn(f)
	f.EndUser()
	return fiber.Done
}

func (m *first) Ended(*fiber.Fiber, error) { close(m.ended) }
