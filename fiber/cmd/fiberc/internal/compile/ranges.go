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
// Of a map the keys are taken when the loop begins, and each is looked up again when its
// turn comes: what was deleted while the function waited is not seen, and a value is the
// one of that time, as the language has it.

func (l *lowering) rangeStmt(s *ast.RangeStmt, label string) {
	u := l.info.TypeOf(s.X).Underlying()
	ptr, _ := u.(*types.Pointer)
	if ptr != nil {
		u = ptr.Elem().Underlying()
	}
	switch u := u.(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0:
			l.rangeString(s, label)
		case u.Info()&types.IsInteger != 0:
			l.rangeInt(s, label)
		default:
			no(s, "range over %s", u)
		}
	case *types.Slice:
		l.rangeList(s, label, -1, false)
	case *types.Array:
		l.rangeList(s, label, u.Len(), ptr != nil)
	case *types.Chan:
		l.rangeChan(s, label, u)
	case *types.Map:
		l.rangeMap(s, label, u)
	case *types.Signature:
		l.rangeFunc(s, label)
	default:
		no(s, "range over %s", u)
	}
}

// operand evaluates what is ranged over.
func (l *lowering) operand(s *ast.RangeStmt) *variable {
	x := l.temp(l.info.TypeOf(s.X), s.X)
	l.value(s.X, x)
	return x
}

// index declares a variable that counts.
func (l *lowering) index(s *ast.RangeStmt) *variable { return l.temp(types.Typ[types.Int], s.X) }

func (l *lowering) useAll(list ...*variable) {
	for _, v := range list {
		if v != nil {
			l.use(v)
		}
	}
}

// clause sets the variables of a range clause from the expressions key and val, which
// name the variables use.
func (l *lowering) clause(s *ast.RangeStmt, key, val string, use ...*variable) {
	var left []ast.Expr
	var right []string
	for i, e := range []ast.Expr{s.Key, s.Value} {
		if e != nil && !isBlank(e) {
			left, right = append(left, e), append(right, []string{key, val}[i])
		}
	}
	if len(left) == 0 {
		return
	}
	if s.Tok == token.DEFINE {
		for i, e := range left {
			id := e.(*ast.Ident)
			if l.facts.caught[l.info.Defs[id]] {
				l.modern(s)
			}
			v := l.hoist(l.info.Defs[id], id)
			if v.boxed {
				right[i] = "abi_.Box[" + l.file.typ(v.typ, id) + "](" + right[i] + ")"
			}
			l.useAll(use...)
			l.do(id, v.name+" = "+right[i], v)
		}
		return
	}
	var operands []ast.Expr
	for _, e := range left {
		operands = append(operands, parts(e)...)
	}
	l.spill(operands...)
	var to []string
	var defs []*variable
	for _, e := range left {
		if id := identOf(e); id != nil {
			if v := l.vars[l.info.Uses[id]]; v != nil && !v.boxed {
				to, defs = append(to, v.name), append(defs, v)
				continue
			}
		}
		to = append(to, l.text(e))
	}
	l.useAll(use...)
	l.do(s, strings.Join(to, ", ")+" = "+strings.Join(right, ", "), defs...)
}

func (l *lowering) rangeString(s *ast.RangeStmt, label string) {
	x := l.operand(s)
	i, next := l.index(s), l.index(s)
	r := l.temp(types.Typ[types.Rune], s.X)
	l.do(s, next.name+" = 0", next)
	t := l.enter(label, true)
	l.label(t.cont)
	l.useAll(next, x)
	l.branchUnless(s, next.name+" < len("+x.name+")", t.brk)
	l.use(next)
	l.do(s, i.name+" = "+next.name, i)
	l.useAll(i, x)
	l.do(s, r.name+", "+next.name+" = abi_.Rune(string("+x.name+"), "+i.name+")", r, next)
	l.clause(s, i.name, r.name, i, r)
	l.use(r)
	l.do(s, "_ = "+r.name)
	l.block(s.Body.List)
	l.jump(t.cont)
	l.leaveTarget(t)
}

func (l *lowering) rangeInt(s *ast.RangeStmt, label string) {
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
	l.useAll(i, x)
	l.branchUnless(s, i.name+" < "+x.name, t.brk)
	l.clause(s, i.name, "", i)
	l.block(s.Body.List)
	l.label(t.cont)
	l.use(i)
	l.do(s, i.name+"++", i)
	l.jump(top)
	l.leaveTarget(t)
}

// rangeList ranges over a slice, or over an array of length long or a pointer to it.
func (l *lowering) rangeList(s *ast.RangeStmt, label string, long int64, ptr bool) {
	i := l.index(s)
	var x, n *variable
	value := s.Value != nil && !isBlank(s.Value)
	if long < 0 || value || l.parksIn(s.X) || ptr || !l.constantLen(s.X) {
		x = l.operand(s)
	}
	limit := itoa(long)
	if long < 0 {
		n = l.index(s)
		l.use(x)
		l.do(s, n.name+" = len("+x.name+")", n)
		limit = n.name
	}
	l.do(s, i.name+" = 0", i)
	t := l.enter(label, true)
	top := l.newLabel("range")
	l.label(top)
	l.useAll(i, n)
	l.branchUnless(s, i.name+" < "+limit, t.brk)
	if value {
		l.clause(s, i.name, x.name+"["+i.name+"]", x, i)
	} else {
		l.clause(s, i.name, "", i)
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
}

func (l *lowering) rangeChan(s *ast.RangeStmt, label string, u *types.Chan) {
	x := l.operand(s)
	v := l.temp(u.Elem(), s.X)
	ok := l.temp(types.Typ[types.Bool], s.X)
	t := l.enter(label, true)
	l.label(t.cont)
	l.use(x)
	l.do(s, v.name+", "+ok.name+" = <-"+x.name, v, ok)
	l.use(ok)
	l.branchUnless(s, ok.name, t.brk)
	l.clause(s, v.name, "", v)
	l.use(v)
	l.do(s, "_ = "+v.name)
	l.block(s.Body.List)
	l.jump(t.cont)
	l.leaveTarget(t)
}

func (l *lowering) rangeMap(s *ast.RangeStmt, label string, u *types.Map) {
	if !reflexive(u.Key()) {
		l.rangeMapIter(s, label, u)
		return
	}
	x := l.operand(s)
	keys := l.temp(types.NewSlice(u.Key()), s.X)
	i := l.index(s)
	k, ok := l.temp(u.Key(), s.X), l.temp(types.Typ[types.Bool], s.X)
	var v *variable
	val, name := "_", ""
	l.use(x)
	l.do(s, keys.name+" = abi_.Keys("+x.name+")", keys)
	l.do(s, i.name+" = 0", i)
	t := l.enter(label, true)
	l.label(t.cont)
	l.useAll(i, keys)
	l.branchUnless(s, i.name+" < len("+keys.name+")", t.brk)
	l.useAll(i, keys)
	l.do(s, k.name+" = "+keys.name+"["+i.name+"]\n"+i.name+"++", k, i)
	defs := []*variable{ok}
	if s.Value != nil && !isBlank(s.Value) {
		v = l.temp(u.Elem(), s.X)
		val, name = v.name, v.name
		defs = append(defs, v)
	}
	l.useAll(x, k)
	l.do(s, val+", "+ok.name+" = "+x.name+"["+k.name+"]", defs...)
	l.use(ok)
	l.branchUnless(s, ok.name, t.cont)
	l.clause(s, k.name, name, k, v)
	l.block(s.Body.List)
	l.jump(t.cont)
	l.leaveTarget(t)
}

// rangeMapIter ranges over a map whose keys need not equal themselves, or not be the same if
// they are equal: none can be looked up again, so package reflect keeps the place.
func (l *lowering) rangeMapIter(s *ast.RangeStmt, label string, u *types.Map) {
	if l.p.isStd || l.p.chaos > 0 {
		no(s, "range over a map by package reflect, which may import this one")
	}
	l.file.add("reflect_", "reflect")
	x := l.operand(s)
	it := l.temp(types.NewPointer(types.Typ[types.Int]), s.X)
	it.raw = "*reflect_.MapIter"
	k := l.temp(u.Key(), s.X)
	l.use(x)
	l.do(s, it.name+" = reflect_.ValueOf("+x.name+").MapRange()", it)
	t := l.enter(label, true)
	l.label(t.cont)
	l.use(it)
	l.branchUnless(s, it.name+".Next()", t.brk)
	if s.Key != nil && !isBlank(s.Key) {
		l.use(it)
		l.do(s, k.name+", _ = "+it.name+".Key().Interface().("+l.file.typ(u.Key(), s)+")", k)
	}
	name := ""
	var v *variable
	if s.Value != nil && !isBlank(s.Value) {
		v = l.temp(u.Elem(), s.X)
		name = v.name
		l.use(it)
		l.do(s, name+", _ = "+it.name+".Value().Interface().("+l.file.typ(u.Elem(), s)+")", v)
	}
	l.clause(s, k.name, name, k, v)
	l.block(s.Body.List)
	l.jump(t.cont)
	l.leaveTarget(t)
}

// reflexive reports whether a value of type t always equals itself and no other.
func reflexive(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) == 0
	case *types.Pointer, *types.Chan:
		return true
	case *types.Array:
		return reflexive(u.Elem())
	case *types.Struct:
		for i := range u.NumFields() {
			if !reflexive(u.Field(i).Type()) {
				return false
			}
		}
		return true
	}
	return false
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
