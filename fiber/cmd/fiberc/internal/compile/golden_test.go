package compile

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What is generated is meant to be read: a change of it shows in a diff.
func TestGolden(t *testing.T) {
	t.Parallel()
	inputs, _ := filepath.Glob("testdata/golden/*.go.txt")
	if len(inputs) == 0 {
		t.Fatal("no golden files")
	}
	for _, in := range inputs {
		t.Run(filepath.Base(in), func(t *testing.T) {
			text, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			dir := writeModule(t, map[string]string{"main.go": string(text)})
			p, err := Load(dir, nil, []string{"."})
			if err != nil {
				t.Fatal(err)
			}
			p.Analyze()
			out, err := p.Compile()
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, name := range []string{"main.go", "zz_fiberc_main.go", "zz_fiberc.go"} {
				b.WriteString("== " + name + "\n" + strings.ReplaceAll(string(out[filepath.Join(dir, name)]), dir, "/golden") + "\n")
			}
			golden := strings.TrimSuffix(in, ".go.txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("differs from %s (go test -run Golden -update, and look at the diff):\n%s", golden, firstDifference(b.String(), string(want)))
			}
		})
	}
}
