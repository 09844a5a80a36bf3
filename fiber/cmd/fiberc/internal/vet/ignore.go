package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Ignore checks the comments that silence the other analyzers:
//
//	//fiberc:ignore fiberblock the channel has a place for every sender
//
// silences one analyzer on its line, or on the next one if it stands alone. Without a
// reason it silences nothing and is reported.
var Ignore = &analysis.Analyzer{
	Name: "fiberignore",
	Doc:  "report //fiberc:ignore comments without a reason or with an unknown analyzer",
	URL:  docURL,
	Run:  runIgnore,
}

const ignorePrefix = "//fiberc:ignore"

// An ignore is one such comment.
type ignore struct {
	at       token.Pos
	place    token.Position
	alone    bool // nothing else stands on its line
	analyzer string
	reason   string
}

// covers reports whether the comment speaks of a line.
func (ig ignore) covers(p token.Position) bool {
	return ig.place.Filename == p.Filename &&
		(ig.place.Line == p.Line && !ig.alone || ig.place.Line+1 == p.Line && ig.alone)
}

func ignoresOf(pass *analysis.Pass) (list []ignore) {
	for _, file := range pass.Files {
		for _, group := range file.Comments {
			for _, c := range group.List {
				rest, ok := strings.CutPrefix(c.Text, ignorePrefix)
				if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
					continue
				}
				ig := ignore{at: c.Pos(), place: pass.Fset.Position(c.Pos())}
				ig.alone = alone(pass, c)
				// In a test of the analyzers a comment may follow in the comment.
				rest, _, _ = strings.Cut(rest, "// want")
				ig.analyzer, ig.reason, _ = strings.Cut(strings.TrimSpace(rest), " ")
				ig.reason = strings.TrimSpace(ig.reason)
				list = append(list, ig)
			}
		}
	}
	return list
}

// alone reports whether nothing stands before a comment on its line.
func alone(pass *analysis.Pass, c *ast.Comment) bool {
	f := pass.Fset.File(c.Pos())
	src, err := pass.ReadFile(f.Name())
	if err != nil {
		return true
	}
	end := f.Offset(c.Pos())
	if end > len(src) {
		return true
	}
	start := end
	for start > 0 && src[start-1] != '\n' {
		start--
	}
	return strings.TrimSpace(string(src[start:end])) == ""
}

func runIgnore(pass *analysis.Pass) (any, error) {
	names := []string{Block.Name, Mutex.Name, Borrow.Name, Thread.Name}
	for _, ig := range ignoresOf(pass) {
		switch {
		case !slices.Contains(names, ig.analyzer):
			pass.Reportf(ig.at, "fiberc:ignore wants the name of an analyzer (%s) and a reason", strings.Join(names, ", "))
		case ig.reason == "":
			pass.Reportf(ig.at, "fiberc:ignore %s silences nothing without a reason", ig.analyzer)
		}
	}
	return nil, nil
}

// text is an expression as it is written.
func text(e ast.Expr) string { return types.ExprString(e) }

func lineOf(fset *token.FileSet, at, from token.Pos) string {
	p, q := fset.Position(at), fset.Position(from)
	if p.Filename == q.Filename {
		return "line " + strconv.Itoa(p.Line)
	}
	return filepath.Base(p.Filename) + ":" + strconv.Itoa(p.Line)
}
