package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// This file finds the functions of the program: declared ones, literals, and the bodies of
// ranges over functions, which are functions that the iterator calls.

// A Func is a function with a body.
type Func struct {
	Pkg   *Package
	File  *ast.File
	Obj   *types.Func    // nil for a literal
	Decl  *ast.FuncDecl  // nil for a literal
	Lit   *ast.FuncLit   // nil for others than a literal
	Loop  *ast.RangeStmt // whose body it is, nil for others
	Encl  *Func          // around a literal or loop, nil in the initializer of a variable
	Sig   *types.Signature
	Body  *ast.BlockStmt
	Title string // as in a stack trace, roughly

	MayPark  bool   // it can wait, compiled or not
	Compiled bool   // it has a second body
	Why      string // why it may park and is not compiled
	WhyAt    token.Pos
	Bytes    int64   // of its frame
	Points   []Point // where it may park, in its second body

	name    string     // of the second body
	bears   int        // index of the parameter that leads to a fiber, -1 for none
	value   bool       // it is used as a function value
	direct  bool       // a literal that is called or deferred where it stands
	trusted bool       // a literal that second bodies hand to each other, see trust.go
	apart   bool       // of a loop: its body is a function of its own in the second body around it
	ready   bool       // its second body exists already: it is a leaf, or of the standard library
	lits    int        // literals inside, numbered
	loops   int        // bodies of ranges over functions inside, numbered
	copies  int        // copies of a literal in generated and original code
	sites   []callSite // see calls
	parks   bool       // it may park by itself, as far as spread has got
	via     vars       // it may park by calling what these parameters hold, its own or of functions around it
	facts   *facts     // see factsOf
	whole   *whole     // of one around which there is none
}

// A Point is a call that may park.
type Point struct {
	Pos    token.Pos
	Callee string
}

// handPrefix is of the names of second bodies.
const handPrefix = "Compiled_"

// inner reports whether f lies in another function: it is a literal or the body of a loop.
func (f *Func) inner() bool { return f.Lit != nil || f.Loop != nil }

// top is the function around f that lies in no other.
func (f *Func) top() *Func {
	for f.Encl != nil {
		f = f.Encl
	}
	return f
}

// typeParams are those of a generic function, or of the type of a generic method, or of
// the function around a literal.
func (f *Func) typeParams() *types.TypeParamList {
	f = f.top()
	if r := f.Sig.RecvTypeParams(); r.Len() > 0 {
		return r
	}
	return f.Sig.TypeParams()
}

// entered reports whether f is called as a value, and so has a handshake.
func (f *Func) entered() bool {
	if f.bears < 0 || f.direct || f.Loop != nil {
		return false
	}
	return f.Lit != nil || f.value && f.typeParams().Len() == 0
}

func (p *Program) collect(pkg *Package, file *ast.File) {
	var encl *Func
	var title string
	var visit func(n ast.Node) bool
	walk := func(n ast.Node, in *Func) {
		saved := encl
		encl = in
		ast.Inspect(n, visit)
		encl = saved
	}
	visit = func(n ast.Node) bool {
		if s, ok := n.(*ast.RangeStmt); ok && encl != nil && overFunc(pkg.TypesInfo, s) {
			f := p.loopFunc(pkg, file, encl, s)
			walk(s.X, encl)
			for _, e := range []ast.Expr{s.Key, s.Value} {
				if e != nil {
					walk(e, f)
				}
			}
			walk(s.Body, f)
			return false
		}
		lit, ok := n.(*ast.FuncLit)
		if !ok {
			return true
		}
		f := &Func{Pkg: pkg, File: file, Lit: lit, Encl: encl, Body: lit.Body}
		f.Sig = pkg.TypesInfo.TypeOf(lit).(*types.Signature)
		outer := encl
		if outer == nil {
			outer = &Func{Title: title, name: handPrefix + "glob" + strconv.Itoa(p.Fset.Position(lit.Pos()).Offset)}
		}
		outer.lits++
		f.Title = outer.Title + ".func" + strconv.Itoa(outer.lits)
		f.name = "c" + strings.TrimPrefix(outer.name, "C") + "_" + strconv.Itoa(outer.lits)
		f.bears = bearer(f.Sig)
		p.lits[lit] = f
		p.all = append(p.all, f)
		walk(lit.Body, f)
		return false
	}
	for _, d := range file.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok {
			p.findNoWait(pkg, d.(*ast.GenDecl))
			title = pkg.Types.Name() + ".glob."
			walk(d, nil)
			continue
		}
		if fd.Body == nil {
			continue
		}
		obj := pkg.TypesInfo.Defs[fd.Name].(*types.Func)
		f := &Func{Pkg: pkg, File: file, Obj: obj, Decl: fd, Body: fd.Body, Sig: obj.Type().(*types.Signature)}
		if r := f.Sig.Recv(); r != nil && named(r.Type()) == nil {
			continue
		}
		f.setName()
		if strings.HasPrefix(fd.Name.Name, handPrefix) {
			continue // a second body itself
		}
		if hasNoWait(fd.Doc) {
			p.noWait[obj] = true
		}
		hand, ok := pkg.Types.Scope().Lookup(f.name).(*types.Func)
		f.ready = ok && p.inTest(hand.Pos()) == f.test()
		p.funcs[obj] = f
		p.all = append(p.all, f)
		walk(fd.Body, f)
	}
}

// noWait is the directive that promises of a function, or of the methods of an interface,
// that calls never wait. Without it every type that happens to have a Close or a Read
// that waits makes the calls of all interfaces with such a method park points.
const noWait = "//fiberc:nowait"

func hasNoWait(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return c.Text == noWait })
}

// findNoWait notes the methods of interfaces that have the directive.
func (p *Program) findNoWait(pkg *Package, d *ast.GenDecl) {
	for _, s := range d.Specs {
		t, ok := s.(*ast.TypeSpec)
		if !ok || !hasNoWait(t.Doc) && !hasNoWait(d.Doc) {
			continue
		}
		if i, ok := t.Type.(*ast.InterfaceType); ok {
			for _, m := range i.Methods.List {
				for _, id := range m.Names {
					p.noWait[pkg.TypesInfo.Defs[id]] = true
				}
			}
		}
	}
}

// setName gives a declared function, and its second body, a name.
func (f *Func) setName() {
	name := f.Obj.Name()
	f.name, f.Title = handPrefix+name, f.Obj.Pkg().Name()+"."+name
	if r := f.Sig.Recv(); r != nil {
		t := named(r.Type()).Obj().Name()
		f.name, f.Title = handPrefix+t+"_"+name, f.Obj.Pkg().Name()+"."+t+"."+name
	}
	f.bears = bearer(f.Sig)
}

// findValues finds declared functions that are used as values.
func (p *Program) findValues(pkg *Package, file *ast.File) {
	called := map[*ast.Ident]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if id := funcIdent(n.Fun); id != nil {
				called[id] = true
			}
		case *ast.IndexExpr, *ast.IndexListExpr:
			p.findInstance(pkg, n.(ast.Expr), called)
		case *ast.SelectorExpr:
			p.findInstance(pkg, n, called)
			p.findMethodValue(pkg, n, called[n.Sel])
		case *ast.Ident:
			p.findInstance(pkg, n, called)
			if fn, ok := pkg.TypesInfo.Uses[n].(*types.Func); ok && !called[n] {
				if f := p.funcs[fn.Origin()]; f != nil {
					f.value = true
				}
			}
		}
		return true
	})
}
