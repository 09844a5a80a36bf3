package vet

import (
	"path"
	"path/filepath"
	"runtime/debug"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

// The cases import stand-ins of the framework, testdata/heddle, which have its names and
// nothing behind them; TestVet of the command runs the analyzers over the real one.
//
// What is imported is analyzed from its sources, the standard library too: so the packages
// of cases are loaded together. store, which is about the facts themselves, is not.
func TestAnalyzers(t *testing.T) {
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	dir, err := filepath.Abs("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("store", func(t *testing.T) { analysistest.Run(t, dir, Facts, "./store") })
	t.Run("cases", func(t *testing.T) {
		var patterns []string
		for name := range cases {
			patterns = append(patterns, "./"+name)
		}
		seen := map[string]bool{}
		for _, r := range analysistest.Run(t, dir, byFolder, patterns...) {
			if len(r.Diagnostics) > 0 {
				seen[path.Base(r.Pass.Pkg.Path())] = true
			}
		}
		if len(seen) != len(cases) {
			t.Errorf("findings in %v only", seen)
		}
	})
}

// cases are the analyzers of the packages of cases.
var cases = map[string][]*analysis.Analyzer{
	"block":   {Block},
	"mutex":   {Mutex},
	"borrow":  {Borrow},
	"thread":  {Thread},
	"ignored": {Ignore, Block}, // lines of it have findings of both
}

// byFolder runs the analyzers of a package of cases.
var byFolder = &analysis.Analyzer{
	Name:     "byfolder",
	Doc:      "the analyzers that a package is about",
	Requires: []*analysis.Analyzer{Facts},
	Run: func(pass *analysis.Pass) (any, error) {
		for _, a := range cases[path.Base(pass.Pkg.Path())] {
			own := *pass
			own.Analyzer = a
			if _, err := a.Run(&own); err != nil {
				return nil, err
			}
		}
		return nil, nil
	},
}
