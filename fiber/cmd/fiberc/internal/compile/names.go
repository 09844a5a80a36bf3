package compile

import (
	"go/ast"
	"go/types"
	"strconv"
)

// fileNames are the imports of a generated file: those of the file it belongs to, under
// the same names, and what its types need beyond them.
type fileNames struct {
	pkg   *Package
	byPkg map[string]string // path -> name
	names map[string]string // name -> path

	test    bool // it is a test's
	generic bool // the function that is lowered has type parameters, under their names
}

func newFileNames(pkg *Package, file *ast.File) *fileNames {
	f := &fileNames{pkg: pkg, byPkg: map[string]string{}, names: map[string]string{}, test: pkg.tests[file]}
	f.add("abi_", abiPath)
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		var name string
		if spec.Name != nil {
			name = spec.Name.Name
		} else if imp := pkg.Imports[path]; imp != nil {
			name = imp.Name()
		}
		if name == "_" || name == "." || name == "" {
			continue
		}
		f.add(name, path)
	}
	return f
}

func (f *fileNames) add(name, path string) {
	f.names[name] = path
	if f.byPkg[path] == "" {
		f.byPkg[path] = name
	}
}

func (f *fileNames) has(name string) bool { return f.names[name] != "" }

// of returns the name of a package in the file, importing it if need be.
func (f *fileNames) of(p *types.Package) string {
	if p == f.pkg.Types {
		return ""
	}
	name := f.byPkg[p.Path()]
	if name == "" {
		for i := 1; ; i++ {
			name = p.Name() + "_" + strconv.Itoa(i)
			if !f.has(name) && f.pkg.Types.Scope().Lookup(name) == nil {
				break
			}
		}
		f.add(name, p.Path())
	}
	return name
}

// typ spells a type, or refuses.
func (f *fileNames) typ(t types.Type, at ast.Node) string {
	f.spellable(t, at, map[types.Type]bool{})
	return types.TypeString(t, f.of)
}

// spellable refuses types that have no name here: those local to a function, and those
// other packages do not export.
func (f *fileNames) spellable(t types.Type, at ast.Node, seen map[types.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	name := func(o *types.TypeName) {
		if o.Pkg() == nil {
			return
		}
		if o.Parent() != o.Pkg().Scope() {
			f.local(o, at)
			return
		}
		if o.Pkg() != f.pkg.Types && !o.Exported() {
			no(at, "a value of type %s.%s, which has no name here", o.Pkg().Name(), o.Name())
		}
		if o.Pkg() != f.pkg.Types && !f.pkg.mayImport(o.Pkg().Path()) {
			no(at, "a value of type %s, whose package cannot be imported here", o.Pkg().Path()+"."+o.Name())
		}
	}
	args := func(l *types.TypeList) {
		for i := range l.Len() {
			f.spellable(l.At(i), at, seen)
		}
	}
	switch t := t.(type) {
	case *types.Alias:
		name(t.Obj())
		args(t.TypeArgs())
	case *types.Named:
		name(t.Obj())
		args(t.TypeArgs())
	case *types.TypeParam:
		if !f.generic {
			no(at, "a value of type parameter %s", t.Obj().Name())
		}
	case *types.Pointer:
		f.spellable(t.Elem(), at, seen)
	case *types.Slice:
		f.spellable(t.Elem(), at, seen)
	case *types.Array:
		f.spellable(t.Elem(), at, seen)
	case *types.Chan:
		f.spellable(t.Elem(), at, seen)
	case *types.Map:
		f.spellable(t.Key(), at, seen)
		f.spellable(t.Elem(), at, seen)
	case *types.Tuple:
		for i := range t.Len() {
			f.spellable(t.At(i).Type(), at, seen)
		}
	case *types.Signature:
		f.spellable(t.Params(), at, seen)
		f.spellable(t.Results(), at, seen)
	case *types.Struct:
		for i := range t.NumFields() {
			if v := t.Field(i); !v.Exported() && v.Pkg() != f.pkg.Types {
				no(at, "a struct with unexported fields of another package")
			}
			f.spellable(t.Field(i).Type(), at, seen)
		}
	case *types.Interface:
		for i := range t.NumExplicitMethods() {
			f.spellable(t.ExplicitMethod(i).Type(), at, seen)
		}
		for i := range t.NumEmbeddeds() {
			f.spellable(t.EmbeddedType(i), at, seen)
		}
	case *types.Union:
		for i := range t.Len() {
			f.spellable(t.Term(i).Type(), at, seen)
		}
	}
}
