package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// The framework lies in the module cache, where files cannot be overlaid, and so does
// fiberc itself when a module gets it as one of its tools.
func TestModuleCache(t *testing.T) {
	t.Parallel()
	main := strings.Replace(program, "f.WithTimeout(time.Hour, f.Scope().Err); ", "", 1)
	env := append(environment(t), moduleProxy(t)...)

	t.Run("the framework", func(t *testing.T) {
		dir := writeModule(t, strings.Split(localMod(t), "\nreplace")[0], main)
		if out, errs, _ := run1(t, dir, append(env, "GOFLAGS=-mod=mod -modcacherw"), fiberc(t), "run", "."); out != "true []\n" {
			t.Errorf("%q %q", out, errs)
		}
	})
	t.Run("fiberc as a tool", func(t *testing.T) {
		if testing.Short() {
			t.Skip("builds fiberc anew")
		}
		env := append(env, "GOFLAGS=-modcacherw")
		dir := writeModule(t, "module app\n\ngo 1.26.0\n"+requirements(t), main)
		for _, args := range [][]string{
			{"get", "github.com/heddle-go/heddle@v0.1.0"},
			{"get", "-tool", "github.com/heddle-go/heddle/fiber/cmd/fiberc@v0.1.0"},
			{"tool", "fiberc", "build", "-o", "app", "."},
		} {
			if out, errs, code := run1(t, dir, env, "go", args...); code != 0 {
				t.Fatalf("go %v: %d\n%s%s", args, code, out, errs)
			}
		}
		if out, errs, _ := run1(t, dir, nil, filepath.Join(dir, "app")); out != "true []\n" {
			t.Errorf("%q %q", out, errs)
		}
	})
}

// requirements are lines of a go.mod that say where what fiberc requires lies already:
// built there, it need not be built again.
func requirements(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "-json", "all")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); {
		var m struct {
			Path, Dir string
			Main      bool
		}
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if !m.Main && m.Dir != "" {
			lines.WriteString("\nreplace " + m.Path + " => " + m.Dir + "\n")
		}
	}
	return lines.String()
}

// moduleProxy returns the environment in which a proxy on disk has the framework, and the
// module cache is empty at first.
func moduleProxy(t *testing.T) []string {
	t.Helper()
	proxy := filepath.Join(scratch, "proxy")
	if err := proxied(repository(t), proxy); err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GOPROXY=file://" + proxy + ",file://" + strings.TrimSpace(string(cache)) + "/cache/download",
		"GOMODCACHE=" + filepath.Join(scratch, "mod"), "GONOSUMDB=*", "GONOSUMCHECK=1", "GOSUMDB=off"}
}

// proxied makes the proxy: the framework and fiberc as v0.1.0.
func proxied(root, proxy string) error {
	for path, dir := range map[string]string{"github.com/heddle-go/heddle": root, "github.com/heddle-go/heddle/fiber/cmd/fiberc": filepath.Join(root, "fiber/cmd/fiberc")} {
		at := filepath.Join(proxy, path, "@v")
		if err := os.MkdirAll(at, 0o777); err != nil {
			return err
		}
		var b bytes.Buffer
		if err := zip.CreateFromDir(&b, module.Version{Path: path, Version: "v0.1.0"}, dir); err != nil {
			return err
		}
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil {
			return err
		}
		for name, text := range map[string][]byte{"v0.1.0.zip": b.Bytes(), "v0.1.0.mod": mod, "list": []byte("v0.1.0\n"),
			"v0.1.0.info": []byte(`{"Version":"v0.1.0","Time":"2026-01-01T00:00:00Z"}`)} {
			if err := os.WriteFile(filepath.Join(at, name), text, 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}
