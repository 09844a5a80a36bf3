package compile

import (
	"fmt"
	"go/ast"
	"strings"
)

// Where deferred calls are made. A return sets the results and goes to the function's exit,
// which makes the calls, the last first, as ordinary calls: one that may park is a park
// point. A panic or Goexit is for the guard, a native deferred function. It takes the
// panic, defers natively what is still to be called, in order, and panics again under
// those, so that recover works in them as gc has it; if one of them recovers, the function
// returns its results. While the function leaves at a park the guard does nothing.

// returning spells a return as the way to the exit.
func (l *lowering) returning(s *ast.ReturnStmt) string {
	exit := l.returnLabel()
	l.outs = append(l.outs, exit)
	to := "goto " + exit
	if len(s.Results) == 0 {
		return to
	}
	var lhs, rhs []string
	root := l.root()
	for i, r := range root.results {
		switch b := root.boxes[r]; {
		case l.up != nil:
			b = l.vars[root.f.Sig.Results().At(i)]
			l.use(b)
			lhs = append(lhs, b.ref())
		case b != nil:
			l.use(b)
			lhs = append(lhs, b.ref())
		default:
			lhs = append(lhs, r.name)
		}
	}
	for _, e := range s.Results {
		rhs = append(rhs, l.text(e))
	}
	return strings.Join(lhs, ", ") + " = " + strings.Join(rhs, ", ") + "\n" + to
}

// leaveFunction ends the code.
func (l *lowering) leaveFunction() {
	end := l.f.Body.End() - 1
	if l.exit == "" {
		l.emit(instr{text: "return", exits: true, result: true, pos: end})
		return
	}
	l.label(l.exit)
	if l.listed {
		l.exitList()
	} else {
		for i := len(l.defers) - 1; i >= 0; i-- {
			d := l.defers[i]
			skip := l.newLabel("skip")
			l.use(l.pending)
			l.branchUnless(d.stmt, fmt.Sprintf("%s&%d != 0", l.pending.name, d.bit()), skip)
			l.use(l.pending)
			l.do(d.stmt, fmt.Sprintf("%s &^= %d", l.pending.name, d.bit()), l.pending)
			l.make(d)
			l.label(skip)
		}
	}
	text := ""
	for _, r := range l.results {
		if b := l.boxes[r]; b != nil {
			l.use(b)
			text += r.name + " = " + b.ref() + "\n"
		}
	}
	l.emit(instr{text: text + "return", exits: true, result: true, pos: end})
	// A panic in a call that parked goes to the guard, which looks at all this.
	for i := range l.code {
		if l.code[i].park == nil || len(l.defers) == 0 {
			continue
		}
		l.code[i].targets = append(l.code[i].targets, l.exit)
	}
}

// make makes a deferred call.
func (l *lowering) make(d *deferred) {
	if l.recovers(d.stmt.Call) {
		return
	}
	if d.park == nil {
		l.do(d.stmt, d.call(l))
		return
	}
	p := &park{pc: len(l.parks) + 1, call: d.stmt.Call}
	p.types = l.resultTypes(d.stmt.Call)
	for _, t := range p.types {
		p.results = append(p.results, l.temp(t, d.stmt))
	}
	if d.park.static == nil {
		// A literal in the body of a loop, which has been made there.
		p.callee = "a deferred literal"
		p.before = "{\nfn_ := " + d.operands[0].name + "\n" + l.offerTo(*d.park)
		p.fun = d.call(l)
		p.after = "\ns_.Withdraw()\n}"
		l.parks = append(l.parks, p)
		l.emit(instr{pos: d.stmt.Pos(), park: p, defs: p.results, falls: true})
		return
	}
	p.callee = d.park.static.Title
	p.fun = l.second(ast.Unparen(d.stmt.Call.Fun), d.park.static) + "(s_, nil" + l.flagArgs(*d.park) + d.args(l) + ")"
	l.parks = append(l.parks, p)
	l.emit(instr{pos: d.stmt.Pos(), park: p, defs: p.results, falls: true})
}

// exitList makes the calls of a list.
func (l *lowering) exitList() {
	done := l.newLabel("done")
	at := ast.Node(l.f.Body)
	l.use(l.pending)
	l.branchUnless(at, "len("+l.pending.ref()+") > 0", done)
	l.use(l.pending)
	l.do(at, l.popped.name+" = abi_.Pop(&"+l.pending.ref()+")", l.popped)
	var labels []string
	text := "switch " + l.popped.name + ".Site {\n"
	for i, d := range l.defers {
		to := l.newLabel("deferred")
		labels = append(labels, to)
		if i < len(l.defers)-1 {
			text += fmt.Sprintf("case %d:\ngoto %s\n", d.site, to)
		} else {
			text += "default:\ngoto " + to + "\n}"
		}
	}
	l.use(l.popped)
	l.emit(instr{text: text, pos: at.Pos(), targets: labels})
	for i, d := range l.defers {
		l.label(labels[i])
		if len(d.operands) > 0 {
			l.use(l.popped)
			l.do(d.stmt, "{\na_ := "+l.popped.name+".Args.(*"+l.kept(d)+")\n"+join(d.operands, ", ")+" = "+d.loads()+"\n}", d.operands...)
		}
		l.make(d)
		l.jump(l.exit)
	}
	l.label(done)
}

// writeGuard spells the guard.
func (l *lowering) writeGuard(b *strings.Builder) {
	if len(l.defers) == 0 {
		return
	}
	pending := l.pending.ref()
	if l.listed {
		fmt.Fprintf(b, "defer func() {\nif len(%s) == 0 || s_.Left() {\nreturn\n}\nv_ := recover()\nfunc() {\n", pending)
		fmt.Fprintf(b, "for len(%s) > 0 {\nd_ := %s[0]\n%s = %s[1:]\nswitch d_.Site {\n", pending, pending, pending, pending)
		for _, d := range l.defers {
			fmt.Fprintf(b, "case %d:\n", d.site)
			if len(d.operands) > 0 {
				fmt.Fprintf(b, "a_ := d_.Args.(*%s)\n%s := %s\n", l.kept(d), join(d.operands, ", "), d.loads())
			}
			fmt.Fprintf(b, "defer %s\n", d.call(l))
		}
		b.WriteString("}\n}\n")
	} else {
		fmt.Fprintf(b, "defer func() {\nif %s == 0 || s_.Left() {\nreturn\n}\nv_ := recover()\nfunc() {\n", pending)
		for _, d := range l.defers {
			fmt.Fprintf(b, "if %s&%d != 0 {\n%s &^= %d\ndefer %s\n}\n", pending, d.bit(), pending, d.bit(), d.call(l))
		}
	}
	b.WriteString("if v_ != nil {\npanic(v_)\n}\n}()\n")
	for _, r := range l.results {
		if x := l.boxes[r]; x != nil {
			fmt.Fprintf(b, "%s = %s\n", r.name, x.ref())
		}
	}
	b.WriteString("}()\n")
	l.uses = nil
}
