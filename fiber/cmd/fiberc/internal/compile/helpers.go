package compile

import (
	"go/ast"
	gobuild "go/build"
	"go/token"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Helpers are the functions and variables of generated code that belong to a package and
// not to one of its files: handshakes, slots, binders of methods. Those that only code of
// tests needs go to a file of their own, since the package is also built without it.

// helpers is one such file.
type helpers struct {
	names *fileNames
	texts map[string]string // by what they are called
}

// helper returns the helpers for code of a package's tests, or for other code.
func (pkg *Package) helper(test bool) *helpers {
	h := &pkg.helpers
	if test {
		h = &pkg.helpersT
	}
	if *h == nil {
		*h = &helpers{newFileNames(pkg, &ast.File{}), map[string]string{}}
		(*h).names.test = test
	}
	return *h
}

// has reports whether code of a package's tests, or other code, finds a helper.
func (pkg *Package) has(name string, test bool) bool {
	return pkg.helper(false).texts[name] != "" || test && pkg.helper(true).texts[name] != ""
}

// writeHelpers adds the files of a package's helpers.
func (pkg *Package) writeHelpers(out Output) error {
	if pkg.helpersT != nil && pkg.helpers != nil {
		for name := range pkg.helpers.texts {
			delete(pkg.helpersT.texts, name)
		}
	}
	write := func(h *helpers, file string) error {
		if h == nil || len(h.texts) == 0 {
			return nil
		}
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(h.texts)) {
			b.WriteString(h.texts[name])
		}
		text, err := finish(pkg, h.names, b.String(), "")
		if err == nil {
			out[filepath.Join(pkg.Dir, file)] = text
		}
		return err
	}
	if err := write(pkg.helpers, "zz_fiberc.go"); err != nil {
		return err
	}
	if pkg.external {
		return write(pkg.helpersT, "zz_fibercx_test.go")
	}
	return write(pkg.helpersT, "zz_fiberc_test.go")
}

// generatedName is that of the file with the second bodies of a source file's functions.
// It must be a test's if the source is, and must not get a constraint by its name that
// the source does not have: linux.go is for all systems.
func generatedName(base string) string {
	name := "zz_fiberc_" + base
	if !strings.HasSuffix(base, "_test.go") && (strings.HasSuffix(name, "_test.go") || constrained(name) && !constrained(base)) {
		return strings.TrimSuffix(name, ".go") + "_.go"
	}
	return name
}

// constrained reports whether a file's name says for which systems it is.
func constrained(name string) bool {
	none := gobuild.Context{GOOS: "none", GOARCH: "none", Compiler: "gc", OpenFile: func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("package p\n")), nil
	}}
	ok, err := none.MatchFile("", name)
	return err == nil && !ok
}

// inTest reports whether a place lies in a file of a test.
func (p *Program) inTest(pos token.Pos) bool {
	f := p.Fset.File(pos)
	return f != nil && strings.HasSuffix(f.Name(), "_test.go")
}
