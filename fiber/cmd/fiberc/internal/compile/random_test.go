package compile

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	full     = flag.Bool("full", false, "run all that CI runs: minutes")
	programs = flag.Int("programs", 0, "how many random programs TestRandom runs; 0 for 30, or 2000 with -full")
	shrinkIn = flag.Duration("shrink", 3*time.Minute, "how long TestRandom looks for the smallest program that fails; 0 for not at all")
	seed     = flag.Uint64("seed", 0, "of the random programs; 0 for the one that CI runs")
)

// program is the n-th random case of a seed, with at most size statements.
func program(seed uint64, n, size int) string {
	w := &writer{r: rand.New(rand.NewPCG(seed, uint64(n))), left: size, offset: n}
	w.f("func random%d(f *fiber.Fiber, t *T) { t.log(body%d(f, t, %d)) }\n", n, n, n%5)
	w.f("func body%d(f *fiber.Fiber, t *T, a int) (res int) {\narr := []int{1, 2, 3, 4}\nfixed := [3]int{5, 6, 7}\nm := map[int]int{}\n_, _, _ = arr, fixed, m", n)
	w.ints = []string{"a", "res"}
	for w.left > 0 {
		w.stmt()
	}
	w.f("t.log(arr, fixed, m)\nreturn %s\n}\n", w.expr(3))
	return w.b.String()
}

// batch is a file of cases. One in four has size statements, the others half as many: what
// is compiled grows with the square, since each park keeps what is alive.
func batch(seed uint64, list []int, size int) string {
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\"fmt\"\n\"iter\"\n\n\"github.com/heddle-go/heddle/fiber\"\n)\n\nvar _ = fmt.Sprint\nvar _ iter.Seq[int]\n\n")
	b.WriteString("func pair2(f *fiber.Fiber, t *T, a, b int) int { t.p(f); return a*2 - b }\n\n" +
		"func two(f *fiber.Fiber, t *T, a, b int) (int, int) { t.p(f); return b, a }\n\n" + rangesPrelude + "func init() {\n")
	b.WriteString("\tcases = append(cases, prelude0)\n")
	for _, n := range list {
		fmt.Fprintf(&b, "\tcases = append(cases, random%d)\n", n)
	}
	b.WriteString("}\n\n")
	for _, n := range list {
		if n%4 != 0 {
			b.WriteString(program(seed, n, size/2))
		} else {
			b.WriteString(program(seed, n, size))
		}
	}
	return b.String()
}

// Random programs mean the same both ways.
func TestRandom(t *testing.T) {
	t.Parallel()
	s := *seed
	if s == 0 {
		s = 20261121
	}
	n := *programs
	switch {
	case n > 0:
	case *full:
		n = 2000
	default:
		n = 30
	}
	t.Logf("go test -run TestRandom ./internal/compile -args -seed %d -programs %d", s, n)
	var failed atomic.Bool
	for from := 0; from < n; from += batchMax {
		var list []int
		for i := from; i < min(from+batchMax, n); i++ {
			list = append(list, i)
		}
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			t.Parallel()
			if failed.Load() {
				t.Skip("another batch has failed")
			}
			testBatch(t, s, list)
			if t.Failed() {
				failed.Store(true)
			}
		})
	}
}

// batchMax is how many programs one binary has. Building one takes 1 GB, two at a time.
const batchMax = 125

func testBatch(t *testing.T, s uint64, list []int) {
	text := func(list []int) string { return batch(s, list, 25) }
	bad := verdict(t, text(list))
	if bad == "" {
		return
	}
	t.Error(bad)
	if *shrinkIn > 0 {
		end := time.Now().Add(*shrinkIn)
		fails := func(src string) bool {
			return time.Now().Before(end) && class(verdict(t, src)) == class(bad)
		}
		list = narrow(list, func(l []int) bool { return fails(text(l)) })
		check := checker(t)
		t.Logf("programs %v of seed %d, shrunk:\n%s", list, s,
			shrink(text(list), func(src string) bool { return check(src) && fails(src) }))
	}
}

// verdict builds and runs a file of cases both ways and says what is wrong.
func verdict(t *testing.T, src string) string {
	s, err := tryBuild(t, false, map[string]string{"random.go": src, "quick": "yes"})
	if err != nil {
		return err.Error()
	}
	return s.differs(t, "1", "2", "3")
}

// class is the kind of a verdict: what is before its first colon.
func class(verdict string) string {
	kind, _, _ := strings.Cut(verdict, ":")
	return kind
}
