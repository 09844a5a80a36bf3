package compile

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// decl hoists what a declaration declares.
func (l *lowering) decl(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			if d.Tok == token.CONST {
				for _, id := range s.Names {
					l.constant(id)
				}
				continue
			}
			if len(s.Values) > 0 {
				var lhs []ast.Expr
				for _, id := range s.Names {
					lhs = append(lhs, id)
				}
				l.assignTo(s, lhs, s.Values, true)
				continue
			}
			for _, id := range s.Names {
				if id.Name == "_" {
					continue
				}
				v := l.hoist(l.info.Defs[id], id)
				t := l.file.typ(v.typ, id)
				if v.boxed {
					l.do(id, v.name+" = new("+t+")", v)
				} else {
					l.do(id, v.name+" = *new("+t+")", v)
				}
			}
		case *ast.TypeSpec:
			l.file.local(l.info.Defs[s.Name].(*types.TypeName), s)
		}
	}
}

// constant replaces a local constant by its value.
func (l *lowering) constant(id *ast.Ident) {
	c, ok := l.info.Defs[id].(*types.Const)
	if !ok {
		return
	}
	if l.consts == nil {
		l.consts = map[*types.Const]string{}
	}
	l.consts[c] = l.exactly(c, id)
}

// constText spells a constant that is not declared where it is copied to, "" for others.
func (l *lowering) constText(c *types.Const, at ast.Node) string {
	if text := l.consts[c]; text != "" || !l.around(c) {
		return text
	}
	return l.exactly(c, at)
}

// around reports whether a literal that is lowered has o from a function around it.
func (l *lowering) around(o types.Object) bool {
	if !l.f.inner() || o.Pkg() != l.pkg.Types || o.Parent() == nil || o.Parent() == l.pkg.Types.Scope() {
		return false
	}
	if _, param := o.Type().(*types.TypeParam); param {
		return false // it has its name in both bodies
	}
	return o.Pos() < l.f.Body.Pos() || o.Pos() >= l.f.Body.End()
}

// exactly spells the value of a constant, in its type or, for an untyped one, in its kind.
func (l *lowering) exactly(c *types.Const, at ast.Node) string {
	v := c.Val()
	b := c.Type().Underlying().(*types.Basic)
	text := v.ExactString()
	switch {
	case b.Info()&types.IsFloat != 0:
		text = exactFloat(v)
	case b.Info()&types.IsComplex != 0:
		text = exactFloat(constant.Real(v)) + " + " + exactFloat(constant.Imag(v)) + "*1i"
	case b.Kind() == types.UntypedRune:
		text = `'\x00' + (` + text + ")"
	}
	if b.Info()&types.IsUntyped == 0 {
		return convert(l.file.typ(c.Type(), at), text)
	}
	return "(" + text + ")"
}

// exactFloat spells a value as an untyped constant of floating-point kind.
func exactFloat(v constant.Value) string {
	text := constant.ToFloat(v).ExactString()
	if strings.ContainsAny(text, "pP") {
		return "(" + text + ")" // hexadecimal
	}
	num, den, _ := strings.Cut(text, "/")
	if den == "" {
		den = "1"
	}
	return "(" + num + ".0 / " + den + ".0)"
}
