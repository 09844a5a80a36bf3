package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// fiberc returns the built command.
func fiberc(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "fiberc")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exe
}

// module writes a module that uses the framework.
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
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
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
	exe := fiberc(t)
	local := localMod(t)
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "XDG_CACHE_HOME=" + t.TempDir(), "GOCACHE=" + goCache(t)}

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
	t.Run("the framework in the module cache", func(t *testing.T) {
		proxy := moduleProxy(t)
		env := append(env, proxy...)
		app := writeModule(t, strings.Split(local, "\nreplace")[0], strings.Replace(program, "f.WithTimeout(time.Hour, f.Scope().Err); ", "", 1))
		out, errs, _ := run1(t, app, env, exe, "run", ".")
		if out != "true []\n" {
			t.Errorf("%q %q", out, errs)
		}
	})
}

// moduleProxy makes a proxy on disk that has the framework, and what fiberc needs from
// the module cache, and returns the environment for it.
func moduleProxy(t *testing.T) []string {
	t.Helper()
	root := repository(t)
	proxy := t.TempDir()
	for path, dir := range map[string]string{"github.com/heddle-go/heddle": root, "github.com/heddle-go/heddle/fiber/cmd/fiberc": filepath.Join(root, "fiber/cmd/fiberc")} {
		at := filepath.Join(proxy, path, "@v")
		if err := os.MkdirAll(at, 0o777); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := zip.CreateFromDir(&b, module.Version{Path: path, Version: "v0.1.0"}, dir); err != nil {
			t.Fatal(err)
		}
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{"v0.1.0.zip": b.Bytes(), "v0.1.0.mod": mod, "list": []byte("v0.1.0\n"),
			"v0.1.0.info": []byte(`{"Version":"v0.1.0","Time":"2026-01-01T00:00:00Z"}`)} {
			if err := os.WriteFile(filepath.Join(at, name), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GOPROXY=file://" + proxy + ",file://" + strings.TrimSpace(string(cache)) + "/cache/download",
		"GOMODCACHE=" + t.TempDir(), "GONOSUMDB=*", "GONOSUMCHECK=1", "GOSUMDB=off"}
}

func goCache(t *testing.T) string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
