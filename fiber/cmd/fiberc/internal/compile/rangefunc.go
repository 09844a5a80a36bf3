package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A range over a function in a second body, if its body or the iterator may wait. The body
// becomes a second body of its own, with the variables of the functions around it that it
// uses in front of its parameters, and an abi.Loop that says whether it may be called. A
// literal is passed to the iterator that offers itself (trust.go); an iterator that is not
// compiled calls it all the same, and then what waits in the body keeps its goroutine
// (Stack.Pin, Loop.Plain). A way out of the body other than to the next iteration sets a number and
// returns false; the statement goes on with it when the iterator has returned. A return has
// set the results by then, whose boxes the body captures. What the body defers is noted in
// the list of the function around it.

// A way is a way out of the body of a loop: return, or to a label outside.
type way struct {
	tok   token.Token
	label types.Object // nil for return
	at    string       // label of the code that takes it
}

// parkLoop reports whether the body of a range over a function becomes a second body.
func (l *lowering) parkLoop(s *ast.RangeStmt) bool {
	c, ok := l.looping[s]
	if !ok {
		return false // it lies in another one, which is copied
	}
	return !l.p.effectOf(l.f, c).nothing() || defersIn(s.Body)
}

// root is the lowering of the function that a loop belongs to.
func (l *lowering) root() *lowering {
	for l.up != nil {
		l = l.up
	}
	return l
}

func (l *lowering) tempPrefix() string {
	if l.up != nil {
		return "u" // not like what loops have from the function around them
	}
	return "t"
}

// loopParams declares what the second body of a loop has besides variables it captures.
func (l *lowering) loopParams() {
	if l.up == nil {
		return
	}
	if defersIn(l.f.Body) {
		l.pending = l.root().pending
		l.params = append(l.params, l.pending)
	}
	l.control = &variable{name: l.nameApart("loop_"), typ: types.NewPointer(types.Typ[types.Int]), raw: "*abi_.Loop"}
	l.params = append(l.params, l.control)
}

// loopBody lowers the body of a loop.
func (l *lowering) loopBody() {
	s := l.f.Loop
	l.use(l.control)
	l.do(s, l.control.name+".Enter()")
	t := l.enter(l.up.naming, true)
	if s.Tok == token.ASSIGN {
		// gc makes an assignment of each, one after the other.
		given := l.params[len(l.params)-l.f.Sig.Params().Len():]
		if s.Key != nil {
			l.clause(&ast.RangeStmt{For: s.For, Key: s.Key, Tok: s.Tok, X: s.X, Body: s.Body}, given[0].name, "", given[0])
		}
		if s.Value != nil {
			l.clause(&ast.RangeStmt{For: s.For, Value: s.Value, Tok: s.Tok, X: s.X, Body: s.Body}, "", given[1].name, given[1])
		}
	}
	l.block(l.f.Body.List)
	l.label(t.cont)
	l.end("Next()", "true")
	l.leaveTarget(t)
	l.end("Leave(0)", "false")
	for i := 0; i < len(l.ways); i++ {
		l.label(l.ways[i].at)
		l.end(fmt.Sprintf("Leave(%d)", i+1), "false")
	}
}

// end ends a call of the body.
func (l *lowering) end(call, result string) {
	l.use(l.control)
	l.emit(instr{text: l.control.name + "." + call + "\nreturn " + result, exits: true, pos: l.f.Body.End() - 1})
}

// outside reports whether a label lies outside of the loop whose body is lowered.
func (l *lowering) outside(label types.Object) bool {
	return l.up != nil && label != nil && (label.Pos() < l.f.Body.Pos() || label.Pos() >= l.f.Body.End())
}

// wayOut returns the label of the code that leaves the body of a loop in some way.
func (l *lowering) wayOut(tok token.Token, label types.Object) string {
	for _, w := range l.ways {
		if w.tok == tok && w.label == label {
			return w.at
		}
	}
	l.ways = append(l.ways, way{tok, label, l.newLabel("out")})
	return l.ways[len(l.ways)-1].at
}

// goOn returns where the statement around a loop goes when the loop was left in a way.
func (l *lowering) goOn(w way) string {
	switch w.tok {
	case token.RETURN:
		return l.returnLabel()
	case token.GOTO:
		return l.labelOf(w.label)
	}
	return l.find(&ast.BranchStmt{Tok: w.tok, Label: l.labelNames[w.label]})
}

// returnLabel is where a return goes that has set the results.
func (l *lowering) returnLabel() string {
	if l.up != nil {
		return l.wayOut(token.RETURN, nil)
	}
	return l.exit
}

// rangeFunc lowers the statement.
func (l *lowering) rangeFunc(s *ast.RangeStmt, label string) {
	c, ok := l.looping[s]
	if !ok {
		no(s, "range over a function of a form that is not lowered")
	}
	if !l.parkLoop(s) {
		// Only what it ranges over waits.
		l.spill(s.X)
		text := l.text(s)
		for obj := range l.named {
			if obj.Name() == label {
				text = label + ":\n" + text
			}
		}
		l.do(s, text)
		return
	}
	g := l.p.loops[s]
	if g.Why != "" {
		no(s, "%s", g.Why)
	}
	fun := c.fun()
	operand := fun
	if sel, ok := fun.(*ast.SelectorExpr); ok && c.static != nil {
		operand = sel.X
	}
	parks := !l.p.effectOf(l.f, c).nothing()
	if _, lit := fun.(*ast.FuncLit); !lit {
		l.spill(operand)
	}
	// What the iterator is comes first, as the loop's variables may shadow names in it.
	var before, call, closing string
	switch {
	case c.static != nil && parks && (c.static.Compiled || c.static.ready):
		args := l.captured(fun)
		if sel, ok := fun.(*ast.SelectorExpr); ok {
			if m := l.info.Selections[sel]; m != nil {
				args = append(args, l.receiver(sel, m))
			}
		}
		call = l.second(fun, c.static) + "(s_, nil" + l.flagArgs(c)
		for _, a := range append(args, "body_") {
			call += ", " + a
		}
		call += ")"
		closing = "\n}"
	default:
		before = "fn_ := " + l.text(s.X) + "\n"
		call = "fn_(body_)"
		if parks && l.p.chaos == 0 && c.value.known() {
			before += l.offerTo(c)
			closing = "\ns_.Withdraw()"
		}
		closing += "\n}"
	}
	uses := l.uses
	l.uses = nil
	lp := l.temp(types.NewPointer(types.Typ[types.Int]), s.X)
	lp.raw = "*abi_.Loop"
	child := l.lowerLoop(g, label)
	if child == nil {
		return // all is done anew
	}
	l.uses = uses
	text := "{\n" + lp.name + " = new(abi_.Loop)\nbody_ := " + l.bodyValue(child, lp, c) + "\n" + lp.name + ".Note(abi_.PC(body_))\n" + before
	if parks {
		p := &park{pc: len(l.parks) + 1, call: s, callee: "range over " + oneLine(l.source(s.X)), before: text, fun: call, after: closing}
		l.parks = append(l.parks, p)
		l.emit(instr{pos: s.Pos(), park: p, falls: true, defs: []*variable{lp}})
	} else {
		l.do(s, text+call+closing, lp)
	}
	l.use(lp)
	if len(child.ways) == 0 {
		l.do(s, lp.name+".Over()")
		return
	}
	var targets []string
	text = "switch " + lp.name + ".Over() {\n"
	for i, w := range child.ways {
		to := l.goOn(w)
		targets = append(targets, to)
		text += fmt.Sprintf("case %d:\ngoto %s\n", i+1, to)
	}
	l.emit(instr{text: text + "}", pos: s.Pos(), targets: targets, falls: true})
}

// lowerLoop lowers the body of a loop, nil if that is refused: then all is done anew.
func (l *lowering) lowerLoop(g *Func, label string) *lowering {
	saved := l.naming
	l.naming = label
	child, r := l.p.try(g, l)
	l.naming = saved
	if r != nil {
		g.Why, g.WhyAt = r.why, r.at
		l.p.refused = true
		return nil
	}
	l.within = append(l.within, child)
	return child
}

// bodyValue spells the body of a loop as a function value that offers itself. Nobody knows
// where an iterator that is not trusted calls it: then it runs on a Stack of the loop's own,
// on which nothing is trusted.
func (l *lowering) bodyValue(child *lowering, lp *variable, c callSite) string {
	g, s := child.f, c.loop
	var params, own, names []string
	caught := l.captures(g, s)
	args := l.spellAll(caught)
	apart := slices.Clone(args)
	for i, w := range caught {
		if w.name == "false" {
			continue
		}
		params, own = append(params, w.name+" "+w.spell(l)), append(own, args[i])
		for _, flag := range l.flags {
			if flag == w {
				apart[i] = "false"
			}
		}
	}
	trust := "true"
	if c.static == nil {
		trust = l.flagOf(c.value)
	}
	if v := l.flags[c.value.param]; v != nil && !slices.Contains(caught, v) {
		params, own = append(params, v.name+" bool"), append(own, v.name)
	}
	if defersIn(g.Body) {
		l.use(l.pending)
		args, apart = append(args, l.pending.name), append(apart, l.pending.name)
		params, own = append(params, l.pending.name+" "+l.pending.spell(l)), append(own, l.pending.name)
	}
	params, own = append(params, "lp_ *abi_.Loop"), append(own, lp.name)
	args, apart = append(args, "lp_"), append(apart, "lp_")
	yield := yieldOf(l.info, s)
	for i := range yield.Params().Len() {
		a := fmt.Sprintf("a%d_", i)
		names = append(names, a+" "+l.file.typ(yield.Params().At(i).Type(), s))
		args, apart = append(args, a), append(apart, a)
	}
	typ := l.file.typ(unnamed(yield), s)
	sig := "func(" + strings.Join(names, ", ") + ") bool"
	list := strings.Join(args, ", ")
	call := g.name + g.ownTypeArgs() + "(s_, nil, " + list + ")"
	offered := "if s_.Accept(lp_.PC()) {\nreturn " + call + "\n}\ndefer s_.Unpin(s_.Pin())\nreturn " + call
	plain := "return " + g.name + g.ownTypeArgs() + "(lp_.Plain(), nil, " + strings.Join(apart, ", ") + ")"
	var text string
	switch {
	case l.p.chaos > 0:
		text = "return " + lowerFirst(g.name) + "_drive" + g.ownTypeArgs() + "(" + list + ")"
	case trust == "true":
		text = offered
	case trust == "false":
		text = plain
	default:
		text = "if !" + trust + " {\n" + plain + "\n}\n" + offered
	}
	return "func(" + strings.Join(params, ", ") + ") " + typ + " {\nreturn " + sig + " {\n" + text + "\n}\n}(" + strings.Join(own, ", ") + ")"
}
