package vet

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNames holds the table of the framework's names against its sources: each name is
// there, and each method that by its doc comment lends bytes is in the table.
func TestNames(t *testing.T) {
	for path, names := range framework {
		dir := filepath.Join("..", "..", "..", "..", "..", strings.TrimPrefix(path, frameworkPath))
		found := map[string]*ast.FuncDecl{}
		fset := token.NewFileSet()
		matches, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(matches) == 0 {
			t.Fatalf("no sources in %s: %v", dir, err)
		}
		for _, name := range matches {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if fd, ok := d.(*ast.FuncDecl); ok {
					found[declared(fd)] = fd
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if found[name] == nil {
				t.Errorf("%s has no %s", path, name)
			}
		}
		for name, fd := range found {
			if !exportedMethod(fd) || names[name]&(lends|lendsTo) != 0 {
				continue
			}
			says := fd.Doc.Text()
			if returnsBytes(fd) && (strings.Contains(says, "lent") || strings.Contains(says, "lends") || strings.Contains(says, "borrowed")) {
				t.Errorf("%s.%s lends bytes by its comment, and is not in the table", path, name)
			}
		}
	}
}

// declared is the name of a function in the table.
func declared(fd *ast.FuncDecl) string {
	if fd.Recv == nil {
		return fd.Name.Name
	}
	typ := fd.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
			continue
		case *ast.IndexExpr:
			typ = t.X
			continue
		case *ast.Ident:
			return t.Name + "." + fd.Name.Name
		}
		return fd.Name.Name
	}
}

func exportedMethod(fd *ast.FuncDecl) bool {
	name := declared(fd)
	return fd.Recv != nil && ast.IsExported(name) && fd.Name.IsExported()
}

func returnsBytes(fd *ast.FuncDecl) bool {
	if fd.Type.Results == nil {
		return false
	}
	return slices.ContainsFunc(fd.Type.Results.List, func(f *ast.Field) bool { return text(f.Type) == "[]byte" })
}
