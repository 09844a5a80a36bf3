package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var full = flag.Bool("full", false, "run all that CI runs: minutes")

// The tests of the standard library pass with a park before every statement of it, and
// with one before every few: then functions go on for a while. Left out are tests of how
// much is allocated.
func TestChaos(t *testing.T) {
	t.Parallel()
	dir := writeModule(t, localMod(t), "package main\n\nimport _ \"github.com/heddle-go/heddle/fiber/abi\"\n\nfunc main() {}\n")
	sum, err := os.ReadFile(filepath.Join(repository(t), "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o666)
	for _, c := range []struct {
		packages, every, skip string
		long                  bool
	}{
		{packages: "container/heap container/list container/ring go/parser", every: "1"},
		{packages: "sort strings bytes slices maps iter text/template", every: "1", skip: "TestBuilderAllocs|TestBuilderGrow|TestGrow", long: true},
		{packages: "strconv regexp encoding/json", every: "1 5", long: true},
		{packages: "go/types", every: "1 11", long: true},
	} {
		if c.long && !*full {
			continue
		}
		for every := range strings.FieldsSeq(c.every) { // one after the other: they build the same
			args := []string{"test", "-chaos", every, "-vet=off", "-short", "-timeout=600s", "-gcflags=-N -l -dwarf=false", "-ldflags=-w", "-exec=env -u GOGC"}
			if c.skip != "" {
				args = append(args, "-skip="+c.skip)
			}
			out, errs, code := run1(t, dir, environment(t), fiberc(t), append(args, strings.Fields(c.packages)...)...)
			if code != 0 || strings.Count(out, "\nok ")+1 < len(strings.Fields(c.packages)) {
				t.Errorf("%s, one pause in %s parks: exit code %d\n%s%s", c.packages, every, code, tailOf(out), tailOf(errs))
			}
		}
	}
}

func tailOf(s string) string {
	if len(s) > 3000 {
		return "…" + s[len(s)-3000:]
	}
	return s
}
