package compile

import (
	"go/ast"
	"go/types"
)

// Literals that are called, or deferred, where they stand: the call is of a function that
// is known, so it goes to the second body without a handshake, with the variables that the
// literal captures in front of the arguments. It needs no parameter that leads to a fiber.

// findDirect finds them.
func (p *Program) findDirect(pkg *Package, file *ast.File) {
	spawned, deferred := map[*ast.CallExpr]bool{}, map[*ast.CallExpr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			spawned[n.Call] = true // a goroutine of its own
		case *ast.DeferStmt:
			deferred[n.Call] = true
		case *ast.CallExpr:
			if lit, ok := ast.Unparen(n.Fun).(*ast.FuncLit); ok && !spawned[n] {
				f := p.lits[lit]
				if f == nil || deferred[n] && f.Encl != nil && f.Encl.Loop != nil {
					return true // in a second body written by hand; called outside of the loop
				}
				f.direct = true
			}
		case *ast.RangeStmt:
			if lit, ok := ast.Unparen(n.X).(*ast.FuncLit); ok && p.lits[lit] != nil {
				p.lits[lit].direct = true
			}
		}
		return true
	})
}

// enterable reports whether compiled code can get to the second body of f.
func (p *Program) enterable(f *Func) bool {
	return f.Lit == nil || f.bears >= 0 || f.direct || f.trusted
}

// captures are the variables of this second body that a literal in it captures, as its
// second body takes them: values, or boxes.
func (l *lowering) captures(g *Func, at ast.Node) []*variable {
	var list []*variable
	for _, v := range factsOf(g).captured {
		w := l.vars[v]
		if w == nil {
			no(at, "a literal that captures %s, which is declared in a block that does not wait", v.Name())
		}
		list = append(list, w)
		if l.p.flagged(g, v) {
			list = append(list, l.flag(v))
		}
	}
	return list
}

// flag is the flag of a captured parameter.
func (l *lowering) flag(v *types.Var) *variable {
	if w := l.flags[v]; w != nil {
		return w
	}
	return &variable{name: "false", typ: types.Typ[types.Bool]}
}

// captured spells them.
func (l *lowering) captured(fun ast.Expr) []string {
	lit, ok := ast.Unparen(fun).(*ast.FuncLit)
	if !ok {
		return nil
	}
	return l.spellAll(l.captures(l.p.lits[lit], fun))
}

// spellAll spells variables as they stand, boxes as boxes.
func (l *lowering) spellAll(vars []*variable) (list []string) {
	for _, w := range vars {
		if w.name != "false" {
			l.use(w)
		}
		list = append(list, w.name)
	}
	return list
}

// recovers reports whether e is a call of the builtin recover. In a second body it is nil:
// those run only when nothing panics, as what is deferred is called there by a return; a
// panic is for the guard, which defers the plain functions.
func (l *lowering) recovers(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && l.builtin(call) == "recover"
}

// builtin is the name of the builtin that a call calls, "" if it is no such call.
func (l *lowering) builtin(call *ast.CallExpr) string {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			if b, ok := l.info.Uses[sel.Sel].(*types.Builtin); ok {
				return "unsafe." + b.Name()
			}
		}
		return ""
	}
	b, ok := l.info.Uses[id].(*types.Builtin)
	if !ok {
		return ""
	}
	return b.Name()
}
