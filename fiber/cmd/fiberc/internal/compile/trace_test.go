package compile

import (
	"fmt"
	"strings"
	"testing"
)

// A panic behind a wait names the functions that wait for the one that panics, whether or
// not one of them has deferred calls, and whether it is reported by the loop or by a
// deferred call.
func TestTraceNamesLogicalCallers(t *testing.T) {
	t.Parallel()
	for _, race := range []bool{false, true} {
		if race && !*full {
			continue // it would build the standard library once more
		}
		t.Run(fmt.Sprintf("race=%t", race), func(t *testing.T) {
			t.Parallel()
			testTrace(t, race)
		})
	}
}

func testTrace(t *testing.T, race bool) {
	s := build(t, race, map[string]string{"lone": "yes", "main.go": `package main

import (
	"fmt"
	"os"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1})
	rt.Start()
	run := func(fn func(f *fiber.Fiber) error) {
		done := make(chan error)
		rt.Go(func(f *fiber.Fiber) {
			g := fiber.NewGroup(f)
			g.Go(fn)
			done <- g.Wait(f)
		})
		if pe, ok := (<-done).(*fiber.PanicError); ok {
			fmt.Printf("%s", pe.Stack)
		}
		fmt.Println("==")
	}
	run(func(f *fiber.Fiber) error { outer(f); return nil })
	run(func(f *fiber.Fiber) error { guarded(f); return nil })
	run(func(f *fiber.Fiber) error { caught(f); return nil })
	os.Stdout.Sync()
}

func outer(f *fiber.Fiber) int {
	return middle(f) + 1
}

func middle(f *fiber.Fiber) int {
	n := inner(f)
	return n * 2
}

func inner(f *fiber.Fiber) int {
	f.Sleep(time.Millisecond)
	panic("inside")
}

func guarded(f *fiber.Fiber) {
	defer fmt.Print()
	outer(f)
}

func caught(f *fiber.Fiber) {
	defer report(f)
	outer(f)
}

func report(f *fiber.Fiber) {
	if recover() != nil {
		fmt.Printf("%s", f.Trace())
	}
}
`})
	out := s.run(t, s.compiled)
	parts := strings.Split(out, "==\n")
	if len(parts) != 4 {
		t.Fatalf("%d parts:\n%s", len(parts), out)
	}
	for i, want := range [][]string{
		{"main.inner", "/main.go:43", "main.middle (main.go:37) [waiting for main.inner]", "main.outer (main.go:33) [waiting for main.middle]", "main.main.func2 (main.go:26) [waiting for main.outer]"},
		{"main.inner", "/main.go:43", "main.middle (main.go:37) [waiting for main.inner]", "main.outer (main.go:33) [waiting for main.middle]", "main.guarded (main.go:48) [waiting for main.outer]"},
		{"main.inner", "/main.go:43", "main.middle (main.go:37) [waiting for main.inner]", "main.outer (main.go:33) [waiting for main.middle]", "main.caught (main.go:53) [waiting for main.outer]"},
	} {
		if strings.Contains(parts[i], "resume(") && !strings.Contains(parts[i], "/zz_fiberc_main.go:") {
			t.Errorf("what is of no line of the source has one:\n%s", parts[i])
		}
		for _, line := range want {
			if !strings.Contains(strings.ReplaceAll(parts[i], "Compiled_", ""), line) {
				t.Errorf("race %t, report %d lacks %q:\n%s", race, i, line, parts[i])
			}
		}
	}
}
