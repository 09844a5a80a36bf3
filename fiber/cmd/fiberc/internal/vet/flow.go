package vet

import (
	"maps"
	"strconv"

	"go/token"

	"golang.org/x/tools/go/ssa"
)

// The data flow of the analyzers: a map of facts is pushed forward through the blocks of
// a function until nothing changes. A fact that is missing is the least one, and two
// facts are joined by the greater one, so the analysis ends.

// A place is a value, or the memory it points to: path is a chain of "*" (what a pointer
// points to), ".n" (a field) and "[i]" (an element).
type place struct {
	base ssa.Value
	path string
}

func value(v ssa.Value) place { return place{base: v} }

// memory is the place that an address stands for. Two addresses with the same place are
// equal; two with different places may be equal too.
func memory(addr ssa.Value) place {
	switch a := addr.(type) {
	case *ssa.FieldAddr:
		m := memory(a.X)
		return place{m.base, m.path + "." + strconv.Itoa(a.Field)}
	case *ssa.IndexAddr:
		m := memory(a.X)
		if c, ok := a.Index.(*ssa.Const); ok {
			return place{m.base, m.path + "[" + c.Value.ExactString() + "]"}
		}
		return place{m.base, m.path + "[" + a.Index.Name() + "]"}
	case *ssa.UnOp:
		if a.Op == token.MUL {
			m := memory(a.X)
			return place{m.base, m.path + "*"}
		}
	case *ssa.ChangeType:
		return memory(a.X)
	}
	return place{addr, "*"}
}

// A lattice says how the facts of one analysis behave.
type lattice[F any] struct {
	// over reports whether new goes over old where two paths meet.
	over func(old, new F) bool
	// step changes the facts by an instruction.
	step func(s map[place]F, in ssa.Instruction)
	// edge changes the facts on the way from one block to its n-th successor. It may be nil.
	edge func(s map[place]F, from *ssa.BasicBlock, n int)
}

// forward returns the facts at the start of each block of fn, nil for blocks that are
// not reached.
func forward[F any](fn *ssa.Function, entry map[place]F, l lattice[F]) []map[place]F {
	in := make([]map[place]F, len(fn.Blocks))
	if len(fn.Blocks) == 0 {
		return in
	}
	in[0] = entry
	work := []*ssa.BasicBlock{fn.Blocks[0]}
	queued := map[*ssa.BasicBlock]bool{fn.Blocks[0]: true}
	for len(work) > 0 {
		b := work[0]
		work, queued[b] = work[1:], false
		out := maps.Clone(in[b.Index])
		for _, i := range b.Instrs {
			l.step(out, i)
		}
		for n, to := range b.Succs {
			s := maps.Clone(out)
			if l.edge != nil {
				l.edge(s, b, n)
			}
			changed := in[to.Index] == nil
			if changed {
				in[to.Index] = s
			} else {
				for k, f := range s {
					if old, ok := in[to.Index][k]; !ok || l.over(old, f) {
						in[to.Index][k], changed = f, true
					}
				}
			}
			if changed && !queued[to] {
				work, queued[to] = append(work, to), true
			}
		}
	}
	return in
}

// replay runs the steps once more over the facts that forward found.
func replay[F any](fn *ssa.Function, in []map[place]F, step func(s map[place]F, in ssa.Instruction)) {
	for _, b := range fn.Blocks {
		if in[b.Index] == nil {
			continue
		}
		s := maps.Clone(in[b.Index])
		for _, i := range b.Instrs {
			step(s, i)
		}
	}
}

// predecessor returns which predecessor of to the n-th edge out of from is.
func predecessor(from *ssa.BasicBlock, n int) int {
	to, nth := from.Succs[n], 0
	for _, s := range from.Succs[:n] {
		if s == to {
			nth++
		}
	}
	for i, p := range to.Preds {
		if p == from {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	return -1
}
