package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var full = flag.Bool("full", false, "run all that CI runs: minutes")

// The tests of the standard library pass with a park before every statement of it, or
// before every few where that would take too long. Left out are tests of how much is
// allocated.
func TestChaos(t *testing.T) {
	exe := fiberc(t)
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := writeModule(t, "module app\n\ngo 1.26.0\n\nrequire github.com/heddle-go/heddle v0.1.0\n\nreplace github.com/heddle-go/heddle => "+root+"\n",
		"package main\n\nimport _ \"github.com/heddle-go/heddle/fiber/abi\"\n\nfunc main() {}\n")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o666)
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod"}
	for _, c := range []struct {
		packages, every, skip string
		long                  bool
	}{
		{packages: "container/heap container/list container/ring go/parser", every: "1"},
		{packages: "sort strings bytes text/template", every: "1", skip: "TestBuilderAllocs|TestBuilderGrow", long: true},
		{packages: "strconv regexp encoding/json", every: "3", long: true},
		{packages: "go/types", every: "11", long: true},
	} {
		if c.long && !*full {
			continue
		}
		args := []string{"test", "-chaos", c.every, "-vet=off", "-short", "-timeout=600s", "-gcflags=-N -l"}
		if c.skip != "" {
			args = append(args, "-skip="+c.skip)
		}
		out, errs, code := run1(t, dir, env, exe, append(args, strings.Fields(c.packages)...)...)
		if code != 0 || strings.Count(out, "\nok ")+1 < len(strings.Fields(c.packages)) {
			t.Errorf("%s, one pause in %s parks: exit code %d\n%s%s", c.packages, c.every, code, tailOf(out), tailOf(errs))
		}
	}
}

func tailOf(s string) string {
	if len(s) > 3000 {
		return "…" + s[len(s)-3000:]
	}
	return s
}
