package compile

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// Defer statements. What one evaluates goes to variables, and a bit says that the call is
// to be made; exits.go has where it is. A function that may execute one of its defer
// statements more than once, or has more of them than bits, keeps a list instead: the
// number of the statement and a copy of the variables.

// A deferred is a defer statement.
type deferred struct {
	stmt     *ast.DeferStmt
	site     int                    // its number, from 1
	operands []*variable            // what it has evaluated
	call     func(*lowering) string // spells the plain call
	park     *callSite              // of a second body, nil if it has none
	args     func(*lowering) string // of the second body
}

func (d *deferred) bit() uint32 { return 1 << (d.site - 1) }

// prepare finds out whether returns have to go to an exit.
func (l *lowering) prepare() {
	if l.up != nil {
		return // they are those of the function around
	}
	has := len(l.boxes) > 0
	n := 0
	shared := false // with the body of a loop
	var visit func(n ast.Node, loop bool)
	visit = func(top ast.Node, loop bool) {
		ast.Inspect(top, func(m ast.Node) bool {
			switch m := m.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ForStmt, *ast.RangeStmt:
				if s, ok := m.(*ast.RangeStmt); ok && l.p.loops[s] != nil && l.p.loops[s].apart {
					has = true
					shared = shared || defersIn(s.Body)
				}
				if m != top {
					visit(m, true)
					return false
				}
			case *ast.DeferStmt:
				n++
				l.listed = l.listed || loop || n > 32 || l.repeats(m.Pos())
			}
			return true
		})
	}
	visit(l.f.Body, false)
	if n > 0 {
		has = true
		l.pending = l.temp(types.Typ[types.Uint32], l.f.Body)
		if l.listed {
			l.pending.typ, l.pending.raw = types.NewSlice(types.Typ[types.Int]), "[]abi_.Deferred"
			if l.pending.boxed = shared; shared {
				l.entry = append(l.entry, l.pending.name+" = new([]abi_.Deferred)")
			}
			l.popped = l.temp(types.Typ[types.Int], l.f.Body)
			l.popped.raw = "abi_.Deferred"
		}
	}
	if has {
		l.exit = "exit_"
	}
}

// deferStmt evaluates what is deferred.
func (l *lowering) deferStmt(s *ast.DeferStmt) {
	call := s.Call
	fun := ast.Unparen(call.Fun)
	root := l.root()
	d := &deferred{stmt: s, site: len(root.defers) + 1}
	operands := append([]ast.Expr{}, call.Args...)
	sel, _ := fun.(*ast.SelectorExpr)
	lit, _ := fun.(*ast.FuncLit)
	var method *types.Selection
	if sel != nil {
		if m := l.info.Selections[sel]; m != nil && m.Kind() == types.MethodVal {
			method = m
			operands = append([]ast.Expr{sel.X}, operands...)
		}
	}
	if method == nil && lit == nil {
		operands = append([]ast.Expr{fun}, operands...)
	}
	l.unfold(call, operands[:len(operands)-len(call.Args)]...)
	l.spill(operands...)
	var lhs, rhs []string
	keep := func(t types.Type, text string) *variable {
		v := l.deferTemp(t, s)
		lhs, rhs, d.operands = append(lhs, v.name), append(rhs, text), append(d.operands, v)
		return v
	}
	if c, ok := l.parking[call]; ok && (c.static != nil || lit != nil) {
		d.park = &c
	}
	var recv, fn *variable
	name := l.builtin(call)
	check := ""
	switch {
	case name != "":
		if strings.Contains(name, ".") {
			no(s, "defer of %s", name)
		}
	case method != nil:
		rt := method.Obj().(*types.Func).Signature().Recv().Type()
		text := ""
		if types.IsInterface(rt) {
			rt, text = l.embedded(sel, method)
		} else {
			text = l.receiver(sel, method)
		}
		recv = keep(rt, text)
		name = sel.Sel.Name
		if types.IsInterface(rt) {
			check = "\n_ = " + recv.name + "." + name // nil panics here, not at the call
		}
		if o := method.Obj(); !o.Exported() && o.Pkg() != l.pkg.Types {
			no(s, "defer of an unexported method of another package")
		}
	case lit != nil && d.park != nil && d.park.static != nil:
		// The closure is made only if something panics.
		name = l.text(lit)
	default:
		var id *ast.Ident
		if i, ok := fun.(*ast.Ident); ok {
			id = i
		} else if sel != nil {
			id = sel.Sel
		}
		if _, ok := l.info.Uses[id].(*types.Func); ok && id != nil {
			name = l.text(fun) + l.instance(id, call)
		} else {
			fn = keep(l.info.TypeOf(fun), l.text(fun))
		}
	}
	args := l.deferredArgs(call, keep)
	list := func(l *lowering) string {
		for _, v := range args {
			l.use(v)
		}
		text := join(args, ", ")
		if call.Ellipsis.IsValid() {
			text += "..."
		}
		return text
	}
	var caught []*variable
	if lit != nil && d.park != nil && d.park.static != nil {
		caught = l.captures(d.park.static, s)
		if l.listed {
			for _, v := range caught {
				if v.name != "false" {
					d.operands = append(d.operands, v)
				}
			}
		}
	}
	d.call = func(l *lowering) string {
		switch {
		case recv != nil:
			l.use(recv)
			return recv.name + "." + name + "(" + list(l) + ")"
		case fn != nil:
			l.use(fn)
			return fn.name + "(" + list(l) + ")"
		}
		return name + "(" + list(l) + ")"
	}
	d.args = func(l *lowering) string {
		text := ""
		if recv != nil {
			l.use(recv)
			text = ", " + recv.name
		}
		for _, v := range caught {
			if v.name != "false" {
				l.use(v)
			}
			text += ", " + v.name
		}
		if a := list(l); a != "" {
			text += ", " + a
		}
		return text
	}
	root.defers = append(root.defers, d)
	text := l.note(d)
	if len(lhs) > 0 {
		text = strings.Join(lhs, ", ") + " = " + strings.Join(rhs, ", ") + check + "\n" + text
	}
	defs := append([]*variable{}, d.operands[:len(lhs)]...)
	l.do(s, text, defs...)
}

// deferredArgs keeps the arguments of a deferred call.
func (l *lowering) deferredArgs(call *ast.CallExpr, keep func(types.Type, string) *variable) []*variable {
	var args []*variable
	param := func(i int, have types.Type) types.Type { return have }
	if name := l.builtin(call); name == "panic" {
		param = func(int, types.Type) types.Type { return types.Universe.Lookup("any").Type() }
	} else if name == "" {
		sig := l.signatureOf(call)
		param = func(i int, _ types.Type) types.Type {
			n := sig.Params().Len()
			if !sig.Variadic() || i < n-1 || call.Ellipsis.IsValid() {
				return sig.Params().At(i).Type()
			}
			return sig.Params().At(n - 1).Type().Underlying().(*types.Slice).Elem()
		}
	}
	if len(call.Args) == 1 {
		if inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr); ok && l.many()[inner] != nil {
			for i, v := range l.many()[inner] {
				l.use(v)
				args = append(args, keep(param(i, v.typ), v.name))
			}
			return args
		}
	}
	for i, a := range call.Args {
		args = append(args, keep(param(i, l.info.TypeOf(a)), l.text(a)))
	}
	return args
}

// signatureOf is that of what a call calls.
func (l *lowering) signatureOf(call *ast.CallExpr) *types.Signature {
	sig, ok := l.info.TypeOf(call.Fun).Underlying().(*types.Signature)
	if !ok {
		no(call, "a deferred call of a value whose type is a type parameter")
	}
	return sig
}

// embedded spells the interface whose method a selector names, which may be a field of
// what stands before the dot.
func (l *lowering) embedded(sel *ast.SelectorExpr, s *types.Selection) (types.Type, string) {
	t := l.info.TypeOf(sel.X)
	if len(s.Index()) == 1 {
		return t, l.text(sel.X)
	}
	for _, i := range s.Index()[:len(s.Index())-1] {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			no(sel, "a method promoted through %s", t)
		}
		t = st.Field(i).Type()
	}
	return t, l.receiver(sel, s)
}

// instance spells the type arguments that a call of a generic function is given.
func (l *lowering) instance(id *ast.Ident, at ast.Node) string {
	inst, ok := l.info.Instances[id]
	if !ok {
		return ""
	}
	var list []string
	for t := range inst.TypeArgs.Types() {
		list = append(list, l.file.typ(t, at))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// deferTemp declares a temporary for what a defer statement evaluates: in the body of a loop one
// of the function around it too, which makes the call.
func (l *lowering) deferTemp(t types.Type, at ast.Node) *variable {
	v := l.root().temp(t, at)
	if l.up != nil {
		l.order = append(l.order, v)
	}
	return v
}

// note spells that a deferred call is to be made.
func (l *lowering) note(d *deferred) string {
	l.use(l.pending)
	if !l.root().listed {
		return fmt.Sprintf("%s |= %d", l.pending.name, d.bit())
	}
	args := ""
	if len(d.operands) > 0 {
		for _, v := range d.operands {
			l.use(v)
		}
		args = ", Args: &" + l.kept(d) + "{" + join(d.operands, ", ") + "}"
	}
	return fmt.Sprintf("%s = append(%s, abi_.Deferred{Site: %d%s})", l.pending.ref(), l.pending.ref(), d.site, args)
}

// kept spells the struct of what a defer statement has evaluated.
func (l *lowering) kept(d *deferred) string {
	var fields []string
	for i, v := range d.operands {
		fields = append(fields, fmt.Sprintf("F%d %s", i, v.spell(l)))
	}
	return "struct {" + strings.Join(fields, "; ") + "}"
}

// loads spells its fields.
func (d *deferred) loads() string {
	var list []string
	for i := range d.operands {
		list = append(list, fmt.Sprintf("a_.F%d", i))
	}
	return strings.Join(list, ", ")
}
