package compile

import (
	"go/ast"
	"go/token"
	"go/types"
)

// spill makes the calls of some expressions that are evaluated together, in gc's order,
// up to and including the last that may park. Afterwards text of the expressions names
// temporaries in their place. gc makes calls (len, min, make and []byte(s) too), receives, type
// assertions, slices, && and || where they stand, and loads variables, reads maps,
// dereferences and indexes afterwards (cmd/compile/internal/walk/order.go); what is left in the expression keeps
// to that by itself.
func (l *lowering) spill(list ...ast.Expr) {
	var ops []ast.Expr
	last := -1
	var find func(e ast.Node)
	find = func(n ast.Node) {
		ast.Inspect(n, func(m ast.Node) bool {
			if m == n {
				return true
			}
			e, ok := m.(ast.Expr)
			if !ok {
				return true
			}
			if _, lit := e.(*ast.FuncLit); lit {
				return false
			}
			if c, ok := e.(*ast.CallExpr); l.repl[e] != nil || ok && l.many()[c] != nil {
				return false
			}
			if tv := l.info.Types[e]; tv.IsType() || tv.Value != nil {
				return false
			}
			if b, ok := e.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
				if l.parksIn(b) {
					last = len(ops)
				}
				ops = append(ops, e)
				return false
			}
			if c, ok := e.(*ast.CompositeLit); ok && l.isMap(c) && l.parksIn(c) {
				last = len(ops)
				ops = append(ops, e)
				return false
			}
			find(e) // what is inside comes first
			if l.ordered(e) {
				if c, ok := e.(*ast.CallExpr); ok {
					if _, park := l.parking[c]; park || c == l.forced {
						last = len(ops)
					}
				}
				ops = append(ops, e)
			}
			return false
		})
	}
	for _, e := range list {
		if e != nil {
			find(&ast.ParenExpr{X: e})
		}
	}
	for i, e := range ops {
		if i > last {
			break
		}
		l.now(e)
	}
}

// ordered reports whether gc evaluates e into a temporary where it stands.
func (l *lowering) ordered(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		tv := l.info.Types[ast.Unparen(e.Fun)]
		if tv.IsType() {
			// A conversion: of a string to bytes or runes it is a call.
			_, to := tv.Type.Underlying().(*types.Slice)
			from, _ := l.info.TypeOf(e.Args[0]).Underlying().(*types.Basic)
			return to && from != nil && from.Info()&types.IsString != 0
		}
		if tv.IsBuiltin() {
			_, ok := ast.Unparen(e.Fun).(*ast.Ident)
			return ok // of unsafe if not
		}
		return true
	case *ast.UnaryExpr:
		return e.Op == token.ARROW
	case *ast.IndexExpr:
		if t := l.info.TypeOf(e.X); t != nil {
			// A map is read after the calls, unless the key is bytes that are converted.
			c, ok := ast.Unparen(e.Index).(*ast.CallExpr)
			return isMap(t) && ok && l.info.Types[c.Fun].IsType() && isBytes(l.info.TypeOf(c.Args[0]))
		}
	case *ast.SliceExpr:
		return true
	case *ast.TypeAssertExpr:
		return e.Type != nil && !direct(l.info.TypeOf(e))
	case *ast.BinaryExpr:
		switch e.Op {
		case token.EQL, token.NEQ:
			switch l.info.TypeOf(e.X).Underlying().(type) {
			case *types.Struct, *types.Array:
				return true
			}
		}
	}
	return false
}

// isMap reports whether t is a map: for a type parameter, whether all its types are, since
// either all of them are or none.
func isMap(t types.Type) bool {
	if tp, ok := types.Unalias(t).(*types.TypeParam); ok {
		t = someTerm(tp.Underlying().(*types.Interface))
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// someTerm is a type that satisfies a constraint, the constraint if it names none.
func someTerm(c *types.Interface) types.Type {
	for i := range c.NumEmbeddeds() {
		switch e := c.EmbeddedType(i).Underlying().(type) {
		case *types.Interface:
			if t := someTerm(e); !types.IsInterface(t) {
				return t
			}
		case *types.Union:
			for j := range e.Len() {
				if t := e.Term(j).Type().Underlying(); !types.IsInterface(t) {
					return t
				}
			}
		default:
			return e
		}
	}
	return c
}

func isBytes(t types.Type) bool {
	_, ok := t.Underlying().(*types.Slice)
	return ok
}

// direct reports whether an interface holds a value of type t in its data word.
func direct(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Pointer, *types.Chan, *types.Map, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Struct:
		return u.NumFields() == 1 && direct(u.Field(0).Type())
	case *types.Array:
		return u.Len() == 1 && direct(u.Elem())
	}
	return false
}

// now evaluates e into a temporary. What is inside it was evaluated before.
func (l *lowering) now(e ast.Expr) {
	if b, ok := e.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
		t := l.temp(l.info.TypeOf(e), e)
		end := l.newLabel("cond")
		l.value(b.X, t)
		if b.Op == token.LAND {
			l.use(t)
			l.branchUnless(b, t.name, end)
		} else {
			l.use(t)
			l.branchIf(b, t.name, end)
		}
		l.value(b.Y, t)
		l.label(end)
		l.repl[e] = t
		return
	}
	if lit, ok := e.(*ast.CompositeLit); ok {
		l.repl[e] = l.mapLiteral(lit)
		return
	}
	if call, ok := e.(*ast.CallExpr); ok {
		if _, ok := l.parking[call]; ok {
			results := l.parkAt(call)
			switch len(results) {
			case 1:
				l.repl[call] = results[0]
			case 0:
			default:
				l.many()[call] = results
			}
			return
		}
	}
	t := l.info.TypeOf(e)
	if tuple, ok := t.(*types.Tuple); ok {
		if tuple.Len() == 0 {
			l.do(e, l.text(e))
			return
		}
		var list []*variable
		text := l.text(e)
		for i := range tuple.Len() {
			list = append(list, l.temp(tuple.At(i).Type(), e))
		}
		l.do(e, join(list, ", ")+" = "+text, list...)
		l.many()[e.(*ast.CallExpr)] = list
		return
	}
	if b, ok := t.(*types.Basic); ok && b.Kind() == types.UntypedNil {
		return
	}
	text := l.text(e)
	v := l.temp(t, e)
	l.do(e, v.name+" = "+text, v)
	l.repl[e] = v
}

// value evaluates e into t.
func (l *lowering) value(e ast.Expr, t *variable) {
	l.spill(e)
	l.do(e, t.name+" = "+l.text(e), t)
}

// cond evaluates e as a condition and goes to no if it is false.
func (l *lowering) cond(e ast.Expr, no string) {
	if !l.parksIn(e) {
		l.branchUnless(e, l.text(e), no)
		return
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.BinaryExpr:
		if e.Op == token.LAND {
			l.cond(e.X, no)
			l.cond(e.Y, no)
			return
		}
		if e.Op == token.LOR {
			yes, second := l.newLabel("or"), l.newLabel("or")
			l.cond(e.X, second)
			l.jump(yes)
			l.label(second)
			l.cond(e.Y, no)
			l.label(yes)
			return
		}
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			yes := l.newLabel("not")
			l.cond(e.X, yes)
			l.jump(no)
			l.label(yes)
			return
		}
	}
	l.spill(e)
	l.branchUnless(e, l.text(e), no)
}
