package compile

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// narrow returns a shortest part of list that it can find with which fails still holds.
func narrow[E any](list []E, fails func([]E) bool) []E {
	for n := (len(list) + 1) / 2; n > 0 && len(list) > 1; {
		smaller := false
		for i := 0; i < len(list) && len(list) > 1; {
			part := slices.Concat(list[:i], list[min(len(list), i+n):])
			if len(part) > 0 && fails(part) {
				list, smaller = part, true
				continue
			}
			i += n
		}
		if !smaller && n == 1 {
			break
		}
		n = max(1, min(n/2, len(list)/2))
	}
	return list
}

// shrink removes statements from a file, and takes blocks and operands out of what they
// are in, while fails still holds.
func shrink(src string, fails func(src string) bool) string {
	for {
		smaller := ""
		for _, c := range smallerOnes(src) {
			if len(c) < len(src) && fails(c) {
				smaller = c
				break
			}
		}
		if smaller == "" {
			return src
		}
		if nice, err := format.Source([]byte(smaller)); err == nil && len(nice) < len(src) {
			smaller = string(nice)
		}
		src = smaller
	}
}

// smallerOnes are the files that have a statement or two less, the largest first, or a part
// of one or of an expression in its place.
func smallerOnes(src string) []string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	type cut struct {
		from, to int
		text     string
	}
	var cuts []cut
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	add := func(s ast.Stmt) {
		c := cut{from: at(s.Pos()), to: at(s.End())}
		cuts = append(cuts, c)
		ast.Inspect(s, func(n ast.Node) bool {
			if b, ok := n.(*ast.BlockStmt); ok && ast.Stmt(b) != s {
				c.text = src[at(b.Pos()):at(b.End())]
				cuts = append(cuts, c)
				return false
			}
			return true
		})
		if l, ok := s.(*ast.LabeledStmt); ok {
			c.text = src[at(l.Stmt.Pos()):at(l.Stmt.End())]
			cuts = append(cuts, c)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			for i, s := range n.List {
				add(s)
				// A variable and its only use; a label and what goes there.
				for j := max(0, i-2); j < i; j++ {
					cuts = append(cuts, cut{from: at(n.List[j].Pos()), to: at(s.End())})
				}
			}
		case *ast.CaseClause:
			for _, s := range n.Body {
				add(s)
			}
		case *ast.CommClause:
			for _, s := range n.Body {
				add(s)
			}
		case *ast.CallExpr:
			for _, e := range n.Args {
				cuts = append(cuts, cut{at(n.Pos()), at(n.End()), src[at(e.Pos()):at(e.End())]})
			}
		case *ast.BinaryExpr:
			for _, e := range []ast.Expr{n.X, n.Y} {
				cuts = append(cuts, cut{at(n.Pos()), at(n.End()), src[at(e.Pos()):at(e.End())]})
			}
		case *ast.FuncDecl, *ast.GenDecl:
			cuts = append(cuts, cut{from: at(n.Pos()), to: at(n.End())})
		}
		return true
	})
	slices.SortStableFunc(cuts, func(a, b cut) int { return (b.to - b.from - len(b.text)) - (a.to - a.from - len(a.text)) })
	var list []string
	for _, c := range cuts {
		list = append(list, src[:c.from]+c.text+src[c.to:])
	}
	return list
}

// checker returns a function that reports whether a file of cases type-checks together
// with the driver.
func checker(t *testing.T) func(src string) bool {
	t.Helper()
	driver, err := os.ReadFile("testdata/driver.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	parse := func(fset *token.FileSet, src string) *ast.File {
		f, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
		if err != nil {
			return nil
		}
		return f
	}
	var paths []string
	for _, src := range []string{string(driver), batch(1, nil, 0)} {
		for _, spec := range parse(token.NewFileSet(), src).Imports {
			paths = append(paths, strings.Trim(spec.Path.Value, `"`))
		}
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedName, Dir: repository(t)}, paths...)
	if err != nil {
		t.Fatal(err)
	}
	known := known{}
	for _, p := range loaded {
		known[p.PkgPath] = p.Types
	}
	return func(src string) bool {
		fset := token.NewFileSet()
		f := parse(fset, src)
		if f == nil {
			return false
		}
		_, err := (&types.Config{Importer: known}).Check("main", fset, []*ast.File{parse(fset, string(driver)), f}, nil)
		return err == nil
	}
}

// known imports packages that were loaded before.
type known map[string]*types.Package

func (k known) Import(path string) (*types.Package, error) {
	if p := k[path]; p != nil {
		return p, nil
	}
	return nil, os.ErrNotExist
}

// The shrinker finds the one statement that a failure needs, and what keeps it a program.
func TestShrink(t *testing.T) {
	t.Parallel()
	check := checker(t)
	src := batch(5, []int{0, 1, 2}, 25)
	if !check(src) {
		t.Fatal("a random program does not type-check")
	}
	src = strings.Replace(src, "t.log(arr, fixed, m)", "for i := range 3 {\nif i > 0 {\nt.log(\"needle\", i)\n}\n}\nt.log(arr, fixed, m)", 1)
	tries := 0
	got := shrink(src, func(src string) bool {
		tries++
		return strings.Contains(src, `"needle", i`) && check(src)
	})
	t.Logf("%d tries:\n%s", tries, got)
	if n := strings.Count(got, "\n"); n > 26 || !strings.Contains(got, "needle") {
		t.Errorf("%d lines are left:\n%s", n, got)
	}
	if got := narrow([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, func(l []int) bool {
		return slices.Contains(l, 3) && slices.Contains(l, 8)
	}); !slices.Equal(got, []int{3, 8}) {
		t.Errorf("narrow: %v", got)
	}
}
