package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
)

// What test files need when packages are loaded, see load.go.

// joined reports whether the test files of a package must be checked with its others:
// they declare methods of a generic type, which a checker cannot add to instances.
func (ld *loader) joined(q *listed) bool {
	for _, name := range q.TestGoFiles {
		f := ld.parsed[filepath.Join(q.Dir, name)]
		if f == nil {
			continue
		}
		<-f.done
		if f.file == nil {
			continue // check will say it
		}
		for _, d := range f.file.Decls {
			if fd, ok := d.(*ast.FuncDecl); ok && fd.Recv != nil && len(fd.Recv.List) == 1 {
				t := ast.Unparen(fd.Recv.List[0].Type)
				if star, ok := t.(*ast.StarExpr); ok {
					t = ast.Unparen(star.X)
				}
				if _, plain := t.(*ast.Ident); !plain {
					return true
				}
			}
		}
	}
	return false
}

// order returns the used packages, imported before importing, where the imports of joined
// tests count too. Two packages whose joined tests import each other have no order.
func (ld *loader) order() ([]*listed, error) {
	byPath := map[string]*listed{}
	for _, q := range ld.ls.packages {
		byPath[q.ImportPath] = q
	}
	var list []*listed
	state := map[*listed]int{} // 1 while it is visited, 2 afterwards
	var visit func(q *listed) error
	visit = func(q *listed) error {
		if q == nil || state[q] == 2 {
			return nil
		}
		if state[q] == 1 {
			return fmt.Errorf("%w: tests of %s and of another package declare methods of generic types and import each other's", ErrBroken, q.ImportPath)
		}
		state[q] = 1
		imports := q.Imports
		if ld.ls.used[q.ImportPath] && ld.ls.tested(q) && ld.joined(q) {
			imports = slices.Concat(imports, q.TestImports)
		}
		for _, path := range imports {
			if err := visit(byPath[path]); err != nil {
				return err
			}
		}
		state[q] = 2
		if ld.ls.used[q.ImportPath] {
			list = append(list, q)
		}
		return nil
	}
	for _, q := range ld.ls.packages {
		if err := visit(q); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// findHidden looks for a method that a test declares in place of a promoted one: code
// that is no test means the one or the other, by how it is built.
func (pkg *Package) findHidden() {
	for _, file := range pkg.Syntax {
		if !pkg.tests[file] {
			continue
		}
		for _, d := range file.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Recv == nil {
				continue
			}
			fn := pkg.TypesInfo.Defs[fd.Name].(*types.Func)
			n := named(fn.Signature().Recv().Type())
			if n == nil {
				continue
			}
			t, ok := n.Underlying().(*types.Struct)
			for i := 0; ok && i < t.NumFields(); i++ {
				if !t.Field(i).Embedded() {
					continue
				}
				if o, _, _ := types.LookupFieldOrMethod(t.Field(i).Type(), true, pkg.Types, fn.Name()); o != nil && !pkg.tests[pkg.fileOf(n.Obj().Pos())] {
					pkg.Skip = "a test declares method " + n.Obj().Name() + "." + fn.Name() + ", which hides a promoted one"
				}
			}
		}
	}
}

// fileOf returns the file that a place lies in.
func (pkg *Package) fileOf(pos token.Pos) *ast.File {
	for _, f := range pkg.Syntax {
		if f.FileStart <= pos && pos < f.FileEnd {
			return f
		}
	}
	return nil
}

// test reports whether a function lies in a file of a test.
func (f *Func) test() bool { return f.Pkg.tests[f.File] }
