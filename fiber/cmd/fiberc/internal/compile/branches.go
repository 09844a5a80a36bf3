package compile

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// clauses lowers the bodies of a switch or select whose dispatch has gone to labels.
func (l *lowering) clauses(t *target, labels []string, bodies [][]ast.Stmt, before []func()) {
	for i, body := range bodies {
		l.label(labels[i])
		if before[i] != nil {
			before[i]()
		}
		body, at, fall := falls(body)
		l.block(body)
		for _, s := range at {
			l.gotoLabel(s)
		}
		if fall {
			l.jump(labels[i+1])
		} else {
			l.jump(t.brk)
		}
	}
}

// falls takes the fallthrough off the end of a clause. There may be empty statements behind
// it, and labels before it.
func falls(body []ast.Stmt) (rest []ast.Stmt, labels []*ast.LabeledStmt, fall bool) {
	rest = body
	for len(rest) > 0 {
		if _, ok := rest[len(rest)-1].(*ast.EmptyStmt); !ok {
			break
		}
		rest = rest[:len(rest)-1]
	}
	if len(rest) == 0 {
		return body, nil, false
	}
	last := rest[len(rest)-1]
	for {
		s, ok := last.(*ast.LabeledStmt)
		if !ok {
			break
		}
		labels, last = append(labels, s), s.Stmt
	}
	if b, ok := last.(*ast.BranchStmt); ok && b.Tok == token.FALLTHROUGH {
		return rest[:len(rest)-1], labels, true
	}
	return body, nil, false
}

func (l *lowering) switchStmt(s *ast.SwitchStmt, label string) {
	if s.Init != nil {
		l.stmt(s.Init, "")
	}
	// The tag is evaluated once, before the cases.
	tag := ""
	var tagVar *variable
	if s.Tag != nil {
		if l.parksIn(s.Tag) || l.casesPark(s.Body) {
			tagVar = l.temp(l.info.TypeOf(s.Tag), s.Tag)
			l.value(s.Tag, tagVar)
			tag = tagVar.name
		} else {
			tag = l.text(s.Tag)
		}
	}
	t := l.enter(label, false)
	var labels []string
	var bodies [][]ast.Stmt
	def := t.brk
	for _, c := range s.Body.List {
		name := l.newLabel("case")
		labels = append(labels, name)
		bodies = append(bodies, c.(*ast.CaseClause).Body)
		if c.(*ast.CaseClause).List == nil {
			def = name
		}
	}
	if l.casesPark(s.Body) {
		for i, c := range s.Body.List {
			for _, e := range c.(*ast.CaseClause).List {
				if s.Tag == nil {
					next := l.newLabel("case")
					l.cond(e, next)
					l.jump(labels[i])
					l.label(next)
					continue
				}
				l.spill(e)
				l.use(tagVar)
				l.branchIf(e, tag+" == ("+l.text(e)+")", labels[i])
			}
		}
		l.jump(def)
	} else {
		var b strings.Builder
		b.WriteString("switch " + tag + " {\n")
		if tagVar != nil {
			l.use(tagVar)
		}
		targets := []string{def}
		for i, c := range s.Body.List {
			var list []string
			for _, e := range c.(*ast.CaseClause).List {
				list = append(list, l.text(e))
			}
			if list == nil {
				continue
			}
			b.WriteString("case " + strings.Join(list, ", ") + ":\ngoto " + labels[i] + "\n")
			targets = append(targets, labels[i])
		}
		b.WriteString("default:\ngoto " + def + "\n}")
		l.emit(instr{text: b.String(), pos: s.Pos(), targets: targets})
	}
	l.clauses(t, labels, bodies, make([]func(), len(bodies)))
	l.leaveTarget(t)
}

func (l *lowering) casesPark(b *ast.BlockStmt) bool {
	for _, c := range b.List {
		if l.parksInAny(c.(*ast.CaseClause).List) {
			return true
		}
	}
	return false
}

func (l *lowering) typeSwitch(s *ast.TypeSwitchStmt, label string) {
	if s.Init != nil {
		l.stmt(s.Init, "")
	}
	var x ast.Expr
	name := ""
	switch a := s.Assign.(type) {
	case *ast.ExprStmt:
		x = ast.Unparen(a.X).(*ast.TypeAssertExpr).X
	case *ast.AssignStmt:
		x = ast.Unparen(a.Rhs[0]).(*ast.TypeAssertExpr).X
		name = a.Lhs[0].(*ast.Ident).Name
	}
	l.spill(x)
	v := l.text(x)
	var b strings.Builder
	b.WriteString("switch ")
	if name != "" {
		b.WriteString("x_ := ")
	}
	b.WriteString("(" + v + ").(type) {\n")
	t := l.enter(label, false)
	var labels, targets []string
	var bodies [][]ast.Stmt
	var defs []*variable
	hasDefault := false
	for _, c := range s.Body.List {
		cl := c.(*ast.CaseClause)
		to := l.newLabel("case")
		labels = append(labels, to)
		targets = append(targets, to)
		bodies = append(bodies, cl.Body)
		if cl.List == nil {
			hasDefault = true
			b.WriteString("default:\n")
		} else {
			var list []string
			for _, e := range cl.List {
				list = append(list, l.text(e))
			}
			b.WriteString("case " + strings.Join(list, ", ") + ":\n")
		}
		if obj := l.info.Implicits[cl]; obj != nil && name != "" {
			w := l.hoist(obj, cl)
			if w.boxed {
				b.WriteString(w.name + " = abi_.Box[" + l.file.typ(w.typ, cl) + "](x_)\n")
			} else {
				b.WriteString(w.name + " = x_\n")
			}
			b.WriteString("_ = " + w.name + "\n")
			defs = append(defs, w)
		}
		b.WriteString("goto " + to + "\n")
	}
	if !hasDefault {
		b.WriteString("default:\n")
		if name != "" {
			b.WriteString("_ = x_\n")
		}
		b.WriteString("goto " + t.brk + "\n")
		targets = append(targets, t.brk)
	}
	b.WriteString("}")
	// Only the clause that is entered is set: what the others would hold is dead there.
	l.emit(instr{text: b.String(), pos: s.Pos(), targets: targets, defs: defs})
	l.clauses(t, labels, bodies, make([]func(), len(bodies)))
	l.leaveTarget(t)
}
