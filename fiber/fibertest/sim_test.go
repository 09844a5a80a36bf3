package fibertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// scramble lets fibers do things whose order is a matter of chance, and tells it.
func scramble(sim *Sim) []string {
	var trace []string
	sim.Run(func(f *fiber.Fiber) {
		left := 20
		for i := range left {
			f.Go(func(g *fiber.Fiber) {
				note := func(s string) { trace = append(trace, fmt.Sprint(i, s, sim.Now())) }
				for range 5 {
					switch sim.Rand().IntN(4) {
					case 0:
						g.Sleep(time.Duration(sim.Rand().IntN(3)) * time.Minute)
						note("slept")
					case 1:
						g.Yield()
						note("yielded")
					case 2:
						g.Block(func() { time.Sleep(time.Second) })
						note("blocked")
					case 3:
						g.Block(func() {
							n := 0
							for range 1000 {
								n++
							}
						})
						note("computed")
					}
				}
				if left--; left == 0 {
					f.Unpark()
				}
			})
		}
		f.Enter()
		for left > 0 {
			f.Park(0)
		}
		f.Leave()
	})
	return trace
}

func TestSeedReplays(t *testing.T) {
	traces := map[uint64][]string{}
	collect := func(t *testing.T, sim *Sim) {
		trace := scramble(sim)
		if old := traces[sim.Seed()]; old != nil && !slices.Equal(old, trace) {
			t.Errorf("seed %d ran in two ways:\n%q\n%q", sim.Seed(), old, trace)
		}
		traces[sim.Seed()] = trace
	}
	for range 5 {
		*seedFlag = 11
		Run(t, collect)
		*seedFlag = 12
		Run(t, collect)
	}
	*seedFlag = 0
	if slices.Equal(traces[11], traces[12]) {
		t.Error("two seeds ran in the same way")
	}
}

func TestTimeJumps(t *testing.T) {
	begun := time.Now()
	Seeds(t, 10, func(t *testing.T, sim *Sim) {
		sim.Run(func(f *fiber.Fiber) {
			f.Sleep(24 * time.Hour)
			if d := sim.Now(); d != 24*time.Hour {
				t.Errorf("a day took %v", d)
			}
			err := f.WithTimeout(time.Hour, func() error { return f.Sleep(48 * time.Hour) })
			if !errors.Is(err, context.DeadlineExceeded) || sim.Now() != 25*time.Hour {
				t.Errorf("%v after %v", err, sim.Now())
			}
			// A context canceled by a goroutine arrives before time goes on.
			ctx, cancel := context.WithCancel(context.Background())
			f.Go(func(g *fiber.Fiber) { g.Sleep(time.Minute); cancel() })
			err = f.WithContext(ctx, func() error { return f.Sleep(time.Hour) })
			if !errors.Is(err, context.Canceled) || sim.Now() != 25*time.Hour+time.Minute {
				t.Errorf("%v after %v", err, sim.Now())
			}
			f.Block(func() { time.Sleep(time.Hour) })
			if sim.Now() != 26*time.Hour+time.Minute {
				t.Errorf("Block until %v", sim.Now())
			}
		})
	})
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("took %v of real time", d)
	}
}

// Fibers left over when the function returns are told that the runtime closes.
func TestLeftovers(t *testing.T) {
	Run(t, func(t *testing.T, sim *Sim) {
		var got error
		sim.Run(func(f *fiber.Fiber) {
			f.Go(func(g *fiber.Fiber) { got = g.Sleep(time.Hour) })
			f.Yield()
		})
		if got != fiber.ErrClosed {
			t.Errorf("got %v", got)
		}
	})
}

// The failing tests below run in a process of their own.
func TestFailures(t *testing.T) {
	if os.Getenv("FIBERTEST_FAIL") != "" {
		t.Skip("inside")
	}
	run := func(name string, env ...string) string {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run", "^"+name+"$")
		cmd.Env = append(os.Environ(), append(env, "FIBERTEST_FAIL=1")...)
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("%s passed:\n%s", name, out)
		}
		return string(out)
	}
	out := run("TestFailDeadlock")
	for _, want := range []string{"deadlock after 1h0m0s", "waitForNothing", "TestFailDeadlock.func1.1", " x3"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	out = run("TestFailSometimes")
	m := regexp.MustCompile(`replay with HEDDLE_SEED=(\d+) go test -run '\^TestFailSometimes\$'`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("the seed is not told:\n%s", out)
	}
	again := run("TestFailSometimes", "HEDDLE_SEED="+m[1])
	order := regexp.MustCompile(`order \[.*\]`)
	if a, b := order.FindString(out), order.FindString(again); a == "" || a != b {
		t.Errorf("failed with %q, replayed as %q", a, b)
	}
}

func waitForNothing(f *fiber.Fiber) {
	f.Enter()
	for f.Park(0) == nil {
	}
	f.Leave()
}

func TestFailDeadlock(t *testing.T) {
	if os.Getenv("FIBERTEST_FAIL") == "" {
		t.Skip("for TestFailures")
	}
	Run(t, func(t *testing.T, sim *Sim) {
		sim.Run(func(f *fiber.Fiber) {
			for range 3 {
				f.Go(waitForNothing)
			}
			f.Sleep(time.Hour)
			waitForNothing(f)
		})
	})
}

func TestFailSometimes(t *testing.T) {
	if os.Getenv("FIBERTEST_FAIL") == "" {
		t.Skip("for TestFailures")
	}
	Seeds(t, 1000, func(t *testing.T, sim *Sim) {
		sim.Run(func(f *fiber.Fiber) {
			var order []int
			for i := range 6 {
				f.Go(func(*fiber.Fiber) { order = append(order, i) })
			}
			f.Sleep(time.Second)
			if order[0] == 5 && order[5] == 0 {
				t.Errorf("order %v", order)
			}
		})
	})
}
