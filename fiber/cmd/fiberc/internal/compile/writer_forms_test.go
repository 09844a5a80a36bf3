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

// rangesPrelude is what ranges over functions and generic literals in random programs use;
// prelude0 uses all of it, whatever programs there are.
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

func fails0(f *fiber.Fiber, t *T, a, b int) error {
	t.p(f)
	if a == b {
		return fmt.Errorf("fails %d", a)
	}
	return nil
}

func sum0(f *fiber.Fiber, t *T, seq iter.Seq[int], fn func(int) int) (n int) {
	for x := range seq {
		if x := fn(x); x == 5 {
			n := n + x
			return n
		}
		n += x
	}
	t.p(f)
	return
}

func pairs0[A, B any](seq iter.Seq[A], fn func(A) B) iter.Seq2[B, A] {
	return func(yield func(B, A) bool) {
		last := func(a A) bool { return !yield(fn(a), a) }
		for a := range seq {
			if last(a) {
				return
			}
		}
	}
}

type list0[V any] struct {
	f    *fiber.Fiber
	t    *T
	vals []V
}

func (l *list0[E]) each(yield func(E) bool) {
	defer l.t.p(l.f)
	for _, v := range l.vals {
		if !yield(v) {
			return
		}
	}
}

func (l *list0[E]) all() iter.Seq[E] { return func(yield func(E) bool) { l.each(yield) } }

func (l *list0[X]) back(seq iter.Seq[X]) iter.Seq[X] {
	var list []X
	return func(yield func(X) bool) {
		for x := range seq {
			list = append(list, x)
			defer func() { l.t.p(l.f); yield(x) }()
		}
	}
}

func apply0[A any](f *fiber.Fiber, t *T, v A, fn func(A) A) A {
	twice := func() A { t.p(f); return fn(fn(v)) }
	defer func() { t.p(f); t.log("applied", v) }()
	v = twice()
	return fn(v)
}

func prelude0(f *fiber.Fiber, t *T) {
	l := &list0[int]{f, t, []int{1, 2}}
	for x := range l.back(l.all()) {
		t.log(t.n(f, x))
	}
	for x := range keep0(upTo0(f, t, 3), func(n int) bool { return t.b(f, n > 0) }) {
		t.log(t.n(f, x))
	}
	for x, y := range plain0(2) {
		t.log(t.n(f, x), y)
	}
	t.log(apply0(f, t, 2, func(n int) int { t.p(f); return n * 3 }))
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

// shadowed writes a block in which variables have the names of others, and of what
// generated code has.
func (w *writer) shadowed() {
	name := w.pick("res", "a", "f2", "r0_", "t1_", "u1_", "lp", "key")
	w.f("if %s {\n%s := %s\n_ = %s", w.cond(1), name, w.expr(1), name)
	w.scoped(func() {
		w.ints = append(w.ints, name)
		if w.r.IntN(2) == 0 {
			w.block()
		}
		if w.void {
			w.f("if %s > 3 {\nreturn\n}", name)
		} else {
			w.f("if %s > 3 {\nreturn %s + 1\n}", name, name)
		}
	})
	w.f("t.log(%s)\n}", name)
}

// several writes a literal with several results, named or not, called where it stands.
func (w *writer) several() {
	v, e := w.name("v"), w.name("e")
	w.f("%s, %s := func(f *fiber.Fiber, a int) %s {", v, e, w.pick("(int, error)", "(res int, err error)", "(_ int, err error)"))
	loop, cont, labels, gotos, was := w.loop, w.cont, w.labels, w.gotos, w.void
	w.loop, w.cont, w.labels, w.gotos, w.void = false, false, nil, nil, false
	if w.r.IntN(2) == 0 {
		w.f("defer func() { t.p(f); t.log(\"several\", a) }()")
	}
	w.f("for i, x := range plain0(%s & 7) {\nfor j := range %s {", w.expr(1), w.iterator(1))
	w.f("if err := fails0(f, t, i + j, %s); err != nil {\nreturn x + j, err\n}", w.expr(1))
	w.f("if j == %s {\n%s\n}", w.expr(1), w.pick("break", "continue", "return a, nil", "err := fmt.Errorf(\"at %d\", j)\nreturn i, err"))
	w.f("a += t.n(f, j)\n}\ndefer t.log(\"left\", i, x)\n}\nreturn a, fails0(f, t, a, 2)")
	w.loop, w.cont, w.labels, w.gotos, w.void = loop, cont, labels, gotos, was
	w.f("}(f, %s)\nt.log(%s, %s)", w.expr(1), v, e)
	w.ints = append(w.ints, v)
}

// keptLits writes a loop whose literals are called when it is over.
func (w *writer) keptLits() {
	fns, i := w.name("kept"), w.name("i")
	w.f("var %s []func(f *fiber.Fiber) int\nfor %s := range %s {", fns, i, w.iterator(1))
	w.inLoop(true, func() {
		w.scoped(func() {
			w.ints = append(w.ints, i)
			w.f("%s = append(%s, func(f *fiber.Fiber) int {\nt.p(f)\n%s += %s\nreturn %s\n})", fns, fns, i, w.pick("1", i), i)
			w.block()
		})
	})
	w.f("}\nfor _, fn := range %s {\nt.log(fn(f), fn(f))\n}", fns)
}

// paramSeq writes ranges over iterators that are parameters, kept in variables, made by
// methods or of more than one type.
func (w *writer) paramSeq() {
	v := w.name("v")
	switch w.r.IntN(4) {
	case 0:
		w.f("%s := sum0(f, t, %s, func(a int) int { return t.n(f, a) + %s })", v, w.iterator(2), w.expr(1))
	case 1:
		s := w.name("s")
		w.f("%s := %s\n%s := sum0(f, t, %s, func(a int) int { return a })", s, w.iterator(1), v, s)
		w.f("for i := range %s {\nt.log(t.n(f, i))\n}", s)
	case 2:
		w.f("%s := %s\nfor s, i := range pairs0(%s, func(a int) string { t.p(f); return fmt.Sprint(a, %s) }) {\nt.log(s, i)\n%s += i\n}", v, w.expr(1), w.iterator(1), w.expr(1), v)
	case 3:
		l := w.name("l")
		w.f("%s := &list0[int]{f, t, []int{%s, %s}}\n%s := 0\nfor i := range %s.each {\n%s += i\n", l, w.expr(1), w.expr(1), v, l, v)
		w.f("if %s {\nbreak\n}\n}\nfor x := range %s.back(%s.all()) {\n%s -= x\n}", w.cond(1), l, l, v)
	}
	w.f("_ = %s", v)
	w.ints = append(w.ints, v)
}

// genericLit writes a call of a generic function that has literals.
func (w *writer) genericLit() {
	v := w.name("v")
	w.f("%s := apply0(f, t, %s, func(a int) (res int) {", v, w.expr(2))
	w.function(false, "a", "res")
	w.f("})\n_ = %s", v)
	w.ints = append(w.ints, v)
}
