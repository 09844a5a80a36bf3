package vet

import (
	"path/filepath"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

// The cases import stand-ins of the framework, testdata/heddle, which have its names and
// nothing behind them; TestVet of the command runs the analyzers over the real one.
func TestAnalyzers(t *testing.T) {
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	dir, err := filepath.Abs("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir       string
		analyzers []*analysis.Analyzer
	}{
		{"store", []*analysis.Analyzer{Facts}},
		{"block", []*analysis.Analyzer{Block}},
		{"mutex", []*analysis.Analyzer{Mutex}},
		{"borrow", []*analysis.Analyzer{Borrow}},
		{"thread", []*analysis.Analyzer{Thread}},
		{"ignored", []*analysis.Analyzer{every}},
	} {
		t.Run(c.dir, func(t *testing.T) {
			for _, a := range c.analyzers {
				analysistest.Run(t, dir, a, "./"+c.dir)
			}
		})
	}
}

// every runs Block and Ignore as one, for a file whose lines have findings of both.
var every = &analysis.Analyzer{
	Name:     "fiberblock",
	Doc:      "fiberblock and fiberignore",
	Requires: []*analysis.Analyzer{Facts},
	Run: func(pass *analysis.Pass) (any, error) {
		if _, err := runIgnore(pass); err != nil {
			return nil, err
		}
		return runBlock(pass)
	},
}
