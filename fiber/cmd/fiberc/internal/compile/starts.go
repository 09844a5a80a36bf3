package compile

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// This file finds where the code of fibers begins: the handlers of routes, and the
// functions that fibers are started with. Only what the sources say as it stands is
// found: a route that is added in a loop over a table has an unknown handler.

const httpfwPath = Module + "/httpfw"

// A start is one of them.
type start struct {
	call    *ast.CallExpr
	pkg     *Package
	method  string // of a route, "" for a fiber
	pattern string
	handler ast.Expr
	fn      *Func // nil if it is not known
	around  []*Func
	unknown int // middlewares that are not known
}

// starts returns those in the packages that were asked for, by position.
func (p *Program) starts() []*start {
	var list []*start
	for _, pkg := range p.Pkgs {
		if !p.Roots[pkg.PkgPath] {
			continue
		}
		s := &scan{Program: p, pkg: pkg, groups: map[types.Object]*ast.CallExpr{}, used: map[types.Object][]ast.Expr{}, within: map[*Func]bool{}}
		for _, file := range pkg.Syntax {
			ast.Inspect(file, s.note)
		}
		for _, file := range pkg.Syntax {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if st := s.startOf(call); st != nil {
						list = append(list, st)
					}
				}
				return true
			})
		}
	}
	return list
}

// scan is the search in one package.
type scan struct {
	*Program
	pkg    *Package
	groups map[types.Object]*ast.CallExpr // variables that hold what a call of Group returns
	used   map[types.Object][]ast.Expr    // middlewares given to Use, by the variable of the App
	within map[*Func]bool                 // what returned looks at now
}

// framework returns the method of the framework that a call is of.
func (s *scan) framework(call *ast.CallExpr) *types.Func {
	id := funcIdent(call.Fun)
	if id == nil {
		return nil
	}
	fn, ok := s.pkg.TypesInfo.Uses[id].(*types.Func)
	if !ok || fn.Pkg() == nil || !strings.HasPrefix(fn.Pkg().Path(), Module+"/") {
		return nil
	}
	return fn
}

// receiver returns the variable that a method is called of, nil if it is none.
func (s *scan) receiver(call *ast.CallExpr) types.Object {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	return s.variable(sel.X)
}

func (s *scan) variable(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return s.pkg.TypesInfo.ObjectOf(e)
	case *ast.SelectorExpr:
		if s.pkg.TypesInfo.Selections[e] != nil {
			return s.pkg.TypesInfo.Selections[e].Obj() // a field: of whatever value
		}
		return s.pkg.TypesInfo.Uses[e.Sel]
	}
	return nil
}

// note notes what variables hold.
func (s *scan) note(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, e := range n.Lhs {
			if len(n.Lhs) != len(n.Rhs) {
				break
			}
			call, ok := ast.Unparen(n.Rhs[i]).(*ast.CallExpr)
			if !ok {
				continue
			}
			if fn := s.framework(call); fn != nil && fn.Pkg().Path() == httpfwPath && fn.Name() == "Group" {
				v := s.variable(e)
				if _, again := s.groups[v]; again {
					call = nil // not known which
				}
				s.groups[v] = call
			}
		}
	case *ast.CallExpr:
		if fn := s.framework(n); fn != nil && fn.Pkg().Path() == httpfwPath && fn.Name() == "Use" {
			v := s.receiver(n)
			s.used[v] = append(s.used[v], n.Args...)
		}
	}
	return true
}

// startOf looks at a call.
func (s *scan) startOf(call *ast.CallExpr) *start {
	fn := s.framework(call)
	if fn == nil || s.pkg.PkgPath == fn.Pkg().Path() && !s.pkg.external && !s.inTest(call.Pos()) {
		return nil
	}
	params := fn.Signature().Params()
	if fn.Pkg().Path() == httpfwPath {
		for i := range min(params.Len(), len(call.Args)) {
			if isNamed(params.At(i).Type(), httpfwPath, "Handler") && fn.Signature().Recv() != nil {
				return s.route(call, fn, i)
			}
		}
	}
	for i := range min(params.Len(), len(call.Args)) {
		sig, ok := params.At(i).Type().Underlying().(*types.Signature)
		if !ok || bearer(sig) < 0 || !strings.HasPrefix(fn.Name(), "Go") {
			continue
		}
		return &start{call: call, pkg: s.pkg, handler: call.Args[i], fn: s.function(call.Args[i])}
	}
	return nil
}

// route looks at a call that adds a route, whose argument i is the handler.
func (s *scan) route(call *ast.CallExpr, fn *types.Func, i int) *start {
	st := &start{call: call, pkg: s.pkg, handler: call.Args[i], fn: s.function(call.Args[i])}
	st.method = strings.ToUpper(fn.Name())
	if i > 1 {
		st.method = s.text(call.Args[i-2])
	}
	if i > 0 {
		st.pattern = s.text(call.Args[i-1])
	}
	s.wrap(st, call.Args[i+1:])
	// Out of the groups to the App.
	var at ast.Expr
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		at = sel.X
	}
	for range 100 {
		group, ok := ast.Unparen(at).(*ast.CallExpr)
		if !ok {
			v := s.variable(at)
			if group = s.groups[v]; group == nil {
				_, twice := s.groups[v]
				if twice || v == nil || !isNamed(deref(v.Type()), httpfwPath, "App") {
					st.pattern = "…" + st.pattern
				}
				s.wrap(st, s.used[v])
				return st
			}
		}
		sel, ok := ast.Unparen(group.Fun).(*ast.SelectorExpr)
		if f := s.framework(group); !ok || f == nil || f.Name() != "Group" || len(group.Args) == 0 {
			st.pattern = "…" + st.pattern
			return st
		}
		st.pattern = strings.TrimSuffix(s.text(group.Args[0]), "/") + st.pattern
		s.wrap(st, group.Args[1:])
		at = sel.X
	}
	return st
}

// text is the constant value of a string, or what stands there.
func (s *scan) text(e ast.Expr) string {
	if v := s.pkg.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v)
	}
	return "{" + types.ExprString(e) + "}"
}

// wrap adds middlewares to a route, those that it knows as what they return.
func (s *scan) wrap(st *start, list []ast.Expr) {
	for _, e := range slices.Backward(list) {
		if fn := s.middleware(e); fn != nil {
			st.around = append(st.around, fn)
		} else {
			st.unknown++
		}
	}
}

// middleware returns the one handler that a middleware makes, nil if it is not one.
func (s *scan) middleware(e ast.Expr) *Func {
	made := s.function(e)
	if made == nil || made.Body == nil {
		return nil
	}
	return s.returned(made)
}

// returned is the literal that f returns, if it is always the same.
func (s *scan) returned(f *Func) *Func {
	if s.within[f] {
		return nil
	}
	s.within[f] = true
	defer delete(s.within, f)
	var lit *Func
	known := true
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) != 1 {
				known = false
				return false
			}
			g := s.function(n.Results[0])
			if g == nil || lit != nil && g != lit {
				known = false
			}
			lit = g
			return false
		}
		return true
	})
	if !known {
		return nil
	}
	return lit
}

// function returns the function that an expression is, nil if it is not known.
func (s *scan) function(e ast.Expr) *Func {
	info := s.pkg.TypesInfo
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return s.lits[e]
	case *ast.CallExpr:
		if info.Types[e.Fun].IsType() && len(e.Args) == 1 {
			return s.function(e.Args[0]) // a conversion
		}
		if id := funcIdent(e.Fun); id != nil { // a call of what makes it
			if fn, ok := info.Uses[id].(*types.Func); ok {
				if f := s.funcOf(fn); f != nil && f.Body != nil && f.Pkg.TypesInfo != nil {
					return (&scan{Program: s.Program, pkg: f.Pkg, within: s.within}).returned(f)
				}
			}
		}
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr, *ast.IndexListExpr:
		if fn, ok := info.Uses[funcIdent(e)].(*types.Func); ok {
			if r := fn.Signature().Recv(); r != nil && types.IsInterface(r.Type()) {
				return nil
			}
			return s.funcOf(fn)
		}
		if v, ok := info.Uses[funcIdent(e)].(*types.Var); ok {
			if l := s.locals[v]; l != nil && l.sets == 1 && l.val != nil {
				lit, _ := ast.Unparen(l.val).(*ast.FuncLit)
				return s.lits[lit]
			}
		}
	}
	return nil
}

func deref(t types.Type) types.Type {
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		return ptr.Elem()
	}
	return t
}

// isNamed reports whether t is the type path.name.
func isNamed(t types.Type, path, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path
}

// place is a position as tools understand it.
func (p *Program) place(pos token.Pos) string { return p.Fset.Position(pos).String() }

// title says where a start begins.
func (st *start) title(p *Program) string {
	if st.method != "" {
		return st.method + " " + st.pattern
	}
	return fmt.Sprintf("fiber at %s", p.position(st.call.Pos()))
}
