package compile

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

// The variables of a second body: those of the source that moved to its head, and
// temporaries.

// A variable is a local of the second body.
type variable struct {
	name  string
	typ   types.Type // of the variable, not of its box
	raw   string     // how a type of package abi is spelled, "" for others
	boxed bool
	param bool
}

// nameFor returns a name for a variable of the source, which may be its own: where that
// means something else nobody names the variable.
func (l *lowering) nameFor(base string) string { return l.newName(base, true) }

// nameApart returns a name that nothing in the source has, for what generated code names
// in the midst of statements that are copied.
func (l *lowering) nameApart(base string) string { return l.newName(base, false) }

// nameOnce returns a name for a result, which a return in a statement that is copied sets:
// its own if nothing else has it.
func (l *lowering) nameOnce(r *types.Var, base string) string {
	return l.newName(base, r.Name() == base && l.declared[base] == 1)
}

func (l *lowering) newName(base string, own bool) string {
	if base == "_" || base == "" {
		base = "blank_"
	}
	free := func(n string) bool {
		if types.Universe.Lookup(n) != nil || l.pkg.Types.Scope().Lookup(n) != nil || l.file.has(n) || reserved(n) {
			return false
		}
		for tp := range l.f.typeParams().TypeParams() {
			if tp.Obj().Name() == n {
				return false
			}
		}
		for _, v := range l.order {
			if v.name == n {
				return false
			}
		}
		for _, list := range [][]*variable{l.params, l.results} {
			for _, v := range list {
				if v.name == n {
					return false
				}
			}
		}
		return true
	}
	if free(base) && base != "blank_" && (own || !l.taken[base]) {
		return base
	}
	for i := 2; ; i++ {
		if n := base + "_" + strconv.Itoa(i); free(n) && !l.taken[n] {
			return n
		}
	}
}

// reserved names are those of generated code.
func reserved(n string) bool {
	switch n {
	case "s_", "fr_", "abi_", "x_", "c_", "ok_", "v0_", "v1_", "fn_", "v_", "a_", "d_", "r_", "h_", "body_", "lp_":
		return true
	}
	if len(n) < 3 || n[0] != 'a' || n[len(n)-1] != '_' {
		return false
	}
	_, err := strconv.Atoi(n[1 : len(n)-1])
	return err == nil
}

// generated names are those of generated functions.
func generated(n string) bool {
	return strings.HasPrefix(strings.TrimLeft(n, "cC"), handPrefix[1:]) || strings.HasPrefix(n, "fiberc_")
}

// hoist declares a variable of the source at the head of the second body.
func (l *lowering) hoist(obj types.Object, at ast.Node) *variable {
	if v := l.vars[obj]; v != nil {
		return v
	}
	v := &variable{name: l.nameFor(obj.Name()), typ: obj.Type(), boxed: l.facts.boxed(obj)}
	l.typ(v.typ, at)
	l.order = append(l.order, v)
	l.vars[obj] = v
	return v
}

// temp declares a temporary.
func (l *lowering) temp(t types.Type, at ast.Node) *variable {
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Default(t)
	}
	l.temps++
	v := &variable{name: l.nameApart(l.tempPrefix() + strconv.Itoa(l.temps) + "_"), typ: t}
	l.typ(t, at)
	l.order = append(l.order, v)
	return v
}

// ref is how code names a variable.
func (v *variable) ref() string {
	if v.boxed {
		return "(*" + v.name + ")"
	}
	return v.name
}

// spell is the type with which a variable is declared.
func (v *variable) spell(l *lowering) string {
	if v.raw != "" {
		if v.boxed {
			return "*" + v.raw
		}
		return v.raw
	}
	t := l.file.typ(v.typ, l.f.Body)
	if v.boxed {
		return "*" + t
	}
	return t
}

func join(vars []*variable, sep string) string {
	var list []string
	for _, v := range vars {
		list = append(list, v.name)
	}
	return strings.Join(list, sep)
}
