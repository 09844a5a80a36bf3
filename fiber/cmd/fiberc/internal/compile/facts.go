package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// facts is what a function and the literals inside it do with variables.
type facts struct {
	inside   map[types.Object]bool // declared in the function itself
	caught   map[types.Object]bool // used by a literal inside it, or captured by itself
	assigned map[types.Object]bool // assigned other than by its declaration
	address  map[types.Object]bool
	captured []*types.Var // variables of functions around it that it uses
}

// boxed reports whether a variable needs a box.
func (f *facts) boxed(v types.Object) bool {
	return f.address[v] || f.caught[v] && f.assigned[v]
}

// factsOf returns those of f.
func factsOf(f *Func) *facts {
	if f.facts != nil {
		return f.facts
	}
	outer := f
	for outer.Encl != nil {
		outer = outer.Encl
	}
	if outer.whole == nil {
		outer.whole = wholeOf(outer)
	}
	w := outer.whole
	fs := &facts{inside: map[types.Object]bool{}, caught: w.caught, assigned: w.assigned, address: w.address}
	var self ast.Node = f.Decl
	if f.Lit != nil {
		self = f.Lit
	} else if f.Loop != nil {
		self = f.Loop.Body
	}
	in := func(n, in ast.Node) bool { return n.Pos() >= in.Pos() && n.End() <= in.End() }
	within := func(n ast.Node) bool {
		if f.Loop != nil && f.Loop.Tok == token.ASSIGN {
			// What is assigned to is evaluated there too.
			for _, e := range []ast.Expr{f.Loop.Key, f.Loop.Value} {
				if e != nil && in(n, e) {
					return true
				}
			}
		}
		return in(n, self)
	}
	seen := map[types.Object]bool{}
	for _, u := range w.uses {
		own := w.owner[u.obj]
		if own == self {
			fs.inside[u.obj] = true
		}
		if own != u.by && within(u.by) && !within(own) && !seen[u.obj] {
			seen[u.obj] = true
			fs.captured = append(fs.captured, u.obj.(*types.Var))
		}
	}
	f.facts = fs
	return fs
}

// whole is what a declared function and all literals inside it do with variables: they
// must agree on how one is captured.
type whole struct {
	caught, assigned, address map[types.Object]bool
	owner                     map[types.Object]ast.Node // the function that declares it
	uses                      []useOf
}

// useOf is a variable and the function that uses it.
type useOf struct {
	obj types.Object
	by  ast.Node
}

func wholeOf(outer *Func) *whole {
	fs := &whole{caught: map[types.Object]bool{}, assigned: map[types.Object]bool{}, address: map[types.Object]bool{}}
	info := outer.Pkg.TypesInfo
	owner := map[types.Object]ast.Node{}
	fs.owner = owner
	loops := outer.Pkg.prog.loops
	var stack []ast.Node
	var top ast.Node = outer.Body
	if outer.Decl != nil {
		top = outer.Decl
	} else {
		top = outer.Lit
	}
	own := func() ast.Node {
		if len(stack) == 0 {
			return top
		}
		return stack[len(stack)-1]
	}
	function := func() ast.Node { // that a return ends
		for i := len(stack) - 1; i >= 0; i-- {
			if lit, ok := stack[i].(*ast.FuncLit); ok {
				return lit
			}
		}
		return top
	}
	var uses []useOf
	var walk func(n ast.Node)
	var root func(e ast.Expr) types.Object
	root = func(e ast.Expr) types.Object {
		switch e := ast.Unparen(e).(type) {
		case *ast.Ident:
			return info.ObjectOf(e)
		case *ast.SelectorExpr:
			if s := info.Selections[e]; s != nil && s.Kind() == types.FieldVal {
				if _, ptr := info.TypeOf(e.X).Underlying().(*types.Pointer); !ptr {
					return root(e.X)
				}
			}
		case *ast.IndexExpr:
			if t := info.TypeOf(e.X); t != nil && arrayLike(t) {
				return root(e.X)
			}
		}
		return nil
	}
	assign := func(e ast.Expr) {
		if o := root(e); o != nil {
			fs.assigned[o] = true
		}
	}
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			if n == top {
				return true
			}
			stack = append(stack, n)
			walk(n.Type)
			walk(n.Body)
			stack = stack[:len(stack)-1]
			return false
		case *ast.RangeStmt:
			if g := loops[n]; g != nil && g.apart {
				// Its body is a function, in which what the clause names is set.
				walk(n.X)
				stack = append(stack, n.Body)
				for _, e := range []ast.Expr{n.Key, n.Value} {
					if e != nil {
						walk(e)
						if n.Tok == token.ASSIGN {
							assign(e)
						}
					}
				}
				walk(n.Body)
				stack = stack[:len(stack)-1]
				return false
			}
			if n.Tok == token.ASSIGN {
				for _, e := range []ast.Expr{n.Key, n.Value} {
					if e != nil {
						assign(e)
					}
				}
			}
		case *ast.Ident:
			if v, ok := info.Defs[n].(*types.Var); ok {
				owner[v] = own()
			}
			if v, ok := info.Uses[n].(*types.Var); ok && !v.IsField() {
				uses = append(uses, useOf{v, own()})
			}
		case *ast.CaseClause:
			if v, ok := info.Implicits[n].(*types.Var); ok {
				owner[v] = own()
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && info.Defs[id] != nil {
					continue
				}
				assign(e)
			}
		case *ast.IncDecStmt:
			assign(n.X)
		case *ast.ReturnStmt:
			// It assigns the results.
			if len(n.Results) == 0 {
				break
			}
			fn := function()
			for r := range signatureOf(info, fn).Results().Variables() {
				fs.assigned[r] = true
				if owner[r] = fn; own() != fn {
					uses = append(uses, useOf{r, own()}) // in the body of a loop
				}
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				if o := root(n.X); o != nil {
					fs.address[o] = true
				}
			}
		case *ast.SliceExpr:
			if arrayLike(info.TypeOf(n.X)) {
				if o := root(n.X); o != nil {
					fs.address[o] = true
				}
			}
		case *ast.SelectorExpr:
			if s := info.Selections[n]; s != nil && s.Kind() == types.MethodVal {
				if fn, ok := s.Obj().(*types.Func); ok {
					if _, ptr := fn.Signature().Recv().Type().(*types.Pointer); ptr {
						if _, already := info.TypeOf(n.X).Underlying().(*types.Pointer); !already {
							if o := root(n.X); o != nil {
								fs.address[o] = true
							}
						}
					}
				}
			}
		}
		return true
	}
	walk = func(n ast.Node) { ast.Inspect(n, visit) }
	walk(top)

	for _, u := range uses {
		own, ok := owner[u.obj]
		if !ok {
			continue // a package-level variable
		}
		fs.uses = append(fs.uses, u)
		if own != u.by {
			fs.caught[u.obj] = true
		}
	}
	return fs
}

// signatureOf is that of a function.
func signatureOf(info *types.Info, fn ast.Node) *types.Signature {
	if lit, ok := fn.(*ast.FuncLit); ok {
		return info.TypeOf(lit).(*types.Signature)
	}
	return info.Defs[fn.(*ast.FuncDecl).Name].(*types.Func).Signature()
}

// resultName is the name of a variable that may be a result without one.
func resultName(v *types.Var) string {
	if v.Name() == "" || v.Name() == "_" {
		return "res"
	}
	return v.Name()
}

// arrayLike reports whether t is an array, or may be one.
func arrayLike(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return true
	}
	_, ok := t.Underlying().(*types.Array)
	return ok
}
