package compile

import "fmt"

// Forms that the writer of random programs has beyond plain statements: what jumps, what is
// deferred or called where it stands, ranges over maps, local types, selects.

// deferred writes a defer statement.
func (w *writer) deferred() {
	if w.defers++; w.defers > 10 {
		w.f("t.log(%s)", w.expr(2))
		return
	}
	switch w.r.IntN(7) {
	case 0:
		w.f("defer func() { t.log(\"recovered\", recover()) }()")
	case 1:
		w.f("defer t.n(f, %s)", w.expr(2))
	case 2:
		w.f("defer t.log(%s, %s)", w.expr(2), w.expr(2))
	case 3:
		w.f("defer delete(m, %s)", w.expr(1))
	case 4:
		w.f("defer t.log(two(f, t, %s, %s))", w.expr(1), w.expr(1))
	case 5:
		w.f("defer func(a int) {\nif v := recover(); v != nil {\nt.log(\"got\", v)\n}")
		w.function(true, "a")
		w.f("}(%s)", w.expr(1))
	case 6:
		w.f("defer func() {")
		w.function(true)
		w.f("}()")
	}
}

// gotoForward writes a block that goto may leave for the end of.
func (w *writer) gotoForward() {
	label := w.name("F")
	w.scoped(func() {
		w.f("{")
		w.gotos = append(w.gotos, label)
		w.f("if %s {\ngoto %s\n}", w.cond(1), label)
		w.block()
		w.f("}")
	})
	w.f("%s:\nt.log(%q)", label, label)
}

// gotoBack writes a loop of gotos that turns no more than three times.
func (w *writer) gotoBack() {
	label, n := w.name("B"), w.name("n")
	w.f("%s := 0\n%s:\n%s++\nif %s < 4 {", n, label, n, n)
	w.scoped(func() {
		w.gotos = append(w.gotos, label)
		w.consts = append(w.consts, n)
		w.block()
		w.f("if %s {\ngoto %s\n}", w.cond(1), label)
	})
	w.f("}")
}

// direct writes a literal that is called where it stands.
func (w *writer) direct() {
	switch w.r.IntN(3) {
	case 0:
		w.f("func() {\ndefer func() { t.log(\"recovered\", recover()) }()")
		w.function(true)
		w.f("}()")
	case 1:
		w.f("func() {")
		w.function(true)
		w.f("}()")
	case 2:
		v := w.name("v")
		w.f("%s := func(a int) (res int) {", v)
		w.function(false, "a", "res")
		w.f("}(%s)\n_ = %s", w.expr(1), v)
		w.ints = append(w.ints, v)
	}
}

// mapRange writes a range over a map whose order does not show.
func (w *writer) mapRange() {
	k, v := w.name("k"), w.name("v")
	if w.r.IntN(2) == 0 {
		w.f("for %s, %s := range map[int]int{%s: %s} {\n_, _ = %s, %s", k, v, w.expr(1), w.expr(1), k, v)
		w.inLoop(true, func() {
			w.scoped(func() {
				w.ints = append(w.ints, k, v)
				w.block()
			})
		})
		w.f("}")
		return
	}
	mm, sum := w.name("mm"), w.name("sum")
	w.f("%s, %s := map[int]int{1: %s, 2: %s, 3: 7}, 0", mm, sum, w.expr(1), w.expr(1))
	w.f("for %s, %s := range %s {\nt.p(f)\n%s += %s * %s", k, v, mm, sum, k, v)
	switch w.r.IntN(4) {
	case 0:
		w.f("delete(%s, %s)", mm, k)
	case 1:
		w.f("clear(%s)\n%s = 1", mm, sum)
	case 2:
		w.f("%s[%s] = t.n0(f, %s) * 2", mm, k, v)
	case 3:
		w.f("defer func() { t.p(f); %s += %s }()", sum, k)
	}
	w.f("}\nt.log(%s, %s)", sum, mm)
	w.ints = append(w.ints, sum)
}

func (w *writer) localType() {
	typ, v := w.name("type_"), w.name("s")
	typ += fmt.Sprint("_", w.offset) // two programs have two types
	w.f("type %s struct {\na int\nnext *%s\n}", typ, typ)
	w.f("%s := %s{a: %s}\n%s.next = &%s{%s, nil}", v, typ, w.expr(2), v, typ, w.expr(1))
	w.f("t.log(fmt.Sprintf(\"%%T\", %s), %s.a, %s.next.a)", v, v, v)
	w.ints = append(w.ints, v+".a", v+".next.a")
}

// selects writes a select whose operands and targets wait.
func (w *writer) selects() {
	c, v := w.name("c"), w.name("v")
	w.f("%s := make(chan int, 1)", c)
	w.f("select {\ncase %s <- %s:\nt.log(\"sent\")\n}", c, w.expr(1))
	switch w.r.IntN(2) {
	case 0:
		w.f("select {\ncase %s := <-%s:\n_ = %s", v, c, v)
		w.inLoop(false, func() {
			w.scoped(func() {
				w.ints = append(w.ints, v)
				w.block()
			})
		})
	case 1:
		w.f("select {\ncase arr[%s&3] = <-%s:", w.expr(1), c)
		w.inLoop(false, w.block)
	}
	w.f("case *new(chan int) <- %s:\nt.log(\"never\")\n}", w.expr(1))
}

// rangesPrelude is what ranges over functions and generic literals in random programs use.
const rangesPrelude = `
func upTo0(f *fiber.Fiber, t *T, n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		defer t.log("up", n)
		for i := range n {
			t.p(f)
			if !yield(i) {
				return
			}
		}
	}
}

func plain0(n int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) { _ = n > 0 && yield(n, 1) && yield(2, n) && n > 3 && yield(n, n) }
}

func keep0[V any](seq iter.Seq[V], ok func(V) bool) iter.Seq[V] {
	return func(yield func(V) bool) {
		for v := range seq {
			if ok(v) && !yield(v) {
				return
			}
		}
	}
}

func push0(f *fiber.Fiber, t *T, n int, yield func(int) bool) bool {
	if n == 0 {
		return true
	}
	t.p(f)
	return push0(f, t, n-1, yield) && yield(n)
}

func apply0[A any](f *fiber.Fiber, t *T, v A, fn func(A) A) A {
	twice := func() A { t.p(f); return fn(fn(v)) }
	defer func() { t.p(f); t.log("applied", v) }()
	v = twice()
	return fn(v)
}

`

// iterator writes an iterator of ints.
func (w *writer) iterator(d int) string {
	switch w.r.IntN(5) {
	case 0:
		if d > 0 {
			return fmt.Sprintf("keep0(%s, func(a int) bool { return t.b(f, a != %s) })", w.iterator(d-1), w.expr(1))
		}
	case 1:
		return fmt.Sprintf("func(yield func(int) bool) { push0(f, t, %s&3, yield) }", w.expr(1))
	case 2:
		return fmt.Sprintf("func(yield func(int) bool) { _ = yield(%s) && yield(%s) }", w.expr(1), w.expr(1))
	}
	return fmt.Sprintf("upTo0(f, t, %s&3)", w.expr(1))
}

// overFunc writes a range over a function.
func (w *writer) overFunc() {
	i, v := w.name("i"), w.name("v")
	label := ""
	if w.r.IntN(3) == 0 {
		label = w.name("L")
		w.f("%s:", label)
	}
	vars := []string{i}
	switch w.r.IntN(5) {
	case 0:
		w.f("for %s, %s := range plain0(%s & 7) {\n_, _ = %s, %s", i, v, w.expr(1), i, v)
		vars = []string{i, v}
	case 1:
		to := w.lhs()
		w.f("for %s = range %s {", to, w.iterator(1))
		vars = nil
	case 2:
		w.f("for range %s {", w.iterator(1))
		vars = nil
	default:
		w.f("for %s := range %s {\n_ = %s", i, w.iterator(2), i)
	}
	w.inLoop(true, func() {
		w.scoped(func() {
			w.ints = append(w.ints, vars...)
			for range 1 + w.r.IntN(3) {
				w.stmt()
			}
			if label != "" {
				w.f("if %s {\n%s %s\n}", w.cond(1), w.pick("break", "continue"), label)
			}
		})
	})
	w.f("}")
}

// genericLit writes a call of a generic function that has literals.
func (w *writer) genericLit() {
	v := w.name("v")
	w.f("%s := apply0(f, t, %s, func(a int) (res int) {", v, w.expr(2))
	w.function(false, "a", "res")
	w.f("})\n_ = %s", v)
	w.ints = append(w.ints, v)
}
