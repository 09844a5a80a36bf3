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

// How tests get a program both ways, plain and compiled, as modules of their own, and run
// the two for comparison.

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
