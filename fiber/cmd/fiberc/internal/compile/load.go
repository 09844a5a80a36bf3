// Package compile turns functions that may park into state machines, source to source.
// See lower.go for the theory of operation, docs/COMPILER.md for what it is to users.
package compile

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Module is the path of the framework.
const Module = "github.com/heddle-go/heddle"

const (
	fiberPath = Module + "/fiber"
	abiPath   = Module + "/fiber/abi"
)

// ErrBroken says that the program does not load or type-check: the go command says why,
// better than fiberc could.
var ErrBroken = errors.New("the program does not type-check")

// A Program is the packages that can have anything to do with fibers: those that import
// package fiber, however indirectly, and fiber itself.
type Program struct {
	Fset  *token.FileSet
	Pkgs  []*Package // imported before importing
	Roots map[string]bool
	env   goEnv
	std   *Standard // what is compiled of the standard library
	isStd bool      // it is the standard library itself
	chaos uint32    // not 0: see chaos.go

	reached map[*Func]bool // what compiled code gets to, after Compile
	locals  map[*types.Var]*local
	escapes map[any]bool     // see escape.go
	slots   map[string]*slot // by their keys
	noWait  map[types.Object]bool

	methodValues map[*ast.SelectorExpr]*Func
	byPkg        map[*types.Package]*Package
	funcs        map[types.Object]*Func // declared ones, by their generic origin
	lits         map[*ast.FuncLit]*Func
	all          []*Func // in order of packages and positions
}

// A Package is one of them, with its sources.
type Package struct {
	*packages.Package
	Skip string // why nothing in it is compiled, "" if it may be

	src     map[*ast.File][]byte
	names   map[string]bool // of second bodies
	helpers map[string]string
	files   map[*ast.File]*fileNames // of the generated ones
	common  *fileNames               // of the file of helpers
	moved   map[*types.TypeName]bool // local types that are the package's, see localtypes.go
	prog    *Program
}

func newPackage(q *packages.Package, t *types.Package) *Package {
	if q == nil {
		q = &packages.Package{PkgPath: t.Path(), Types: t}
	}
	return &Package{Package: q, src: map[*ast.File][]byte{}, names: map[string]bool{},
		helpers: map[string]string{}, files: map[*ast.File]*fileNames{}}
}

func newProgram() *Program {
	return &Program{Roots: map[string]bool{}, byPkg: map[*types.Package]*Package{},
		funcs: map[types.Object]*Func{}, lits: map[*ast.FuncLit]*Func{}, noWait: map[types.Object]bool{}}
}

// Load loads the packages that patterns name, for the go command's flags.
func Load(dir string, flags, patterns []string) (*Program, error) {
	cfg := &packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedModule | packages.NeedFiles,
		Dir:  dir, BuildFlags: flags,
	}
	roots, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, err
	}
	uses := map[string]bool{}
	p := newProgram()
	broken := false
	var order []string
	packages.Visit(roots, nil, func(q *packages.Package) {
		broken = broken || len(q.Errors) > 0
		if q.PkgPath == abiPath {
			return
		}
		if q.PkgPath == fiberPath {
			uses[q.PkgPath] = true
		}
		for _, imp := range q.Imports {
			if uses[imp.PkgPath] {
				uses[q.PkgPath] = true
			}
		}
		if uses[q.PkgPath] {
			order = append(order, q.PkgPath)
		}
	})
	if broken {
		return nil, ErrBroken
	}
	for _, q := range roots {
		p.Roots[q.PkgPath] = true
	}
	if !uses[fiberPath] {
		return p, nil // nothing in it can wait
	}
	if p.std, err = standard(dir, flags); err != nil {
		return nil, err
	}
	return p, p.load(dir, flags, order)
}

// load reads and type-checks packages, imported before importing.
func (p *Program) load(dir string, flags, order []string) (err error) {
	if p.env, err = readEnv(dir); err != nil {
		return err
	}
	p.Fset = token.NewFileSet()
	cfg := &packages.Config{
		Mode: packages.LoadSyntax | packages.NeedModule, //nolint:staticcheck // what the roots need and no more
		Dir:  dir, BuildFlags: flags, Fset: p.Fset,
	}
	list, err := packages.Load(cfg, order...)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, path := range order {
		at[path] = i
	}
	sort.Slice(list, func(i, j int) bool { return at[list[i].PkgPath] < at[list[j].PkgPath] })
	for _, q := range list {
		if len(q.Errors) > 0 || q.IllTyped {
			return ErrBroken
		}
		pkg := newPackage(q, q.Types)
		p.Pkgs = append(p.Pkgs, pkg)
		p.byPkg[q.Types] = pkg
		for i, f := range q.Syntax {
			name := q.CompiledGoFiles[i]
			src, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			pkg.src[f] = src
			if filepath.Dir(name) != q.Dir {
				pkg.Skip = "the package uses cgo"
			}
		}
		if p.env.cached(q.Dir) && (q.Module == nil || moduleDir(q.Module) == "") {
			pkg.Skip = "the package lies in the module cache and belongs to no module"
		}
	}
	return nil
}

// listPackages returns the paths that patterns name.
func listPackages(dir string, flags, patterns []string) ([]string, error) {
	list, err := packages.Load(&packages.Config{Mode: packages.NeedName, Dir: dir, BuildFlags: flags}, patterns...)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, q := range list {
		if len(q.Errors) > 0 {
			return nil, ErrBroken
		}
		paths = append(paths, q.PkgPath)
	}
	return paths, nil
}

// position is pos as file:line with the file's base name.
func (p *Program) position(pos token.Pos) string {
	at := p.Fset.Position(pos)
	return fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
}

// importable reports whether the package from may import path.
func importable(path, from string) bool {
	elems := strings.Split(path, "/")
	for i := len(elems) - 1; i >= 0; i-- {
		if elems[i] == "internal" {
			parent := strings.Join(elems[:i], "/")
			if parent == "" {
				return !strings.Contains(strings.Split(from, "/")[0], ".") // in the standard library
			}
			return from == parent || strings.HasPrefix(from, parent+"/")
		}
	}
	return true
}
