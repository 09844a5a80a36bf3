// Package compile turns functions that may park into state machines, source to source.
// See lower.go for the theory of operation, docs/COMPILER.md for what it is to users.
package compile

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
)

// Loading. Packages that can have to do with fibers are type-checked from source, each
// once: there is one types.Package, and so one object for a function, whoever imports it.
// All others come from the export data of the go command.
//
// With tests it is the same. Go builds a package under test several times, with its test
// files and without. Here the files of a package come first, those of all packages; then
// the test files are added to the packages that are named, as a checker allows; then come
// the external tests. So the analysis sees all at once, and what is generated for a file
// that is no test is the same for each build: it must not name what a test file declares
// (see Func.test), and cannot, but for what emit.go takes care of.

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

	guess   bool           // what is not known may park: for what explain says
	refused bool           // a loop was, while the function around it was lowered
	reached map[*Func]bool // what compiled code gets to, after Compile
	locals  map[*types.Var]*local
	escapes map[any]bool     // see escape.go
	slots   map[string]*slot // by their keys
	noWait  map[types.Object]bool

	entries  map[ast.Expr]entry // see values.go
	byPkg    map[*types.Package]*Package
	funcs    map[types.Object]*Func // declared ones, by their generic origin
	lits     map[*ast.FuncLit]*Func
	loops    map[*ast.RangeStmt]*Func // ranges over functions
	deferred map[int]bool             // see findDeferred
	params   map[*types.Var]parameter // of all functions
	makers   map[*Func]*maker         // see makers.go
	all      []*Func                  // in order of packages and positions
}

// A Package is one of them, with its sources.
type Package struct {
	PkgPath    string // with "_test" at the end if it is an external test
	Dir        string
	Module     *GoModule // nil if there is none
	Types      *types.Package
	TypesInfo  *types.Info
	TypesSizes types.Sizes
	Syntax     []*ast.File
	Imports    map[string]*types.Package // as files spell them
	Skip       string                    // why nothing in it is compiled, "" if it may be

	within   string // the import path of its folder
	tests    map[*ast.File]bool
	external bool // all of it is a test's
	checker  *types.Checker
	src      map[*ast.File][]byte
	names    map[string]bool // of second bodies
	files    map[*ast.File]*fileNames
	helpers  *helpers                 // of the package
	helpersT *helpers                 // of its tests
	moved    map[*types.TypeName]bool // local types that are the package's, see localtypes.go
	prog     *Program
}

func newPackage(path string, t *types.Package) *Package {
	return &Package{PkgPath: path, Types: t, within: path, src: map[*ast.File][]byte{}, names: map[string]bool{},
		tests: map[*ast.File]bool{}, files: map[*ast.File]*fileNames{}, Imports: map[string]*types.Package{}}
}

func newProgram() *Program {
	return &Program{Roots: map[string]bool{}, byPkg: map[*types.Package]*Package{},
		funcs: map[types.Object]*Func{}, lits: map[*ast.FuncLit]*Func{}, loops: map[*ast.RangeStmt]*Func{},
		params: map[*types.Var]parameter{}, noWait: map[types.Object]bool{}}
}

// Load loads the packages that patterns name, for the go command's flags.
func Load(dir string, flags, patterns []string) (*Program, error) {
	ls, err := List(dir, flags, patterns, false)
	if err != nil {
		return nil, err
	}
	return ls.Load()
}

// Load reads and type-checks the packages of a listing.
func (ls *Listing) Load() (*Program, error) {
	p := newProgram()
	for _, q := range ls.packages {
		if !q.DepOnly {
			p.Roots[q.ImportPath] = true
		}
	}
	if ls.Empty() {
		return p, nil // nothing in it can wait
	}
	var err error
	if p.std, err = standard(ls); err != nil {
		return nil, err
	}
	return p, p.load(ls)
}

// A loader type-checks the packages of a listing.
type loader struct {
	*Program
	ls      *Listing
	exports map[string]string
	types   map[string]*types.Package // by import path
	parsed  map[string]*parsing       // by file name
}

// parsing is a file that is being read.
type parsing struct {
	done chan struct{}
	file *ast.File
	src  []byte
	err  error
}

func (p *Program) load(ls *Listing) (err error) {
	p.env, p.Fset = ls.env, token.NewFileSet()
	ld := &loader{Program: p, ls: ls, types: map[string]*types.Package{"unsafe": types.Unsafe}, parsed: map[string]*parsing{}}
	var reading sync.WaitGroup
	defer reading.Wait()
	for _, q := range ls.packages {
		if ls.used[q.ImportPath] {
			ld.parse(&reading, q, q.GoFiles)
			ld.parse(&reading, q, q.CgoFiles)
			if ls.tested(q) {
				ld.parse(&reading, q, q.TestGoFiles)
				ld.parse(&reading, q, q.XTestGoFiles)
			}
		}
	}
	if ld.exports, err = ls.exports(); err != nil {
		return err
	}
	order, err := ld.order()
	if err != nil {
		return err
	}
	made := map[string]*Package{}
	var tests []*listed
	for _, q := range order {
		pkg := ld.add(q, q.ImportPath, q.Name)
		made[q.ImportPath] = pkg
		switch {
		case len(q.CgoFiles) > 0:
			pkg.Skip = "the package uses cgo"
		case p.env.cached(q.Dir) && (q.Module == nil || q.Module.dir() == ""):
			pkg.Skip = "the package lies in the module cache and belongs to no module"
		}
		files := append(q.GoFiles[:len(q.GoFiles):len(q.GoFiles)], q.CgoFiles...)
		if ls.tested(q) {
			tests = append(tests, q)
			if ld.joined(q) {
				files = append(files, q.TestGoFiles...)
			}
		}
		if err := ld.check(pkg, q, files); err != nil {
			return err
		}
		ld.types[q.ImportPath] = pkg.Types
	}
	for _, q := range tests {
		pkg := made[q.ImportPath]
		if !ld.joined(q) && len(q.TestGoFiles) > 0 {
			if err := ld.check(pkg, q, q.TestGoFiles); err != nil {
				return err
			}
		}
		pkg.findHidden()
	}
	for _, q := range tests {
		if len(q.XTestGoFiles) == 0 {
			continue
		}
		pkg := ld.add(q, q.ImportPath+"_test", q.Name+"_test")
		pkg.external, pkg.within, pkg.Skip = true, q.ImportPath, made[q.ImportPath].Skip
		p.Roots[pkg.PkgPath] = true
		if err := ld.check(pkg, q, q.XTestGoFiles); err != nil {
			return err
		}
	}
	return nil
}

// parse begins to read files of a package.
func (ld *loader) parse(reading *sync.WaitGroup, q *listed, names []string) {
	for _, name := range names {
		name = filepath.Join(q.Dir, name)
		f := &parsing{done: make(chan struct{})}
		ld.parsed[name] = f
		reading.Go(func() {
			defer close(f.done)
			if f.src, f.err = os.ReadFile(name); f.err == nil {
				f.file, f.err = parser.ParseFile(ld.Fset, name, f.src, parser.ParseComments|parser.SkipObjectResolution)
			}
		})
	}
}

// add makes a package without files.
func (ld *loader) add(q *listed, path, name string) *Package {
	pkg := newPackage(path, types.NewPackage(path, name))
	pkg.Dir, pkg.Module = q.Dir, q.Module
	pkg.TypesSizes = types.SizesFor("gc", ld.env.arch)
	pkg.TypesInfo = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, FileVersions: map[*ast.File]string{},
	}
	ld.Pkgs = append(ld.Pkgs, pkg)
	ld.byPkg[pkg.Types] = pkg
	config := &types.Config{Sizes: pkg.TypesSizes, FakeImportC: true, Importer: importer(func(path string) (*types.Package, error) {
		return ld.imported(pkg, q, path)
	})}
	if q.Module != nil && q.Module.GoVersion != "" {
		config.GoVersion = "go" + q.Module.GoVersion
	}
	pkg.checker = types.NewChecker(config, ld.Fset, pkg.Types, pkg.TypesInfo)
	return pkg
}

// check adds files to a package.
func (ld *loader) check(pkg *Package, q *listed, names []string) error {
	var files []*ast.File
	for _, name := range names {
		f := ld.parsed[filepath.Join(q.Dir, name)]
		<-f.done
		if f.err != nil {
			return fmt.Errorf("%w: %v", ErrBroken, f.err)
		}
		pkg.src[f.file] = f.src
		pkg.tests[f.file] = strings.HasSuffix(name, "_test.go")
		files = append(files, f.file)
	}
	if err := pkg.checker.Files(files); err != nil {
		return fmt.Errorf("%w: %v", ErrBroken, err)
	}
	pkg.Syntax = append(pkg.Syntax, files...)
	return nil
}

// importer is a function as types.Importer.
type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }

// imported finds what a file of pkg imports.
func (ld *loader) imported(pkg *Package, q *listed, path string) (*types.Package, error) {
	full := path
	if to := q.ImportMap[path]; to != "" {
		full = to
	}
	t := ld.types[full]
	if t == nil || !t.Complete() {
		name := ld.exports[full]
		if name == "" {
			return nil, fmt.Errorf("no export data of %s", full)
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		//lint:ignore SA1019 up to Go 1.27 the go command exports archives, which Read alone refuses
		r, err := gcexportdata.NewReader(f)
		if err != nil {
			return nil, err
		}
		if t, err = gcexportdata.Read(r, ld.Fset, ld.types, full); err != nil {
			return nil, err
		}
	}
	pkg.Imports[path] = t
	return t, nil
}

// dir is where a module's files are.
func (m *GoModule) dir() string {
	if m.Replace != nil {
		return m.Replace.Dir
	}
	return m.Dir
}

// position is pos as file:line with the file's base name.
func (p *Program) position(pos token.Pos) string {
	at := p.Fset.Position(pos)
	return fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
}

// mayImport reports whether files of a package may import path.
func (pkg *Package) mayImport(path string) bool {
	elems := strings.Split(path, "/")
	for i := len(elems) - 1; i >= 0; i-- {
		if elems[i] == "internal" {
			parent := strings.Join(elems[:i], "/")
			if parent == "" {
				return !strings.Contains(strings.Split(pkg.within, "/")[0], ".") // in the standard library
			}
			return pkg.within == parent || strings.HasPrefix(pkg.within, parent+"/")
		}
	}
	return true
}
