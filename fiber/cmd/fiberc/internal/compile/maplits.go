package compile

import (
	"go/ast"
	"go/types"
	"strings"
)

// Literals of maps. gc makes the map with those entries that are constant, and puts in the
// others one by one: what a key or value calls comes after the entry before it is in, which
// may have panicked.

func (l *lowering) isMap(e ast.Expr) bool {
	_, ok := l.info.TypeOf(e).Underlying().(*types.Map)
	return ok
}

// mapLiteral makes the map of a literal that waits.
func (l *lowering) mapLiteral(lit *ast.CompositeLit) *variable {
	t := l.info.TypeOf(lit)
	u := t.Underlying().(*types.Map)
	m := l.temp(t, lit)
	var static []string
	var others []*ast.KeyValueExpr
	for _, e := range lit.Elts {
		kv := e.(*ast.KeyValueExpr)
		if l.isStatic(kv.Key) && l.isStatic(kv.Value) {
			static = append(static, l.element(kv.Key, u.Key())+": "+l.element(kv.Value, u.Elem()))
		} else {
			others = append(others, kv)
		}
	}
	l.do(lit, m.name+" = "+l.file.typ(t, lit)+"{"+strings.Join(static, ", ")+"}", m)
	for _, kv := range others {
		l.spill(kv.Key, kv.Value)
		key, value := l.element(kv.Key, u.Key()), l.element(kv.Value, u.Elem())
		l.use(m)
		l.do(kv, m.name+"["+key+"] = "+value)
	}
	return m
}

// element spells a key or value, which may be a literal without its type.
func (l *lowering) element(e ast.Expr, t types.Type) string {
	lit, ok := e.(*ast.CompositeLit)
	if !ok || lit.Type != nil || l.repl[e] != nil {
		return l.text(e)
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		if _, ok := ptr.Elem().Underlying().(*types.Map); ok {
			no(e, "a pointer to a map literal without its type")
		}
		return "&" + l.file.typ(ptr.Elem(), e) + l.text(e)
	}
	return l.file.typ(t, e) + l.text(e)
}

// isStatic reports whether gc can put e into a map at once.
func (l *lowering) isStatic(e ast.Expr) bool {
	if tv := l.info.Types[e]; tv.Value != nil || tv.IsNil() {
		return true
	}
	lit, ok := ast.Unparen(e).(*ast.CompositeLit)
	if !ok {
		return false
	}
	switch l.info.TypeOf(e).Underlying().(type) {
	case *types.Struct, *types.Array:
	default:
		return false
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		if !l.isStatic(e) {
			return false
		}
	}
	return true
}
