package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"go/version"
	"strings"
)

// A target is a flattened statement that break or continue may name.
type target struct {
	label     string // of the source, "" for none
	brk, cont string // labels; cont is "" for switch and select
}

// find returns where b goes, "" if not to a flattened statement.
func (l *lowering) find(b *ast.BranchStmt) string {
	for i := len(l.loops) - 1; i >= 0; i-- {
		t := l.loops[i]
		if b.Label != nil && b.Label.Name != t.label {
			continue
		}
		if b.Tok == token.BREAK {
			return t.brk
		}
		if t.cont != "" {
			return t.cont
		}
	}
	if b.Label != nil && l.outside(l.info.Uses[b.Label]) {
		return l.wayOut(b.Tok, l.info.Uses[b.Label])
	}
	return ""
}

func (l *lowering) block(list []ast.Stmt) {
	for _, s := range list {
		if l.p.chaos > 0 {
			l.pause(s)
		}
		l.stmt(s, "")
	}
}

// copied emits a statement that waits nowhere and declares nothing out here.
func (l *lowering) copied(s ast.Stmt) {
	text := l.text(s)
	_, ret := s.(*ast.ReturnStmt)
	_, jumps := s.(*ast.BranchStmt)
	l.emit(instr{text: text, pos: s.Pos(), falls: !ret && !jumps})
}

func (l *lowering) stmt(s ast.Stmt, label string) {
	if s, ok := s.(*ast.LabeledStmt); ok {
		l.labeled(s)
		return
	}
	if _, decl := s.(*ast.DeclStmt); !decl && !l.parksIn(s) {
		if a, ok := s.(*ast.AssignStmt); !ok || a.Tok != token.DEFINE {
			if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
				l.assign(a)
				return
			}
			if r, ok := s.(*ast.ReturnStmt); ok {
				l.ret(r)
				return
			}
			l.copied(s)
			return
		}
	}
	switch s := s.(type) {
	case *ast.DeclStmt:
		l.decl(s.Decl.(*ast.GenDecl))
	case *ast.AssignStmt:
		l.assign(s)
	case *ast.ExprStmt:
		l.spill(s.X)
		if c, ok := ast.Unparen(s.X).(*ast.CallExpr); ok {
			if _, ok := l.parking[c]; ok {
				return // spill has made it
			}
		}
		l.do(s, l.text(s.X))
	case *ast.IncDecStmt:
		l.spill(parts(s.X)...)
		l.do(s, l.text(s))
	case *ast.SendStmt:
		l.spill(s.Chan, s.Value)
		l.do(s, l.text(s))
	case *ast.GoStmt:
		l.spill(append([]ast.Expr{s.Call.Fun}, s.Call.Args...)...)
		l.do(s, l.text(s))
	case *ast.ReturnStmt:
		l.ret(s)
	case *ast.DeferStmt:
		l.deferStmt(s)
	case *ast.BlockStmt:
		l.block(s.List)
	case *ast.IfStmt:
		l.ifStmt(s)
	case *ast.ForStmt:
		l.forStmt(s, label)
	case *ast.RangeStmt:
		l.rangeStmt(s, label)
	case *ast.SwitchStmt:
		l.switchStmt(s, label)
	case *ast.TypeSwitchStmt:
		l.typeSwitch(s, label)
	case *ast.SelectStmt:
		l.selectStmt(s, label)
	default:
		no(s, "a statement of a kind that is not lowered (%T)", s)
	}
}

// parts are the operands of what stands on the left of an assignment.
func parts(e ast.Expr) []ast.Expr {
	switch e := ast.Unparen(e).(type) {
	case *ast.IndexExpr:
		return []ast.Expr{e.X, e.Index}
	case *ast.SelectorExpr:
		return []ast.Expr{e.X}
	case *ast.StarExpr:
		return []ast.Expr{e.X}
	}
	return nil
}

func (l *lowering) assign(s *ast.AssignStmt) {
	switch s.Tok {
	case token.ASSIGN, token.DEFINE:
		l.assignTo(s, s.Lhs, s.Rhs, s.Tok == token.DEFINE)
	default:
		l.spill(append(parts(s.Lhs[0]), s.Rhs[0])...)
		l.do(s, l.text(s))
	}
}

// assignTo assigns, declaring what is new on the left if define is set.
func (l *lowering) assignTo(s ast.Node, lhs, rhs []ast.Expr, define bool) {
	var operands []ast.Expr
	if !define {
		for _, e := range lhs {
			operands = append(operands, parts(e)...)
		}
	}
	l.spill(append(operands, rhs...)...)
	// The right side is spelled before the left is declared, as it may name a variable
	// of the same name further out.
	var from []string
	whole := false // one call with several results
	if len(rhs) == 1 && len(lhs) > 1 {
		if c, ok := ast.Unparen(rhs[0]).(*ast.CallExpr); ok && l.many()[c] != nil {
			for _, v := range l.many()[c] {
				l.use(v)
				from = append(from, v.name)
			}
		} else {
			whole = true
			from = append(from, l.text(rhs[0]))
		}
	} else {
		for _, e := range rhs {
			from = append(from, l.text(e))
		}
	}
	var to []string
	var defs []*variable
	after := ""
	for _, e := range lhs {
		id, ok := e.(*ast.Ident)
		if !ok {
			to = append(to, l.text(e))
			continue
		}
		if id.Name == "_" {
			to = append(to, "_")
			continue
		}
		obj := l.info.Defs[id]
		if !define || obj == nil {
			v := l.vars[l.info.Uses[id]]
			if v == nil || v.boxed {
				to = append(to, l.text(e))
				continue
			}
			to = append(to, v.name)
			defs = append(defs, v)
			continue
		}
		v := l.hoist(obj, id)
		if !v.boxed {
			to = append(to, v.name)
			defs = append(defs, v)
			continue
		}
		// A fresh box, filled once everything on the right was evaluated.
		if len(lhs) == 1 {
			from[0] = "abi_.Box[" + l.file.typ(v.typ, id) + "](" + from[0] + ")"
			to = append(to, v.name)
			defs = append(defs, v)
			continue
		}
		t := l.temp(v.typ, id)
		to = append(to, t.name)
		after += "\n" + v.name + " = abi_.Box(" + t.name + ")"
		defs = append(defs, t, v)
	}
	if whole || len(from) == len(to) {
		blank := true
		for _, t := range to {
			blank = blank && t == "_"
		}
		if blank && !whole && allConst(l, rhs) {
			return
		}
		l.do(s, strings.Join(to, ", ")+" = "+strings.Join(from, ", ")+after, defs...)
		return
	}
	no(s, "an assignment of a form that is not lowered")
}

func allConst(l *lowering, list []ast.Expr) bool {
	for _, e := range list {
		if l.info.Types[e].Value == nil {
			return false
		}
	}
	return true
}

// ret returns. A call in tail position needs no frame.
func (l *lowering) ret(s *ast.ReturnStmt) {
	if l.exit != "" || l.up != nil {
		l.spill(s.Results...)
		l.emit(instr{text: l.returning(s), pos: s.Pos()})
		return
	}
	if len(s.Results) == 1 {
		if call, ok := ast.Unparen(s.Results[0]).(*ast.CallExpr); ok {
			if c, ok := l.parking[call]; ok && c.static != nil && l.sameResults(call) {
				operands := call.Args
				if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
					operands = append([]ast.Expr{sel.X}, call.Args...)
				}
				l.unfold(call, operands[:len(operands)-len(call.Args)]...)
				l.spill(operands...)
				args := l.arguments(call)
				text := "return " + l.second(ast.Unparen(call.Fun), c.static) + "(s_, nil" + l.flagArgs(c)
				if args != "" {
					text += ", " + args
				}
				l.tails = append(l.tails, Point{call.Pos(), c.static.Title})
				l.emit(instr{text: text + ")", pos: s.Pos(), exits: true})
				return
			}
		}
	}
	l.spill(s.Results...)
	if len(s.Results) == 1 {
		if c, ok := ast.Unparen(s.Results[0]).(*ast.CallExpr); ok && l.many()[c] != nil {
			for _, v := range l.many()[c] {
				l.use(v)
			}
			l.emit(instr{text: "return " + join(l.many()[c], ", "), pos: s.Pos(), exits: true})
			return
		}
	}
	l.emit(instr{text: l.text(s), pos: s.Pos(), exits: true})
}

// sameResults reports whether a call's results are those of the function, as they are.
func (l *lowering) sameResults(call *ast.CallExpr) bool {
	have := l.resultTypes(call)
	if len(have) != len(l.results) {
		return false
	}
	for i, t := range have {
		if !types.Identical(t, l.results[i].typ) {
			return false
		}
	}
	return true
}

func (l *lowering) ifStmt(s *ast.IfStmt) {
	if s.Init != nil {
		l.stmt(s.Init, "")
	}
	els, end := l.newLabel("else"), l.newLabel("endif")
	l.cond(s.Cond, els)
	l.block(s.Body.List)
	if s.Else == nil {
		l.label(els)
		return
	}
	l.jump(end)
	l.label(els)
	l.stmt(s.Else, "")
	l.label(end)
}

// enter begins a statement that break may name.
func (l *lowering) enter(label string, loop bool) *target {
	t := &target{label: label, brk: l.newLabel("break")}
	if loop {
		t.cont = l.newLabel("next")
	}
	l.loops = append(l.loops, t)
	return t
}

func (l *lowering) leaveTarget(t *target) {
	l.loops = l.loops[:len(l.loops)-1]
	l.label(t.brk)
}

func (l *lowering) forStmt(s *ast.ForStmt, label string) {
	if s.Init != nil {
		l.stmt(s.Init, "")
	}
	t := l.enter(label, true)
	top := l.newLabel("for")
	l.label(top)
	if s.Cond != nil {
		l.cond(s.Cond, t.brk)
	}
	l.block(s.Body.List)
	l.label(t.cont)
	// Go 1.22: each iteration has variables of its own, copied before the post statement.
	if a, ok := s.Init.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
		for _, e := range a.Lhs {
			id, _ := e.(*ast.Ident)
			if id == nil || l.info.Defs[id] == nil {
				continue
			}
			if v := l.vars[l.info.Defs[id]]; v != nil && v.boxed {
				l.modern(s)
				l.use(v)
				l.do(id, v.name+" = abi_.Box(*"+v.name+")", v)
			}
		}
	}
	if s.Post != nil {
		l.stmt(s.Post, "")
	}
	l.jump(top)
	l.leaveTarget(t)
}

// modern refuses captured loop variables in files of a language before Go 1.22.
func (l *lowering) modern(s ast.Node) {
	if v := l.info.FileVersions[l.f.File]; v != "" && version.Compare(v, "go1.22") < 0 {
		no(s, "a loop variable that is captured, in a file of a language before Go 1.22")
	}
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

func identOf(e ast.Expr) *ast.Ident {
	id, _ := e.(*ast.Ident)
	return id
}
