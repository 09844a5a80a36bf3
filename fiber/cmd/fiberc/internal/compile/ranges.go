package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Range loops. The operand is evaluated once, into a temporary; the index that counts is
// one of the loop's own, since the body may change its copy. Slices are walked to the
// length they had, arrays are copied if their elements are wanted, strings go by runes.

func (l *lowering) rangeStmt(s *ast.RangeStmt, label string) {
	u := l.info.TypeOf(s.X).Underlying()
	ptr, _ := u.(*types.Pointer)
	// The index is a variable of the loop's own: the body may change its copy.
	index := func() *variable { return l.temp(types.Typ[types.Int], s.X) }
	switch {
	case ptr != nil:
		u = ptr.Elem().Underlying()
	}
	set := func(e ast.Expr, val string, use ...*variable) {
		id, isIdent := e.(*ast.Ident)
		if e == nil || isIdent && id.Name == "_" {
			return
		}
		for _, v := range use {
			l.use(v)
		}
		if s.Tok == token.DEFINE {
			if l.facts.caught[l.info.Defs[id]] {
				l.modern(s)
			}
			v := l.hoist(l.info.Defs[id], id)
			if v.boxed {
				val = "abi_.Box[" + l.file.typ(v.typ, id) + "](" + val + ")"
			}
			l.do(id, v.name+" = "+val, v)
			return
		}
		if l.parksIn(e) {
			no(e, "a range clause that assigns to what has to be waited for")
		}
		if v := l.vars[l.info.Uses[identOf(e)]]; isIdent && v != nil && !v.boxed {
			l.do(e, v.name+" = "+val, v)
			return
		}
		l.do(e, l.text(e)+" = "+val)
	}
	switch u := u.(type) {
	case *types.Basic:
		if u.Info()&types.IsString != 0 {
			x := l.temp(l.info.TypeOf(s.X), s.X)
			l.value(s.X, x)
			i, next := index(), index()
			r := l.temp(types.Typ[types.Rune], s.X)
			l.do(s, next.name+" = 0", next)
			t := l.enter(label, true)
			l.label(t.cont)
			l.use(next)
			l.use(x)
			l.branchUnless(s, next.name+" < len("+x.name+")", t.brk)
			l.use(next)
			l.do(s, i.name+" = "+next.name, i)
			l.use(i)
			l.use(x)
			l.do(s, r.name+", "+next.name+" = abi_.Rune(string("+x.name+"), "+i.name+")", r, next)
			if s.Key != nil {
				set(s.Key, i.name, i)
			}
			if s.Value != nil {
				set(s.Value, r.name, r)
			}
			l.use(r)
			l.do(s, "_ = "+r.name)
			l.block(s.Body.List)
			l.jump(t.cont)
			l.leaveTarget(t)
			return
		}
		if u.Info()&types.IsInteger == 0 {
			no(s, "range over %s", u)
		}
		typ := l.info.TypeOf(s.X)
		if s.Key != nil {
			if kt := l.info.TypeOf(s.Key); kt != nil && !isBlank(s.Key) {
				typ = kt
			}
		}
		x, i := l.temp(typ, s.X), l.temp(typ, s.X)
		l.value(s.X, x)
		l.do(s, i.name+" = 0", i)
		t := l.enter(label, true)
		top := l.newLabel("range")
		l.label(top)
		l.use(i)
		l.use(x)
		l.branchUnless(s, i.name+" < "+x.name, t.brk)
		if s.Key != nil {
			set(s.Key, i.name, i)
		}
		l.block(s.Body.List)
		l.label(t.cont)
		l.use(i)
		l.do(s, i.name+"++", i)
		l.jump(top)
		l.leaveTarget(t)
	case *types.Slice, *types.Array:
		i := index()
		var x, n *variable
		limit := ""
		if arr, ok := u.(*types.Array); ok {
			limit = itoa(arr.Len())
		}
		value := s.Value != nil && !isBlank(s.Value)
		if limit == "" || value || l.parksIn(s.X) || ptr != nil || !l.constantLen(s.X) {
			x = l.temp(l.info.TypeOf(s.X), s.X)
			l.value(s.X, x)
		}
		if limit == "" {
			n = index()
			l.use(x)
			l.do(s, n.name+" = len("+x.name+")", n)
			limit = n.name
		}
		l.do(s, i.name+" = 0", i)
		t := l.enter(label, true)
		top := l.newLabel("range")
		l.label(top)
		l.use(i)
		if n != nil {
			l.use(n)
		}
		l.branchUnless(s, i.name+" < "+limit, t.brk)
		if s.Key != nil && s.Tok == token.DEFINE || !value {
			if s.Key != nil {
				set(s.Key, i.name, i)
			}
			if value {
				set(s.Value, x.name+"["+i.name+"]", x, i)
			}
		} else {
			l.rangeBoth(s, x, i)
		}
		if x != nil {
			l.use(x)
			l.do(s, "_ = "+x.name)
		}
		l.block(s.Body.List)
		l.label(t.cont)
		l.use(i)
		l.do(s, i.name+"++", i)
		l.jump(top)
		l.leaveTarget(t)
	case *types.Chan:
		x := l.temp(l.info.TypeOf(s.X), s.X)
		l.value(s.X, x)
		v := l.temp(u.Elem(), s.X)
		ok := l.temp(types.Typ[types.Bool], s.X)
		t := l.enter(label, true)
		l.label(t.cont)
		l.use(x)
		l.do(s, v.name+", "+ok.name+" = <-"+x.name, v, ok)
		l.use(ok)
		l.branchUnless(s, ok.name, t.brk)
		if s.Key != nil {
			set(s.Key, v.name, v)
		}
		l.use(v)
		l.do(s, "_ = "+v.name)
		l.block(s.Body.List)
		l.jump(t.cont)
		l.leaveTarget(t)
	default:
		no(s, "range over %s", kindOf(u))
	}
}

// rangeBoth assigns both variables of a range clause that declares none.
func (l *lowering) rangeBoth(s *ast.RangeStmt, x, i *variable) {
	var lhs, rhs []string
	var defs []*variable
	add := func(e ast.Expr, val string) {
		if e == nil || isBlank(e) {
			return
		}
		if l.parksIn(e) {
			no(e, "a range clause that assigns to what has to be waited for")
		}
		if v := l.vars[l.info.Uses[identOf(e)]]; v != nil && !v.boxed {
			if _, id := e.(*ast.Ident); id {
				lhs, rhs, defs = append(lhs, v.name), append(rhs, val), append(defs, v)
				return
			}
		}
		lhs, rhs = append(lhs, l.text(e)), append(rhs, val)
	}
	if s.Tok == token.DEFINE {
		v := l.hoist(l.info.Defs[s.Value.(*ast.Ident)], s.Value)
		val := x.name + "[" + i.name + "]"
		if v.boxed {
			val = "abi_.Box[" + l.file.typ(v.typ, s) + "](" + val + ")"
		}
		l.use(x)
		l.use(i)
		l.do(s, v.name+" = "+val, v)
		return
	}
	add(s.Key, i.name)
	add(s.Value, x.name+"["+i.name+"]")
	l.use(x)
	l.use(i)
	l.do(s, strings.Join(lhs, ", ")+" = "+strings.Join(rhs, ", "), defs...)
}

// constantLen reports whether len(e) is a constant, so that range does not evaluate e.
func (l *lowering) constantLen(e ast.Expr) bool {
	constant := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			constant = constant && l.info.Types[n.Fun].IsType()
		case *ast.UnaryExpr:
			constant = constant && n.Op != token.ARROW
		}
		return constant
	})
	return constant
}
