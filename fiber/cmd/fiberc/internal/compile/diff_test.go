package compile

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A suite is a program of many cases, built plain and compiled.
type suite struct{ dir, plain, compiled string }

// build makes both programs of the sources, by name.
func build(t *testing.T, race bool, sources map[string]string) *suite {
	t.Helper()
	root, err := filepath.Abs("../../../../..")
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{dir: t.TempDir()}
	sources["go.mod"] = "module suite\n\ngo 1.26.0\n\nrequire github.com/heddle-go/heddle v0.0.0\n\nreplace github.com/heddle-go/heddle => " + root + "\n"
	driver, err := os.ReadFile("testdata/driver.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	if sources["main.go"] == "" {
		sources["driver.go"] = string(driver)
	}
	for name, text := range sources {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(s.dir, "go.sum"), sum, 0o666)
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod -buildvcs=false")
	var flags []string
	if race {
		flags = append(flags, "-race")
	}
	s.plain, s.compiled = filepath.Join(s.dir, "plain"), filepath.Join(s.dir, "compiled")
	s.run(t, "go", append(append([]string{"build", "-o", s.plain}, flags...), ".")...)

	p, err := Load(s.dir, flags, []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	p.Analyze()
	out, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Explain() {
		if !r.Compiled && !strings.Contains(sources["allowed"], r.Func) {
			t.Errorf("%s stays on a stack: %s (%s)", r.Func, r.Reason, r.ReasonPos)
		}
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
	s.run(t, "go", append(append([]string{"build", "-overlay", overlay, "-o", s.compiled}, flags...), ".")...)
	return s
}

func (s *suite) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	defer func() { t.Logf("%s %v: %v", filepath.Base(name), args, time.Since(began).Round(time.Millisecond)) }()
	if err := cmd.Run(); err != nil {
		if keep := os.Getenv("FIBERC_KEEP"); keep != "" {
			os.CopyFS(keep, os.DirFS(s.dir))
		}
		t.Fatalf("%s %v: %v\n%s%s", filepath.Base(name), args, err, tail(out.String()), errs.String())
	}
	return out.String()
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
	want := s.run(t, s.plain, "none")
	for _, mode := range append([]string{"none", "all"}, seeds...) {
		for _, program := range []string{s.plain, s.compiled} {
			if got := s.run(t, program, mode); got != want {
				t.Errorf("%s, parking at %s, differs from plain without parks:\n%s", filepath.Base(program), mode, firstDifference(got, want))
			}
		}
	}
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

// The same program, both ways.
func TestCases(t *testing.T) {
	sources := func() map[string]string {
		m := map[string]string{"allowed": "main.values.func2.func1 main.acc.get main.wrap main.deferParks.func1 main.aroundType.func1 main.aroundType.func2"}
		for _, name := range []string{"cases", "defers", "generics", "around"} {
			text, err := os.ReadFile("testdata/" + name + ".go.txt")
			if err != nil {
				t.Fatal(err)
			}
			m[name+".go"] = string(text)
		}
		return m
	}
	for _, race := range []bool{false, true} {
		if race && testing.Short() {
			continue
		}
		s := build(t, race, sources())
		s.compare(t, "1", "2", "3", "4", "5", "6")
	}
}

// What is compiled holds no goroutine while it waits; what is not does.
func TestCompiledHoldsNoGoroutine(t *testing.T) {
	s := build(t, false, map[string]string{"main.go": `package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1})
	rt.Start()
	for i := range 1000 {
		rt.Go(func(f *fiber.Fiber) { fmt.Println(outer(f, i)) })
	}
	time.Sleep(100 * time.Millisecond)
	fmt.Println(runtime.NumGoroutine() > 100)
}

func outer(f *fiber.Fiber, n int) int { return inner(f, n) + 1 }

func inner(f *fiber.Fiber, n int) int {
	f.Sleep(time.Hour)
	return n
}
`})
	if got := s.run(t, s.plain); got != "true\n" {
		t.Errorf("plain: %s", got)
	}
	if got := s.run(t, s.compiled); got != "false\n" {
		t.Errorf("compiled: %s", got)
	}
}
