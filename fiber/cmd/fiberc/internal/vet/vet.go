// Package vet holds the analyzers of fiberc vet. They look for what the Go type system
// cannot forbid in the code of a fiber: calls that block the loop, locks that are held
// across a park, borrowed bytes that are used after one, and parks on a thread that must
// not be switched.
//
// A function is a fiber's code if it has a parameter or receiver that leads to a fiber
// (framework.go), if it may park, or if it is a literal that such a function calls
// before it returns. What it calls is judged by facts (facts.go), which pass from package
// to package in the way go vet hands them on; so the analyzers see a helper that sleeps
// three packages away, and nothing behind an interface or a function value whose type
// does not name a fiber.
//
// The analyzers would rather miss a fault than invent one: each says where it keeps
// silent.
package vet

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// Analyzers are the checks, in the order in which the documentation has them.
var Analyzers = []*analysis.Analyzer{Block, Mutex, Borrow, Thread, Ignore}

const docURL = "https://pkg.go.dev/github.com/heddle-go/heddle/fiber/cmd/fiberc"

// reporter reports what no comment silences.
type reporter struct {
	pass    *analysis.Pass
	ignores []ignore
	calls   map[token.Pos]*ast.CallExpr // by the opening parenthesis, as go/ssa has them
	said    map[diagnosis]bool
}

type diagnosis struct {
	at   token.Pos
	text string
}

func newReporter(pass *analysis.Pass) *reporter {
	r := &reporter{pass: pass, ignores: ignoresOf(pass), calls: map[token.Pos]*ast.CallExpr{}, said: map[diagnosis]bool{}}
	for _, file := range pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				r.calls[c.Lparen] = c
			}
			return true
		})
	}
	return r
}

// pos is where an instruction begins in the source.
func (r *reporter) pos(in ssa.Instruction) token.Pos {
	if c := r.calls[in.Pos()]; c != nil {
		return c.Pos()
	}
	return in.Pos()
}

// receiver is the text of x in the call x.m(), "" if it is not written so.
func (r *reporter) receiver(in ssa.Instruction) string {
	if c := r.calls[in.Pos()]; c != nil {
		if sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok {
			return text(sel.X)
		}
	}
	return ""
}

// line says where another place is: "line 12", or "file.go:12" if the file differs.
func (r *reporter) line(at, from token.Pos) string { return lineOf(r.pass.Fset, at, from) }

func (r *reporter) report(at token.Pos, msg string) {
	d := diagnosis{at, msg}
	if !at.IsValid() || r.said[d] {
		return
	}
	r.said[d] = true
	p := r.pass.Fset.Position(at)
	for _, ig := range r.ignores {
		if ig.analyzer == r.pass.Analyzer.Name && ig.reason != "" && ig.covers(p) {
			return
		}
	}
	r.pass.Report(analysis.Diagnostic{Pos: at, Message: msg})
}

// testCode returns which files are test code: those of tests, and those of packages that
// help tests and so import testing.
func testCode(pass *analysis.Pass) map[string]bool {
	files := map[string]bool{}
	for _, file := range pass.Files {
		name := pass.Fset.Position(file.Package).Filename
		files[name] = strings.HasSuffix(name, "_test.go")
		for _, i := range file.Imports {
			files[name] = files[name] || i.Path.Value == `"testing"`
		}
	}
	return files
}
