package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// Types declared in a function. Both bodies must have the same, so such a type moves to
// package level, under its own name, which %T and panics print: its declaration in the
// function becomes one of the blank alias, `type _ = …`, which keeps imports used and
// lines where they are. That needs a name that is free in the package
// and in the function.

// local makes a type declared in a function one of the package, or refuses.
func (f *fileNames) local(o *types.TypeName, at ast.Node) {
	pkg := f.pkg
	if pkg.moved[o] {
		return
	}
	if o.Pkg() != pkg.Types || pkg.prog == nil {
		no(at, "a value of the local type %s of another package", o.Name())
	}
	if why := pkg.fixed(o); why != "" {
		no(at, "the type %s declared in a function: %s", o.Name(), why)
	}
	if pkg.moved == nil {
		pkg.moved = map[*types.TypeName]bool{}
	}
	pkg.moved[o] = true // it may mention itself
	spec := pkg.spec(o)
	eq := " "
	if spec.Assign.IsValid() {
		eq = " = "
	}
	h := pkg.helper(pkg.prog.inTest(o.Pos()))
	text := h.names.typ(pkg.TypesInfo.TypeOf(spec.Type), at)
	h.texts["type "+o.Name()] = "type " + o.Name() + eq + text + "\n\n"
}

// fixed returns why a local type cannot move to package level, "" if it can.
func (pkg *Package) fixed(o *types.TypeName) string {
	for s := o.Parent(); s != nil && s != pkg.Types.Scope(); s = s.Parent() {
		for _, n := range s.Names() {
			if tn, ok := s.Lookup(n).(*types.TypeName); ok {
				if _, param := tn.Type().(*types.TypeParam); param {
					return "the function is generic"
				}
			}
		}
	}
	const taken = "its name is used for something else"
	name := o.Name()
	if name == "_" || reserved(name) || types.Universe.Lookup(name) != nil || pkg.Types.Scope().Lookup(name) != nil {
		return taken
	}
	for other := range pkg.moved {
		if other.Name() == name {
			return "another that has moved has its name"
		}
	}
	var top ast.Node
	for _, file := range pkg.Syntax {
		if s := pkg.TypesInfo.Scopes[file]; s == nil || s.Lookup(name) != nil {
			return taken
		}
		for _, d := range file.Decls {
			if d.Pos() <= o.Pos() && o.Pos() < d.End() {
				top = d
			}
		}
	}
	// In the function itself nothing else may have the name: it could lie in between, or
	// come to lie there when variables move to the head of the function.
	for id, other := range pkg.TypesInfo.Defs {
		if id.Name != name || other == o || id.Pos() < top.Pos() || id.Pos() >= top.End() {
			continue
		}
		switch other := other.(type) {
		case *types.Var:
			if other.IsField() {
				continue
			}
		case *types.Label:
			continue
		}
		return taken
	}
	return ""
}

// spec is the declaration of a local type.
func (pkg *Package) spec(o *types.TypeName) *ast.TypeSpec {
	var found *ast.TypeSpec
	for _, file := range pkg.Syntax {
		if o.Pos() < file.FileStart || o.Pos() >= file.FileEnd {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok && s.Name.Pos() == o.Pos() {
				found = s
			}
			return found == nil
		})
	}
	return found
}

// unnamedSpec turns the declaration of a type that has moved into one of a blank alias.
func unnamedSpec(s *ast.TypeSpec) edit {
	if s.Assign.IsValid() {
		return edit{s.Name.Pos(), s.Name.End(), "_"}
	}
	return edit{s.Name.Pos(), s.Name.End(), "_ ="}
}

// movedTypes are the edits of a source file for the types that have moved out of it.
func (pkg *Package) movedTypes(file *ast.File) []edit {
	var edits []edit
	within := func(pos token.Pos) bool { return pos >= file.FileStart && pos < file.FileEnd }
	for o := range pkg.moved {
		if within(o.Pos()) {
			edits = append(edits, unnamedSpec(pkg.spec(o)))
		}
	}
	return edits
}
