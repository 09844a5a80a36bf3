package compile

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// Deferred calls. What a defer statement evaluates goes to variables, and a bit says that
// the call is to be made. A return sets the results and goes to the function's exit, which
// makes the calls, the last first, as ordinary calls: one that may park is a park point.
// A panic or Goexit is for the guard, a native deferred function. It takes the panic,
// defers natively what is still to be called, in order, and panics again under those, so
// that recover works in them as gc has it; if one of them recovers, the function returns
// its results. While the function leaves at a park the guard does nothing.

// A deferred is a defer statement.
type deferred struct {
	stmt *ast.DeferStmt
	bit  int
	call func() string // spells the plain call
	park *callee       // of a second body, nil if it has none
	args func() string // of the second body
}

// prepare finds out whether returns have to go to an exit.
func (l *lowering) prepare() {
	has := len(l.boxes) > 0
	ast.Inspect(l.f.Body, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			if l.pending == nil {
				l.pending = l.temp(types.Typ[types.Uint32], n)
			}
			has = true
		}
		return true
	})
	if has {
		l.exit = "exit_"
	}
}

// returning spells a return as the way to the exit.
func (l *lowering) returning(s *ast.ReturnStmt) string {
	l.outs = append(l.outs, l.exit)
	to := "goto " + l.exit
	if len(s.Results) == 0 {
		return to
	}
	var lhs, rhs []string
	for _, r := range l.results {
		if b := l.boxes[r]; b != nil {
			l.use(b)
			lhs = append(lhs, b.ref())
			continue
		}
		lhs = append(lhs, r.name)
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
	for i := len(l.defers) - 1; i >= 0; i-- {
		d := l.defers[i]
		skip := l.newLabel("skip")
		l.use(l.pending)
		l.branchUnless(d.stmt, fmt.Sprintf("%s&%d != 0", l.pending.name, d.bit), skip)
		l.use(l.pending)
		l.do(d.stmt, fmt.Sprintf("%s &^= %d", l.pending.name, d.bit), l.pending)
		if d.park != nil {
			p := &park{pc: len(l.parks) + 1, call: d.stmt.Call, callee: d.park.static.Title}
			p.types = l.resultTypes(d.stmt.Call)
			if len(p.types) > 6 {
				no(d.stmt, "a call with more than 6 results")
			}
			for _, t := range p.types {
				p.results = append(p.results, l.temp(t, d.stmt))
			}
			p.fun = l.second(d.stmt.Call, d.park.static) + "(s_, nil" + l.flagArgs(d.stmt.Call, d.park.static) + d.args() + ")"
			l.parks = append(l.parks, p)
			l.emit(instr{pos: d.stmt.Pos(), park: p, defs: p.results, falls: true})
		} else {
			l.do(d.stmt, d.call())
		}
		l.label(skip)
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

// deferStmt evaluates what is deferred.
func (l *lowering) deferStmt(s *ast.DeferStmt) {
	for _, t := range l.loops {
		if t.cont != "" {
			no(s, "defer in a loop")
		}
	}
	if len(l.defers) == 32 {
		no(s, "more than 32 defer statements")
	}
	call := s.Call
	fun := ast.Unparen(call.Fun)
	if tv := l.info.Types[fun]; tv.IsType() || tv.IsBuiltin() {
		no(s, "defer of a builtin or a conversion")
	}
	d := &deferred{stmt: s, bit: 1 << len(l.defers)}
	operands := append([]ast.Expr{}, call.Args...)
	sel, _ := fun.(*ast.SelectorExpr)
	var method *types.Selection
	if sel != nil {
		if m := l.info.Selections[sel]; m != nil && m.Kind() == types.MethodVal {
			method = m
			operands = append([]ast.Expr{sel.X}, operands...)
		}
	}
	for _, a := range call.Args {
		if _, tuple := l.info.TypeOf(a).(*types.Tuple); tuple {
			no(s, "defer of a call with the results of another")
		}
	}
	l.spill(operands...)
	sig := l.info.TypeOf(fun).Underlying().(*types.Signature)
	var lhs, rhs []string
	var defs []*variable
	keep := func(t types.Type, text string) *variable {
		v := l.temp(t, s)
		lhs, rhs, defs = append(lhs, v.name), append(rhs, text), append(defs, v)
		return v
	}
	var recv, fn *variable
	name := ""
	switch {
	case method != nil:
		rt := method.Obj().(*types.Func).Signature().Recv().Type()
		if types.IsInterface(rt) {
			if len(method.Index()) > 1 {
				no(s, "defer of a method promoted from an interface")
			}
			rt = l.info.TypeOf(sel.X)
			recv = keep(rt, l.text(sel.X))
		} else {
			recv = keep(rt, l.receiver(sel, method))
		}
		name = sel.Sel.Name
		if o := method.Obj(); !o.Exported() && o.Pkg() != l.pkg.Types {
			no(s, "defer of an unexported method of another package")
		}
	default:
		var obj types.Object
		if id, ok := fun.(*ast.Ident); ok {
			obj = l.info.Uses[id]
		} else if sel != nil {
			obj = l.info.Uses[sel.Sel]
		}
		if _, ok := obj.(*types.Func); ok {
			name = l.text(fun)
		} else {
			fn = keep(l.info.TypeOf(fun), l.text(fun))
		}
	}
	var args []*variable
	for i, a := range call.Args {
		var t types.Type
		switch n := sig.Params().Len(); {
		case !sig.Variadic() || i < n-1 || call.Ellipsis.IsValid():
			t = sig.Params().At(i).Type()
		default:
			t = sig.Params().At(n - 1).Type().Underlying().(*types.Slice).Elem()
		}
		args = append(args, keep(t, l.text(a)))
	}
	list := func() string {
		for _, v := range args {
			l.use(v)
		}
		text := join(args, ", ")
		if call.Ellipsis.IsValid() {
			text += "..."
		}
		return text
	}
	d.call = func() string {
		switch {
		case recv != nil:
			l.use(recv)
			return recv.name + "." + name + "(" + list() + ")"
		case fn != nil:
			l.use(fn)
			return fn.name + "(" + list() + ")"
		}
		return name + "(" + list() + ")"
	}
	if c, ok := l.parking[call]; ok && c.static != nil {
		d.park = &c
		d.args = func() string {
			text := ""
			if recv != nil {
				l.use(recv)
				text = ", " + recv.name
			}
			if a := list(); a != "" {
				text += ", " + a
			}
			return text
		}
	}
	l.defers = append(l.defers, d)
	set := fmt.Sprintf("%s |= %d", l.pending.name, d.bit)
	l.use(l.pending)
	if len(lhs) > 0 {
		set = strings.Join(lhs, ", ") + " = " + strings.Join(rhs, ", ") + "\n" + set
	}
	l.do(s, set, defs...)
}

// writeGuard spells the guard.
func (l *lowering) writeGuard(b *strings.Builder) {
	if len(l.defers) == 0 {
		return
	}
	run := func() {
		for _, d := range l.defers {
			fmt.Fprintf(b, "if %s&%d != 0 {\n%s &^= %d\ndefer %s\n}\n", l.pending.name, d.bit, l.pending.name, d.bit, d.call())
		}
	}
	fmt.Fprintf(b, "defer func() {\nif %s == 0 || s_.Left() {\nreturn\n}\nv_ := recover()\nfunc() {\n", l.pending.name)
	run()
	b.WriteString("if v_ != nil {\npanic(v_)\n}\n}()\n")
	for _, r := range l.results {
		if x := l.boxes[r]; x != nil {
			fmt.Fprintf(b, "%s = %s\n", r.name, x.ref())
		}
	}
	b.WriteString("}()\n")
	l.uses = nil
}
