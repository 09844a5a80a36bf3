package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// A Func is a function with a body: a declared one or a literal.
type Func struct {
	Pkg   *Package
	File  *ast.File
	Obj   *types.Func   // nil for a literal
	Decl  *ast.FuncDecl // nil for a literal
	Lit   *ast.FuncLit  // nil for a declared one
	Encl  *Func         // around a literal, nil in the initializer of a variable
	Sig   *types.Signature
	Body  *ast.BlockStmt
	Title string // as in a stack trace, roughly

	MayPark  bool   // it can wait, compiled or not
	Compiled bool   // it has a second body
	Why      string // why it may park and is not compiled
	WhyAt    token.Pos
	Bytes    int64   // of its frame
	Points   []Point // where it may park, in its second body

	name   string      // of the second body
	bears  int         // index of the parameter that leads to a fiber, -1 for none
	value  bool        // it is used as a function value
	direct bool        // a literal that is called or deferred where it stands
	hand   *types.Func // the second body of a leaf, written by hand
	lits   int         // literals inside, numbered
	copies int         // copies of a literal in generated and original code
}

// A Point is a call that may park.
type Point struct {
	Pos    token.Pos
	Callee string
}

// handPrefix is of the names of second bodies.
const handPrefix = "Compiled_"

// Analyze finds the functions of the program and which of them may park.
func (p *Program) Analyze() {
	for _, pkg := range p.Pkgs {
		for _, file := range pkg.Syntax {
			p.collect(pkg, file)
		}
	}
	for _, pkg := range p.Pkgs {
		for _, file := range pkg.Syntax {
			p.findValues(pkg, file)
			p.findDirect(pkg, file)
		}
	}
	for changed := true; changed; {
		changed = false
		for _, f := range p.all {
			if !f.MayPark && p.parks(f, func(g *Func) bool { return g.MayPark || g.hand != nil }) {
				f.MayPark, changed = true, true
			}
		}
	}
	for _, f := range p.all {
		if f.MayPark && f.hand == nil {
			f.Why, f.WhyAt = p.refuse(f)
		}
	}
	p.settle()
}

// settle decides which functions are compiled: those that may park in something that is.
func (p *Program) settle() {
	for _, f := range p.all {
		f.Compiled = false
	}
	for changed := true; changed; {
		changed = false
		for _, f := range p.all {
			if f.Compiled || f.Why != "" || f.hand != nil {
				continue
			}
			if p.parks(f, func(g *Func) bool { return g.Compiled || g.hand != nil }) {
				f.Compiled, changed = true, true
			}
		}
	}
}

// reach marks the functions that compiled code can get to: it starts in those that are
// called as values.
func (p *Program) reach() map[*Func]bool {
	seen := map[*Func]bool{}
	var visit func(f *Func)
	visit = func(f *Func) {
		if seen[f] {
			return
		}
		seen[f] = true
		p.eachCall(f, func(call *ast.CallExpr) {
			if g := p.calleeOf(f.Pkg, call).static; g != nil && g.Compiled {
				visit(g)
			}
		})
	}
	for _, f := range p.all {
		if f.Compiled && f.entered() {
			visit(f)
		}
	}
	return seen
}

// typeParams are those of a generic function, or of the type of a generic method.
func (f *Func) typeParams() *types.TypeParamList {
	if r := f.Sig.RecvTypeParams(); r.Len() > 0 {
		return r
	}
	return f.Sig.TypeParams()
}

// entered reports whether f is called as a value, and so has a handshake.
func (f *Func) entered() bool {
	return f.Lit != nil && !f.direct || f.value && f.bears >= 0 && f.Decl.Recv == nil && f.typeParams().Len() == 0
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
			title = pkg.Types.Name() + ".glob."
			walk(d, nil)
			continue
		}
		if fd.Body == nil {
			continue
		}
		obj := pkg.TypesInfo.Defs[fd.Name].(*types.Func)
		f := &Func{Pkg: pkg, File: file, Obj: obj, Decl: fd, Body: fd.Body, Sig: obj.Type().(*types.Signature)}
		f.name, f.Title = handPrefix+fd.Name.Name, pkg.Types.Name()+"."+fd.Name.Name
		if r := f.Sig.Recv(); r != nil {
			t := named(r.Type())
			if t == nil {
				continue
			}
			f.name = handPrefix + t.Obj().Name() + "_" + fd.Name.Name
			f.Title = pkg.Types.Name() + "." + t.Obj().Name() + "." + fd.Name.Name
		}
		f.bears = bearer(f.Sig)
		if strings.HasPrefix(fd.Name.Name, handPrefix) {
			continue // a second body itself
		}
		f.hand, _ = pkg.Types.Scope().Lookup(f.name).(*types.Func)
		p.funcs[obj] = f
		p.all = append(p.all, f)
		walk(fd.Body, f)
	}
}

// findValues finds declared functions that are used as values.
func (p *Program) findValues(pkg *Package, file *ast.File) {
	called := map[*ast.Ident]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch fun := ast.Unparen(n.Fun).(type) {
			case *ast.Ident:
				called[fun] = true
			case *ast.SelectorExpr:
				called[fun.Sel] = true
			}
		case *ast.Ident:
			if fn, ok := pkg.TypesInfo.Uses[n].(*types.Func); ok && !called[n] {
				if f := p.funcs[fn.Origin()]; f != nil {
					f.value = true
				}
			}
		}
		return true
	})
}

// named returns the named type that t or its element is, nil if there is none.
func named(t types.Type) *types.Named {
	t = types.Unalias(t)
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	n, _ := t.(*types.Named)
	return n
}

// leads reports whether a value of type t leads to a fiber in a way that fiberc trusts:
// it is a *fiber.Fiber, or a pointer to a type of the framework with a method Fiber.
func leads(t types.Type) (method, ok bool) {
	if _, ptr := types.Unalias(t).(*types.Pointer); !ptr {
		return false, false
	}
	n := named(t)
	if n == nil || n.Obj().Pkg() == nil || n.TypeArgs().Len() > 0 {
		return false, false
	}
	path := n.Obj().Pkg().Path()
	if path == fiberPath && n.Obj().Name() == "Fiber" {
		return false, true
	}
	if path != Module && !strings.HasPrefix(path, Module+"/") {
		return false, false
	}
	for i := range n.NumMethods() {
		m := n.Method(i)
		if m.Name() != "Fiber" {
			continue
		}
		sig := m.Type().(*types.Signature)
		if sig.Params().Len() != 0 || sig.Results().Len() != 1 {
			return false, false
		}
		r := named(sig.Results().At(0).Type())
		return true, r != nil && r.Obj().Name() == "Fiber" && r.Obj().Pkg().Path() == fiberPath
	}
	return false, false
}

// bearer returns the index of the first parameter that leads to a fiber, -1 if none.
func bearer(sig *types.Signature) int {
	if sig.Variadic() || sig.TypeParams().Len() > 0 {
		return -1
	}
	for i := range sig.Params().Len() {
		if _, ok := leads(sig.Params().At(i).Type()); ok {
			return i
		}
	}
	return -1
}

// A callee is what is known of a call.
type callee struct {
	static  *Func            // nil if not known
	dynamic *types.Signature // of a function value that may accept an offer, or nil
}

// calleeOf looks at a call in pkg.
func (p *Program) calleeOf(pkg *Package, call *ast.CallExpr) callee {
	info := pkg.TypesInfo
	fun := ast.Unparen(call.Fun)
	if tv := info.Types[fun]; tv.IsType() || tv.IsBuiltin() {
		return callee{}
	}
	switch x := fun.(type) {
	case *ast.IndexExpr:
		if info.Types[x.X].IsValue() && isGeneric(info, x.X) {
			fun = ast.Unparen(x.X)
		}
	case *ast.IndexListExpr:
		fun = ast.Unparen(x.X)
	}
	var obj types.Object
	switch fun := fun.(type) {
	case *ast.FuncLit:
		if f := p.lits[fun]; f != nil && f.direct {
			return callee{static: f}
		}
	case *ast.Ident:
		obj = info.Uses[fun]
	case *ast.SelectorExpr:
		if sel := info.Selections[fun]; sel != nil {
			if sel.Kind() == types.MethodVal && !types.IsInterface(sel.Recv()) {
				obj = sel.Obj()
			} else if sel.Kind() != types.FieldVal {
				return callee{}
			}
		} else {
			obj = info.Uses[fun.Sel]
		}
	}
	if fn, ok := obj.(*types.Func); ok {
		if r := fn.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
			return callee{} // promoted from an embedded interface
		}
		return callee{static: p.funcs[fn.Origin()]}
	}
	sig, ok := info.TypeOf(fun).Underlying().(*types.Signature)
	if !ok || bearer(sig) < 0 || call.Ellipsis.IsValid() {
		return callee{}
	}
	return callee{dynamic: sig}
}

// isGeneric reports whether e names a generic function.
func isGeneric(info *types.Info, e ast.Expr) bool {
	id := funcIdent(e)
	_, ok := info.Instances[id]
	return id != nil && ok
}

// funcIdent is the identifier of a function that e names, nil if there is none.
func funcIdent(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return funcIdent(e.X)
	case *ast.IndexListExpr:
		return funcIdent(e.X)
	}
	return nil
}

// parks reports whether f calls something that may.
func (p *Program) parks(f *Func, may func(*Func) bool) bool {
	found := false
	p.eachCall(f, func(call *ast.CallExpr) {
		c := p.calleeOf(f.Pkg, call)
		found = found || c.dynamic != nil || c.static != nil && may(c.static)
	})
	return found
}

// eachCall calls fn for every call in f's own code that f itself makes.
func (p *Program) eachCall(f *Func, fn func(*ast.CallExpr)) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.GoStmt:
			for _, a := range n.Call.Args {
				ast.Inspect(a, func(n ast.Node) bool {
					if c, ok := n.(*ast.CallExpr); ok {
						fn(c)
					}
					_, lit := n.(*ast.FuncLit)
					return !lit
				})
			}
			return false
		case *ast.CallExpr:
			fn(n)
		}
		return true
	})
}

// refuse returns why f cannot be compiled, as far as its form shows it.
func (p *Program) refuse(f *Func) (why string, at token.Pos) {
	at = f.Body.Pos()
	if f.Pkg.Skip != "" {
		return f.Pkg.Skip, at
	}
	for tp := range f.typeParams().TypeParams() {
		if tp.Obj().Name() == "_" {
			return "a type parameter without a name", at
		}
	}
	if f.Lit != nil {
		if !p.enterable(f) {
			return "a literal without a parameter that leads to a fiber", at
		}
		for e := f.Encl; e != nil; e = e.Encl {
			if e.Sig.TypeParams().Len() > 0 || e.Sig.RecvTypeParams().Len() > 0 {
				return "a literal in a generic function", at
			}
		}
	}
	return "", at
}
