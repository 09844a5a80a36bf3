package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// scratch is a folder for what tests share: the command, its cache, a module cache.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "fiberc"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// fiberc returns the built command.
func fiberc(t *testing.T) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(scratch, "bin", "fiberc")
}

var built = sync.OnceValue(func() error {
	if out, err := exec.Command("go", "build", "-o", filepath.Join(scratch, "bin")+"/", ".").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// environment is that of a user who is not in this repository, whose cache folder is the
// tests' own.
func environment(t *testing.T) []string {
	t.Helper()
	cache, err := goCache()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GOWORK=off", "GOFLAGS=-mod=mod", "XDG_CACHE_HOME=" + filepath.Join(scratch, "cache"), "GOCACHE=" + cache}
}

// writeModule writes a module that uses the framework.
func writeModule(t *testing.T, goMod, mainGo string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": goMod, "main.go": mainGo} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func run1(t *testing.T, dir string, env []string, name string, args ...string) (string, string, int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "GOGC=400"), env...) // it builds, most of all
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

const program = `package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, err := fiber.New(fiber.Config{Loops: 1})
	if err != nil {
		panic(err)
	}
	rt.Start()
	for range 100 {
		rt.Go(func(f *fiber.Fiber) { waits(f) })
	}
	time.Sleep(50 * time.Millisecond)
	fmt.Println(runtime.NumGoroutine() < 50, os.Args[1:])
	rt.Close(context.Background())
	os.Exit(3)
}

func waits(f *fiber.Fiber) { f.WithTimeout(time.Hour, f.Scope().Err); f.Sleep(time.Hour); f.Sleep(time.Hour) }
`

// repository is the folder of the framework's module.
func repository(t *testing.T) string {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// localMod is the go.mod of a module that uses the framework as it is here.
func localMod(t *testing.T) string {
	return "module app\n\ngo 1.26.0\n\nrequire github.com/heddle-go/heddle v0.1.0\n\nreplace github.com/heddle-go/heddle => " + repository(t) + "\n"
}

func TestDriver(t *testing.T) {
	t.Parallel()
	exe := fiberc(t)
	local := localMod(t)
	env := environment(t)

	t.Run("run passes arguments and the exit code on", func(t *testing.T) {
		dir := writeModule(t, local, program)
		out, errs, code := run1(t, dir, env, exe, "run", ".", "-x", "y")
		if out != "true [-x y]\n" || code != 1 || !strings.Contains(errs, "exit status 3") {
			t.Errorf("%q %q %d", out, errs, code) // go run itself ends with 1
		}
	})
	t.Run("what does not type-check is the go command's to report", func(t *testing.T) {
		dir := writeModule(t, local, strings.Replace(program, "os.Exit(3)", "os.Exit(three)", 1))
		_, want, code := run1(t, dir, env, "go", "build", ".")
		_, got, gotCode := run1(t, dir, env, exe, "build", ".")
		if got != want || code != gotCode || want == "" {
			t.Errorf("%q %d, want %q %d", got, gotCode, want, code)
		}
	})
	t.Run("a cache that cannot be written is one line", func(t *testing.T) {
		dir := writeModule(t, local, program)
		file := filepath.Join(dir, "file")
		os.WriteFile(file, nil, 0o666)
		_, errs, code := run1(t, dir, append(env, "XDG_CACHE_HOME="+file), exe, "build", ".")
		if code == 0 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "cache folder") {
			t.Errorf("%q %d", errs, code)
		}
	})
	t.Run("unknown commands and flags", func(t *testing.T) {
		dir := writeModule(t, local, program)
		if _, errs, code := run1(t, dir, env, exe, "frobnicate"); code != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q %d", errs, code)
		}
		if _, errs, code := run1(t, dir, env, exe, "build", "-tags"); code != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q %d", errs, code)
		}
	})
}

var goCache = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out)), err
})
