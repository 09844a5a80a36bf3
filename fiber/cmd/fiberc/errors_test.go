package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong is said once, by whoever knows it best, and the exit code shows it.
func TestErrors(t *testing.T) {
	t.Parallel()
	exe := fiberc(t)
	env := append(environment(t), "GOPROXY=off")
	dir := writeModule(t, localMod(t), program)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	lone := writeModule(t, "module app\n\ngo 1.26.0\n", program)
	broken := writeModule(t, "module\n", program)
	for _, c := range []struct {
		what, dir, extra, want string
		args                   []string
	}{
		{"a module that is missing", lone, "GOFLAGS=", "no required module provides package", []string{"build", "."}},
		{"the same, explained", lone, "GOFLAGS=", "no required module provides package", []string{"explain", "."}},
		{"a go.mod that is none", broken, "", "errors parsing go.mod", []string{"build", "."}},
		{"a pattern that matches nothing", dir, "", "no packages match ./empty/...", []string{"build", "./empty/..."}},
		{"a pattern of a folder that is missing", dir, "", "pattern ./none/...: ", []string{"test", "./none/..."}},
		{"a folder that is missing", dir, "", "directory not found", []string{"build", "./none"}},
		{"a folder without Go files", dir, "", "no Go files", []string{"build", "./empty"}},
		{"no go command", dir, "PATH=", `"go": executable file not found`, []string{"build", "."}},
		{"no command", dir, "", "usage", nil},
		{"a command that there is not", dir, "", "unknown command", []string{"frobnicate"}},
		{"a flag without its value", dir, "", "needs an argument", []string{"build", "-tags"}},
		{"a flag that explain does not have", dir, "", "has no flag -x", []string{"explain", "-x", "."}},
		{"a flag that go does not have", dir, "", "not defined: -frobnicate", []string{"build", "-frobnicate", "."}},
		{"an overlay", dir, "", "-overlay", []string{"build", "-overlay=x", "."}},
		{"coverage", dir, "", "-cover cannot be used", []string{"test", "-cover", "."}},
		{"a cache that is a file", dir, "XDG_CACHE_HOME=" + file, "cache folder", []string{"build", "."}},
		{"no cache", dir, "XDG_CACHE_HOME=relative", "cache folder", []string{"build", "."}},
	} {
		t.Run(c.what, func(t *testing.T) {
			os.MkdirAll(filepath.Join(dir, "empty"), 0o777)
			env := env
			if c.extra != "" {
				env = append(env[:len(env):len(env)], c.extra)
			}
			_, errs, code := run1(t, c.dir, env, exe, c.args...)
			if code != 1 && code != 2 || !strings.Contains(errs, c.want) || strings.Count(errs, c.want) != 1 || strings.Contains(errs, "goroutine ") {
				t.Errorf("%d\n%s", code, errs)
			}
			if strings.HasPrefix(errs, "fiberc:") && strings.Count(errs, "\n") != 1 {
				t.Errorf("more than a line:\n%s", errs)
			}
		})
	}
}
