package compile

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
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
			no(s, "a type declared in the function")
		}
	}
}

// constant replaces a local constant by its value.
func (l *lowering) constant(id *ast.Ident) {
	c, ok := l.info.Defs[id].(*types.Const)
	if !ok {
		return
	}
	v := c.Val()
	if k := v.Kind(); k != constant.Int && k != constant.String && k != constant.Bool {
		no(id, "a constant declared in a block that waits, with a value that is not spelled exactly")
	}
	text := "(" + v.ExactString() + ")"
	if b, ok := c.Type().(*types.Basic); !ok || b.Info()&types.IsUntyped == 0 {
		text = convert(l.file.typ(c.Type(), id), v.ExactString())
	} else if b.Kind() == types.UntypedRune {
		no(id, "an untyped rune constant declared in a block that waits")
	}
	if l.consts == nil {
		l.consts = map[*types.Const]string{}
	}
	l.consts[c] = text
}
