package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Select over Go's own channels blocks the goroutine as ever, and only its operands and
// its bodies wait. If an operand waits, all are evaluated one after the other before, as
// gc does it. What is received goes to what the clause names once the clause is entered.

func (l *lowering) selectStmt(s *ast.SelectStmt, label string) {
	l.channels(s)
	var b strings.Builder
	b.WriteString("select {\n")
	t := l.enter(label, false)
	var labels []string
	var bodies [][]ast.Stmt
	var before []func()
	var defs []*variable
	for _, c := range s.Body.List {
		cl := c.(*ast.CommClause)
		to := l.newLabel("case")
		labels = append(labels, to)
		bodies = append(bodies, cl.Body)
		before = append(before, nil)
		switch comm := cl.Comm.(type) {
		case nil:
			b.WriteString("default:\n")
		case *ast.SendStmt:
			b.WriteString("case " + l.text(comm.Chan) + " <- " + l.text(comm.Value) + ":\n")
		case *ast.AssignStmt:
			if comm.Tok == token.DEFINE {
				defs = append(defs, l.received(&b, comm)...)
				break
			}
			if !l.parksInAny(comm.Lhs) {
				b.WriteString("case " + l.text(comm) + ":\n")
				break
			}
			u := l.info.TypeOf(ast.Unparen(comm.Rhs[0]).(*ast.UnaryExpr).X).Underlying()
			elem := u.(*types.Chan).Elem()
			var list []*variable
			for i := range comm.Lhs {
				list = append(list, l.temp([]types.Type{elem, types.Typ[types.Bool]}[i], comm))
			}
			defs = append(defs, list...)
			b.WriteString("case " + join(list, ", ") + " = " + l.text(comm.Rhs[0]) + ":\n")
			before[len(before)-1] = func() { l.receive(comm, list) }
		default:
			b.WriteString("case " + l.text(comm) + ":\n")
		}
		b.WriteString("goto " + to + "\n")
	}
	b.WriteString("}")
	// Only what the clause that is entered receives is set: the rest is dead there.
	l.emit(instr{text: b.String(), pos: s.Pos(), targets: labels, defs: defs})
	l.clauses(t, labels, bodies, before)
	l.leaveTarget(t)
}

// channels evaluates the operands of a select, if any of them waits.
func (l *lowering) channels(s *ast.SelectStmt) {
	var list []ast.Expr
	wait := false
	add := func(e ast.Expr) {
		list = append(list, e)
		wait = wait || l.parksIn(e)
	}
	elems := map[ast.Expr]types.Type{}
	for _, c := range s.Body.List {
		var from ast.Expr
		switch comm := c.(*ast.CommClause).Comm.(type) {
		case *ast.SendStmt:
			add(comm.Chan)
			add(comm.Value)
			if ch, ok := l.info.TypeOf(comm.Chan).Underlying().(*types.Chan); ok {
				elems[comm.Value] = ch.Elem()
			}
		case *ast.ExprStmt:
			from = comm.X
		case *ast.AssignStmt:
			from = comm.Rhs[0]
		}
		if from != nil {
			add(ast.Unparen(from).(*ast.UnaryExpr).X)
		}
	}
	if !wait {
		return
	}
	for _, e := range list {
		t := elems[e]
		if t == nil {
			t = l.info.TypeOf(e)
		}
		if _, ok := t.Underlying().(*types.Chan); !ok && elems[e] == nil {
			no(e, "a channel operation whose channel has a type parameter as its type")
		}
		v := l.temp(t, e)
		l.value(e, v)
		l.repl[e] = v
	}
}

// received spells a clause that declares variables: it receives into others of its own,
// and moves those out of it.
func (l *lowering) received(b *strings.Builder, comm *ast.AssignStmt) (defs []*variable) {
	from := []string{"v0_", "v1_"}[:len(comm.Lhs)]
	b.WriteString("case " + strings.Join(from, ", ") + " := " + l.text(comm.Rhs[0]) + ":\n")
	for i, e := range comm.Lhs {
		id := e.(*ast.Ident)
		if id.Name == "_" {
			b.WriteString("_ = " + from[i] + "\n")
			continue
		}
		v := l.hoist(l.info.Defs[id], id)
		if v.boxed {
			b.WriteString(v.name + " = abi_.Box(" + from[i] + ")\n")
		} else {
			b.WriteString(v.name + " = " + from[i] + "\n")
		}
		b.WriteString("_ = " + v.name + "\n")
		defs = append(defs, v)
	}
	return defs
}

// receive assigns what a clause has received.
func (l *lowering) receive(comm *ast.AssignStmt, list []*variable) {
	var operands []ast.Expr
	for _, e := range comm.Lhs {
		operands = append(operands, parts(e)...)
	}
	l.spill(operands...)
	var to []string
	for _, e := range comm.Lhs {
		to = append(to, l.text(e))
	}
	l.useAll(list...)
	l.do(comm, strings.Join(to, ", ")+" = "+join(list, ", "))
}
