package compile

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A writer writes a random function: statements, nested calls, closures, loops with
// labels, switches, ranges, panics.
type writer struct {
	r      *rand.Rand
	b      strings.Builder
	ints   []string // variables in scope
	consts []string // variables that must not be assigned
	labels []string
	depth  int
	names  int
	loop   bool // break is allowed
	cont   bool // continue is
	left   int  // statements that may still come
	fns    []string
	defers int
	void   bool     // the function returns nothing
	gotos  []string // labels that goto may name
	offset int      // number of the program
}

func (w *writer) pick(list ...string) string { return list[w.r.IntN(len(list))] }

func (w *writer) name(prefix string) string {
	w.names++
	return fmt.Sprint(prefix, w.names)
}

// expr writes an int expression; calls in it may park.
func (w *writer) expr(d int) string {
	vars := append(append([]string{}, w.ints...), w.consts...)
	switch n := w.r.IntN(12); {
	case d <= 0 || n < 2:
		if len(vars) > 0 && w.r.IntN(3) > 0 {
			return vars[w.r.IntN(len(vars))]
		}
		return fmt.Sprint(w.r.IntN(7))
	case n < 5:
		return fmt.Sprintf("t.n(f, %s)", w.expr(d-1))
	case n < 8:
		return fmt.Sprintf("(%s %s %s)", w.expr(d-1), w.pick("+", "-", "*", "^", "&"), w.expr(d-1))
	case n == 8 && len(w.fns) > 0:
		return fmt.Sprintf("%s(f, %s)", w.fns[w.r.IntN(len(w.fns))], w.expr(d-1))
	case n == 9:
		return fmt.Sprintf("arr[%s&3]", w.expr(d-1))
	case n == 10:
		return fmt.Sprintf("m[%s&3]", w.expr(d-1))
	case n == 11 && w.r.IntN(6) == 0:
		return fmt.Sprintf("(%s / (t.n(f, %s) & 3))", w.expr(d-1), w.expr(d-1)) // may panic
	}
	return fmt.Sprintf("pair2(f, t, %s, %s)", w.expr(d-1), w.expr(d-1))
}

func (w *writer) cond(d int) string {
	switch w.r.IntN(5) {
	case 0:
		if d > 0 {
			return fmt.Sprintf("(%s && %s)", w.cond(d-1), w.cond(d-1))
		}
	case 1:
		if d > 0 {
			return fmt.Sprintf("(%s || !(%s))", w.cond(d-1), w.cond(d-1))
		}
	case 2:
		return fmt.Sprintf("t.b(f, %s > 2)", w.expr(d-1))
	}
	return fmt.Sprintf("%s %s %s", w.expr(d), w.pick("<", "==", "!=", ">="), w.expr(d))
}

func (w *writer) lhs() string {
	switch n := w.r.IntN(6); {
	case n < 4 && len(w.ints) > 0:
		return w.ints[w.r.IntN(len(w.ints))]
	case n == 4:
		return fmt.Sprintf("m[%s&3]", w.expr(1))
	}
	return fmt.Sprintf("arr[%s&3]", w.expr(1))
}

// scoped writes a block.
func (w *writer) scoped(body func()) {
	ints, consts, fns, gotos := len(w.ints), len(w.consts), len(w.fns), len(w.gotos)
	w.depth++
	body()
	w.depth--
	w.ints, w.consts, w.fns, w.gotos = w.ints[:ints], w.consts[:consts], w.fns[:fns], w.gotos[:gotos]
}

func (w *writer) block() {
	w.scoped(func() {
		for range 1 + w.r.IntN(3) {
			w.stmt()
		}
	})
}

// inLoop writes the body of a statement that break, and for a loop continue, may end.
func (w *writer) inLoop(loop bool, body func()) {
	l, c := w.loop, w.cont
	w.loop, w.cont = true, c || loop
	body()
	w.loop, w.cont = l, c
}

func (w *writer) f(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

func (w *writer) stmt() {
	if w.left--; w.left < 0 || w.depth > 4 {
		w.f("t.log(%s)", w.expr(1))
		return
	}
	switch w.r.IntN(36) {
	case 0, 1:
		e := w.expr(3)
		v := w.name("v")
		w.f("%s := %s\n_ = %s", v, e, v)
		w.ints = append(w.ints, v)
	case 2:
		w.f("%s %s %s", w.lhs(), w.pick("=", "+=", "-=", "^="), w.expr(3))
	case 3:
		w.f("%s, %s = %s, %s", w.lhs(), w.lhs(), w.expr(2), w.expr(2))
	case 4:
		w.f("t.log(%s, %s)", w.expr(2), w.expr(2))
	case 5, 6:
		w.f("if %s {", w.cond(2))
		w.block()
		if w.r.IntN(2) == 0 {
			w.f("} else {")
			w.block()
		}
		w.f("}")
	case 7:
		i := w.name("i")
		label := ""
		if w.r.IntN(3) == 0 {
			label = w.name("L")
			w.f("%s:", label)
			w.labels = append(w.labels, label)
		}
		w.f("for %s := 0; %s < %d; %s++ {", i, i, 2+w.r.IntN(3), i)
		w.inLoop(true, func() {
			w.scoped(func() {
				w.consts = append(w.consts, i)
				for range 1 + w.r.IntN(3) {
					w.stmt()
				}
				if label != "" {
					w.f("if %s {\n%s %s\n}", w.cond(1), w.pick("break", "continue"), label)
				}
			})
		})
		w.f("}")
	case 8:
		i, v := w.name("i"), w.name("v")
		w.f("for %s, %s := range %s {\n_, _ = %s, %s", i, v, w.pick("arr", "arr[1:]", "fixed", "&fixed", `[]int{t.n(f, 1), 2}`), i, v)
		w.inLoop(true, func() {
			w.scoped(func() {
				w.ints = append(w.ints, i, v)
				for range 1 + w.r.IntN(3) {
					w.stmt()
				}
			})
		})
		w.f("}")
	case 9:
		i := w.name("i")
		w.f("for %s := range %s&3 {\n_ = %s", i, w.expr(1), i)
		w.inLoop(true, func() {
			w.scoped(func() {
				w.ints = append(w.ints, i)
				w.block()
			})
		})
		w.f("}")
	case 10:
		tagged := w.r.IntN(2) == 0
		if tagged {
			w.f("switch %s & 3 {", w.expr(2))
		} else {
			w.f("switch {")
		}
		n := 1 + w.r.IntN(3)
		for i := range n {
			switch {
			case i == n-1 && w.r.IntN(2) == 0:
				w.f("default:")
			case tagged:
				w.f("case %s:", w.expr(1)+" + 0*t.n(f, 1)")
			default:
				w.f("case %s:", w.cond(1))
			}
			w.inLoop(false, w.block)
			if i < n-1 && w.r.IntN(4) == 0 {
				if w.names%3 == 0 {
					at := w.name("F")
					w.f("if t.b(f, a > 2) {\ngoto %s\n}\n%s:", at, at)
				}
				w.f("fallthrough")
			}
		}
		w.f("}")
	case 11:
		v, e := w.name("x"), w.pick("any(1)", `any("s")`, "any(nil)", "any(t.n(f, 3))", "any(2.5)")
		w.f("switch %s := %s.(type) {\ncase int:", v, e)
		w.inLoop(false, w.block)
		w.f("t.log(%s + t.n(f, 1))\ncase string, nil:", v)
		w.inLoop(false, w.block)
		w.f("t.log(%s)\n}", v)
	case 12:
		fn := w.name("fn")
		if w.r.IntN(2) == 0 {
			w.f("%s := func(f *fiber.Fiber, a int) (res int) {", fn)
			w.function(false, "a", "res")
		} else {
			w.f("%s := func(f *fiber.Fiber, a int) int {", fn)
			w.function(false, "a")
		}
		w.f("}\n_ = %s", fn)
		w.fns = append(w.fns, fn)
	case 13:
		p := w.name("p")
		if len(w.ints) > 0 {
			w.f("%s := &%s\n*%s += %s\nt.log(*%s)", p, w.ints[w.r.IntN(len(w.ints))], p, w.expr(2), p)
		} else {
			w.f("t.p(f)")
		}
	case 14:
		if w.loop && w.r.IntN(2) == 0 {
			word := "break"
			if w.cont && w.r.IntN(2) == 0 {
				word = "continue"
			}
			w.f("if %s {\n%s\n}", w.cond(1), word)
		} else {
			w.f("t.p(f)")
		}
	case 15:
		if w.void {
			w.f("if %s {\nreturn\n}", w.cond(2))
		} else {
			w.f("if %s {\nreturn %s\n}", w.cond(2), w.expr(2))
		}
	case 16:
		w.f("{")
		w.block()
		w.f("}")
	case 17:
		w.deferred()
	case 18, 19:
		w.deferred()
	case 20:
		w.gotoForward()
	case 21:
		w.gotoBack()
	case 22:
		if len(w.gotos) > 0 {
			w.f("if %s {\ngoto %s\n}", w.cond(1), w.gotos[w.r.IntN(len(w.gotos))])
		} else {
			w.f("t.log(recover(), %s)", w.expr(1))
		}
	case 23:
		w.direct()
	case 24:
		w.mapRange()
	case 25:
		w.localType()
	case 26:
		w.f("if %s {\npanic(%s)\n}", w.cond(1), w.pick(w.expr(1), `"text"`, "2.5"))
	case 27:
		w.selects()
	case 28, 29, 30:
		w.overFunc()
	case 31:
		w.genericLit()
	case 32:
		w.shadowed()
	case 33:
		w.several()
	case 34:
		w.keptLits()
	case 35:
		w.paramSeq()
	}
}

// function writes the body of a literal, with variables of its own.
func (w *writer) function(void bool, ints ...string) {
	loop, cont, labels, gotos, was := w.loop, w.cont, w.labels, w.gotos, w.void
	w.loop, w.cont, w.labels, w.gotos, w.void = false, false, nil, nil, void
	w.scoped(func() {
		w.ints = append(w.ints, ints...)
		for range 1 + w.r.IntN(3) {
			w.stmt()
		}
		if !void {
			w.f("return %s", w.expr(2))
		}
	})
	w.loop, w.cont, w.labels, w.gotos, w.void = loop, cont, labels, gotos, was
}
