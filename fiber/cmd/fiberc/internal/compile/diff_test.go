package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// A suite is a program of many cases, built plain and compiled.
type suite struct{ dir, plain, compiled string }

// TestMain sets the environment of what the tests run: modules of their own. Building
// takes most of the time, and a fifth of that is the garbage collector's.
func TestMain(m *testing.M) {
	os.Setenv("GOWORK", "off")
	os.Setenv("GOFLAGS", "-mod=mod -buildvcs=false")
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// repository is the folder of the framework's module.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../../../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// writeModule writes files to a new module that uses the framework as it is here, and
// returns its folder.
func writeModule(t *testing.T, files map[string]string) string {
	t.Helper()
	root, dir := repository(t), t.TempDir()
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"go.sum": string(sum), "go.mod": "module suite\n\ngo 1.26.0\n\nrequire github.com/heddle-go/heddle v0.0.0\n\nreplace github.com/heddle-go/heddle => " + root + "\n"}
	maps.Copy(all, files)
	for name, text := range all {
		name = filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(name), 0o777)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build makes both programs of the sources, by name.
func build(t *testing.T, race bool, sources map[string]string) *suite {
	t.Helper()
	s, err := tryBuild(t, race, sources)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tryBuild is build for programs that may be at fault. A function that stays on a stack
// although it is not allowed to is one. Sources without a main.go are cases for the
// driver, or several programs in folders: plain and compiled are then folders too.
func tryBuild(t *testing.T, race bool, sources map[string]string) (*suite, error) {
	t.Helper()
	if sources["main.go"] == "" && sources["folders"] == "" {
		driver, err := os.ReadFile("testdata/driver.go.txt")
		if err != nil {
			t.Fatal(err)
		}
		sources["driver.go"] = string(driver)
	}
	s := &suite{dir: writeModule(t, sources)}
	var flags []string
	if race {
		flags = append(flags, "-race")
	}
	// What nobody looks at takes long: debuggers' tables, and of random programs, which are
	// many, good code. What the programs import is built as ever, and once.
	own := append(flags, "-ldflags=-w", "-gcflags=-dwarf=false")
	if sources["quick"] != "" {
		own[len(own)-1] += " -N -l"
	}
	s.plain, s.compiled = filepath.Join(s.dir, "plain"), filepath.Join(s.dir, "compiled")
	if sources["folders"] != "" {
		s.plain, s.compiled = s.plain+"/", s.compiled+"/"
	}
	if sources["lone"] == "" {
		if _, err := s.try(t, "go", append(append([]string{"build", "-o", s.plain}, own...), "./...")...); err != nil {
			return nil, fmt.Errorf("plain program does not build: %w", err)
		}
	}

	p, err := Load(s.dir, flags, []string{"./..."})
	if err != nil {
		t.Fatal(err)
	}
	p.Analyze()
	out, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var stays []string
	allowed, unneeded := map[string]bool{}, map[string]bool{}
	for _, name := range strings.Fields(sources["allowed"]) {
		allowed[name], unneeded[name] = true, true
	}
	for _, r := range p.Explain() {
		if !r.Compiled && !allowed[r.Func] {
			stays = append(stays, fmt.Sprintf("%s: %s (%s)", r.Func, r.Reason, r.ReasonPos))
		}
		if !r.Compiled {
			delete(unneeded, r.Func)
		}
	}
	for name := range unneeded {
		stays = append(stays, name+": it is compiled, and need not be allowed to stay")
	}
	if stays != nil {
		return nil, fmt.Errorf("functions stay on a stack: %s", strings.Join(stays, "\n"))
	}
	replace := map[string]string{}
	for path, text := range out {
		name := filepath.Join(s.dir, "gen_"+strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "_")+".txt")
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
		replace[path] = name
	}
	text, _ := json.Marshal(map[string]any{"Replace": replace})
	overlay := filepath.Join(s.dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := s.try(t, "go", append(append([]string{"build", "-overlay", overlay, "-o", s.compiled}, own...), "./...")...); err != nil {
		return nil, fmt.Errorf("compiled program does not build: %w", err)
	}
	return s, nil
}

func (s *suite) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := s.try(t, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *suite) try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	if name == "go" {
		cmd.Env = append(os.Environ(), "GOGC=400")
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	defer func() { t.Logf("%s %v: %v", filepath.Base(name), args, time.Since(began).Round(time.Millisecond)) }()
	if err := cmd.Run(); err != nil {
		if keep := os.Getenv("FIBERC_KEEP"); keep != "" {
			os.CopyFS(keep, os.DirFS(s.dir))
		}
		return "", fmt.Errorf("%s %v: %v\n%s%s", filepath.Base(name), args, err, tail(out.String()), errs.String())
	}
	return out.String(), nil
}

func tail(s string) string {
	if len(s) > 2000 {
		return "…" + s[len(s)-2000:]
	}
	return s
}

// compare runs both programs, parking nowhere, everywhere and at random points: all
// outputs must be the same.
func (s *suite) compare(t *testing.T, seeds ...string) {
	t.Helper()
	if bad := s.differs(t, seeds...); bad != "" {
		t.Error(bad)
	}
}

// differs says what is wrong, "" for nothing.
func (s *suite) differs(t *testing.T, seeds ...string) string {
	t.Helper()
	want, err := s.try(t, s.plain, "none")
	if err != nil {
		return "plain program fails: " + err.Error()
	}
	for _, mode := range append([]string{"none", "all"}, seeds...) {
		for _, program := range []string{s.plain, s.compiled} {
			got, err := s.try(t, program, mode)
			if err != nil {
				return filepath.Base(program) + " program fails: " + err.Error()
			}
			if got != want {
				return filepath.Base(program) + " program differs: parking at " + mode + ", from plain without parks:\n" + firstDifference(got, want)
			}
		}
	}
	return ""
}

// firstDifference shows the lines around it.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			from := max(0, i-8)
			return "got\n" + strings.Join(g[from:min(len(g), i+3)], "\n") + "\nwant\n" + strings.Join(w[min(len(w), from):min(len(w), i+3)], "\n")
		}
	}
	return "it ends early"
}

// hard are the functions of hard.go.txt and hard2.go.txt that stay on a stack: those that
// have names like generated ones, and literals that are not only called.
const hard = `
main.T_n main.reservedNames main.reservedNames.func1 main.reservedNames.func2
main.trustMade.func1.func1 main.trustGoroutines.func2
main.trustGoroutines.func4 main.trustMethods.func1
main.trustMethods.func4 main.trustMethods.func5 main.trustMethods.func6 main.paramSet.func1
main.paramAssigned.func1 main.trustPassed.func1 main.trustPassed.func4
main.trustPassed.func8 main.returned.func1 main.trustShadowed.func4
main.trustShadowed.func6 main.trustShadowed.func7 main.trustForeign.func1 main.trustForeign.func3
main.trustForeign.func5.func1 main.trustForeign.func6 main.trustForeign.func7
main.trustForeign.func8
main.shadowedType main.shadowedType.func1`

// rangesOnStack are the loops of rangefunc.go.txt over iterators that are not known, or
// not compiled.
const rangesOnStack = `
main.quietDefers-range2 main.overPanics.func7 main.overPanics.func7-range1
main.overMisuse.func3 main.overMisuse.func3-range1 main.overMisuse.func4.func1
main.overMisuse.func4.func1-range1 main.overMisuse.func7 main.overMisuse.func7-range1
main.overAdapters-range6 main.overAdapters-range7 main.overValues-range4 main.overValues-range5
main.overValues-range7 main.overValues-range9 main.overValues-range10 main.overForeign
main.overForeign-range1 main.overForeign-range2 main.overForeign-range3 main.overForeign-range4
main.overForeign-range5 main.overForeign.func2 main.overForeign.func3 main.overGoroutines-range3
main.overAdapters.func1 main.overForeign.func1 main.overForeign.func3-range1 main.overPulled.func1`

// hardOnStack are the functions of rangehard.go.txt whose names hide what generated code
// names, and what escapes or is made in a way that is not followed.
const hardOnStack = `
main.shadowNames-range1 main.shadowNames-range1-range1 main.makerEscapes.func2
main.makerEscapes.func3 main.makeNamed.func1.func1 main.makeBare.func1 main.makerNamed-range2
main.makerKinds.func1 main.deferredYield.func2 main.deferredYield.func2-range1
main.deferredYield.func3.func1.func2 main.shadowT main.shadowT-range1 main.shadowT-range1.func1
main.shadowT-range1.func2 main.box3.blankParam main.box3.blankParam-range1
main.box3.blankParam-range1.func1 main.least main.least.func1 main.least-range1
main.overRecover.func4 main.overRecover.func4-range1 main.overRecover.func4.func2
main.unlowered.func1 main.makerChain main.makerChain-range1 main.unnamedLits.func1 main.hiddenTypes main.hiddenPackage main.hiddenMaker
main.hiddenMaker-range1 main.hiddenStack main.hiddenStack-range1 main.makeNamed.func2
main.makerNamed-range1 main.makerNamed.func1 main.makerNamed.func1-range1
main.deferredYield.func3 main.deferredYield.func3-range1 main.deferredYield.func4
main.deferredYield.func4-range1 main.loopsElsewhere main.loopsElsewhere-range1
main.loopsElsewhere-range2 main.replaced6.func2 main.makerReplaced main.makerReplaced-range1
main.makerReplaced.func1 main.kept6-range1.func2 main.kept6-range2`

// The same program, both ways.
func TestCases(t *testing.T) {
	t.Parallel()
	sources := func() map[string]string {
		m := map[string]string{"allowed": "main.callbacks.func1 main.callbacks.func2 main.aroundType main.aroundType.func1 main.aroundType.func2 " + hard + rangesOnStack + hardOnStack}
		for _, name := range []string{"cases", "defers", "generics", "values", "forms", "defers2", "around", "hard", "hard2", "rangefunc", "genericlits", "rangehard"} {
			text, err := os.ReadFile("testdata/" + name + ".go.txt")
			if err != nil {
				t.Fatal(err)
			}
			m[name+".go"] = string(text)
		}
		m["js.go"] = "package main\n\nimport \"github.com/heddle-go/heddle/fiber\"\n\nfunc init() { cases = append(cases, inJS) }\n\n" +
			"func inJS(f *fiber.Fiber, t *T) { t.log(t.n(f, 1)) }\n"
		return m
	}
	for _, race := range []bool{false, true} {
		if race && !*full {
			continue
		}
		t.Run(fmt.Sprintf("race=%t", race), func(t *testing.T) {
			t.Parallel()
			s := build(t, race, sources())
			s.compare(t, "1", "2", "3", "4", "5", "6")
		})
	}
}

// What is compiled holds no goroutine while it waits; what is not does.
func TestCompiledHoldsNoGoroutine(t *testing.T) {
	t.Parallel()
	s := build(t, false, map[string]string{"main.go": `package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"runtime"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1})
	rt.Start()
	for name, fn := range map[string]func(f *fiber.Fiber){
		"call":      func(f *fiber.Fiber) { outer(f, 1) },
		"copy":      func(f *fiber.Fiber) { io.Copy(io.Discard, never{f}) },
		"readall":   func(f *fiber.Fiber) { io.ReadAll(io.LimitReader(never{f}, 9)) },
		"scanner":   func(f *fiber.Fiber) { bufio.NewScanner(never{f}).Scan() },
		"bufio":     func(f *fiber.Fiber) { bufio.NewReader(&never{f}).ReadString('x') },
		"json":      func(f *fiber.Fiber) { var v any; json.NewDecoder(never{f}).Decode(&v) },
		"interface": func(f *fiber.Fiber) { waiter(never{f}).wait(1); Waiter(never{f}).Wait(1) },
		"value":     never{}.value,
		"timeout":   func(f *fiber.Fiber) { f.WithTimeout(time.Hour, func() error { return f.Sleep(time.Hour) }) },
		"local":     func(f *fiber.Fiber) { s := func() { f.Sleep(time.Hour) }; s() },
		"unexported": func(f *fiber.Fiber) { hider(never{f}).hide() },
		"variadic":  func(f *fiber.Fiber) { varier(never{f}).Vary(1, 2) },
		"instance":  func(f *fiber.Fiber) { Waiter(&box[string]{f: f}).Wait(1) },
		"parameter": func(f *fiber.Fiber) { waitOn(never{f}) },
		"value of an instance": sleepy[int],
		"literal of a generic function": made(3),
		"body of a loop": func(f *fiber.Fiber) { for range upTo(3) { f.Sleep(time.Hour) } },
		"iterator":  func(f *fiber.Fiber) { for range slow(f, 3) { } },
		"adapter":   func(f *fiber.Fiber) { for range keep(upTo(3), func(int) bool { return true }) { f.Sleep(time.Hour) } },
		"keeps":     func(f *fiber.Fiber) { for range keep(upTo(3), func(int) bool { f.Sleep(time.Hour); return true }) { } },
		"given":     func(f *fiber.Fiber) { sum(f, upTo(3)) },
		"deferred":  func(f *fiber.Fiber) { for range upTo(3) { defer func() { f.Sleep(time.Hour) }() } },
		"keys":      func(f *fiber.Fiber) { for range map[any]int{1: 2} { f.Sleep(time.Hour) } },
		"method value of an interface": sleeper(never{}).value,
		"recursion": func(f *fiber.Fiber) { for range (&tree{l: &tree{}}).all() { f.Sleep(time.Hour) } },
	} {
		before := runtime.NumGoroutine()
		for range 200 {
			rt.Go(fn)
		}
		asleep := make(chan bool)
		rt.Go(func(f *fiber.Fiber) { f.Yield(); close(asleep) })
		<-asleep
		fmt.Println(name, runtime.NumGoroutine() > before + 100)
	}
}

func outer(f *fiber.Fiber, n int) int { return inner(f, n) + 1 }

func inner(f *fiber.Fiber, n int) int {
	f.Sleep(time.Hour)
	return n
}

type hider interface{ hide() }
type sleeper interface{ value(f *fiber.Fiber) }
type varier interface{ Vary(n ...int) }
type box[V any] struct{ f *fiber.Fiber; v V }
type tree struct{ l, r *tree }

func (n never) hide()            { n.f.Sleep(time.Hour) }
func (n never) Vary(list ...int) { n.f.Sleep(time.Hour) }
func (b *box[V]) Wait(n int)     { b.f.Sleep(time.Hour) }
func waitOn[W Waiter](w W)       { w.Wait(1) }
func sleepy[V any](f *fiber.Fiber) { f.Sleep(time.Hour) }

func made[V any](v V) func(f *fiber.Fiber) {
	return func(f *fiber.Fiber) { f.Sleep(time.Hour); fmt.Sprint(v) }
}

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func slow(f *fiber.Fiber, n int) iter.Seq[int] {
	return func(yield func(int) bool) { f.Sleep(time.Hour); yield(n) }
}

func keep[V any](seq iter.Seq[V], ok func(V) bool) iter.Seq[V] {
	return func(yield func(V) bool) {
		for v := range seq {
			if ok(v) && !yield(v) {
				return
			}
		}
	}
}

func sum(f *fiber.Fiber, seq iter.Seq[int]) (n int) {
	for v := range seq {
		f.Sleep(time.Hour)
		n += v
	}
	return
}

func (t *tree) all() iter.Seq[*tree] { return func(yield func(*tree) bool) { t.push(yield) } }
func (t *tree) push(yield func(*tree) bool) bool {
	return t == nil || t.l.push(yield) && yield(t) && t.r.push(yield)
}

type waiter interface{ wait(n int) }
type Waiter interface{ Wait(n int) }

type never struct{ f *fiber.Fiber }

func (n never) Read(p []byte) (int, error) { n.f.Sleep(time.Hour); return 1, nil }
func (n never) Wait(int)                   { n.f.Sleep(time.Hour) }
func (n never) wait(int)                   {}
func (n never) value(f *fiber.Fiber)       { f.Sleep(time.Hour) }
`})
	for _, line := range strings.Split(strings.TrimSpace(s.run(t, s.plain)), "\n") {
		if !strings.HasSuffix(line, "true") {
			t.Errorf("plain: %s", line)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(s.run(t, s.compiled)), "\n") {
		if !strings.HasSuffix(line, "false") {
			t.Errorf("compiled: %s", line)
		}
	}
}
