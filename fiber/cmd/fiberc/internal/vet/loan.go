package vet

import (
	"go/token"
	"go/types"
	"strconv"

	"golang.org/x/tools/go/ssa"
)

// Loans of borrowed bytes, and the places that have them: values, local variables, their
// fields and elements.

// A loan is what is known of borrowed bytes.
type loan struct {
	param int       // the parameter whose bytes they are; -1 if they are lent by the framework
	from  token.Pos // the call that lent them
	name  string    // its name
	stale token.Pos // the call that may have parked since, if any
	via   string
}

func (l loan) rank() int {
	r := 0
	if l.param < 0 {
		r = 2
	}
	if l.stale.IsValid() {
		r++
	}
	return r
}

// at returns the loan of v.
func at(s map[place]loan, v ssa.Value) (loan, bool) {
	l, ok := s[value(v)]
	return l, ok
}

// load returns the loan of what is in memory: of the place itself, of something it is a
// part of, or of a part of it.
func load(s map[place]loan, m place) (best loan, found bool) {
	for p, l := range s {
		if p.base != m.base || p.path == "" {
			continue
		}
		if under(m.path, p.path) || under(p.path, m.path) {
			if !found || l.rank() > best.rank() || l.rank() == best.rank() && l.from < best.from {
				best, found = l, true
			}
		}
	}
	return best, found
}

// under reports whether a path is a part of another.
func under(path, of string) bool {
	return len(path) >= len(of) && path[:len(of)] == of && (len(path) == len(of) || path[len(of)] == '.' || path[len(of)] == '[')
}

// tracked reports whether what is stored at an address is followed.
func tracked(m place) bool {
	switch m.base.(type) {
	case *ssa.Alloc, *ssa.FreeVar:
		// One step only: a variable, its fields and elements, not what it points to.
		for i := 1; i < len(m.path); i++ {
			if m.path[i] == '*' {
				return false
			}
		}
		return true
	}
	return false
}

// lay puts a loan into a place: into each field of a struct that holds bytes, so that one
// that is assigned later is free of it.
func lay(s map[place]loan, m place, t types.Type, l loan, depth int) {
	u, ok := t.Underlying().(*types.Struct)
	if !ok || depth > 3 {
		s[m] = l
		return
	}
	for i := range u.NumFields() {
		if f := u.Field(i); holds(f.Type(), 1) {
			lay(s, place{m.base, m.path + "." + strconv.Itoa(i)}, f.Type(), l, depth+1)
		}
	}
}

// holdsBytes reports whether a value of type t can hold borrowed bytes.
func holdsBytes(t types.Type) bool { return holds(t, 0) }

func holds(t types.Type, depth int) bool {
	switch u := types.Unalias(t).Underlying().(type) {
	case *types.Slice:
		if e, ok := u.Elem().Underlying().(*types.Basic); ok {
			return e.Kind() == types.Byte
		}
		return depth < 3 && holds(u.Elem(), depth+1)
	case *types.Array:
		return depth < 3 && holds(u.Elem(), depth+1)
	case *types.Struct:
		for f := range u.Fields() {
			if depth < 3 && holds(f.Type(), depth+1) {
				return true
			}
		}
	case *types.Interface:
		return depth > 0 // an element of ...any
	}
	return false
}

// holdsOrReads adds what bytes.NewReader and bytes.NewBuffer return.
func holdsOrReads(t types.Type) bool {
	if n := named(t); n != nil && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "bytes" {
		return true
	}
	return holdsBytes(t)
}
