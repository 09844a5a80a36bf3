package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What SECURITY.md promises is complete: every limit that httpfw.Config has is in its
// tables, and a test of httpfw/conformance sets it or runs into its default.

// limitName tells the fields of Config that are limits.
var limitName = regexp.MustCompile(`(Max|Min|Timeout|Grace)$`)

// limitsOf returns the names of the limits in httpfw.Config.
func limitsOf(t *testing.T) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "httpfw", "config.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			for _, n := range field.Names {
				if limitName.MatchString(n.Name) {
					names = append(names, n.Name)
				}
			}
		}
		return false
	})
	return names
}

func TestLimits(t *testing.T) {
	var rows strings.Builder
	for line := range strings.Lines(read(t, "SECURITY.md")) {
		if strings.HasPrefix(line, "| ") {
			rows.WriteString(line)
		}
	}
	var tests strings.Builder
	files, _ := filepath.Glob(filepath.Join("..", "httpfw", "conformance", "*_test.go"))
	for _, path := range files {
		tests.WriteString(read(t, path))
	}
	names := limitsOf(t)
	if len(names) < 15 {
		t.Fatalf("Config has only the limits %v", names)
	}
	for _, name := range names {
		if !strings.Contains(rows.String(), "`"+name+"`") {
			t.Errorf("no table of SECURITY.md has the limit %s", name)
		}
		if !strings.Contains(tests.String(), name) {
			t.Errorf("no test of httpfw/conformance is about %s", name)
		}
	}
}
