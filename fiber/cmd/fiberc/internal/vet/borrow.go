package vet

import (
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// Borrow reports borrowed bytes (what View.Receive and Ctx.RawQuery return, say) that are
// used after a call that may park, or that a goroutine, another fiber or Block is given.
// Their length may be asked for, and a copy (bytes.Clone, append to another slice, a
// conversion to string) is the caller's own.
//
// Which slice is which is followed through variables, fields of local structs, slices of
// slices, functions that return a part of what they were given, and through the literal
// that EachHeader calls; not through fields of what a pointer leads to.
var Borrow = &analysis.Analyzer{
	Name:     "fiberborrow",
	Doc:      "report borrowed bytes that are used after a park",
	URL:      docURL,
	Run:      runBorrow,
	Requires: []*analysis.Analyzer{Facts},
}

// shares are functions of the standard library whose results share the bytes of the
// first argument.
var shares = map[string]map[string]bool{
	"bytes": set("TrimSpace", "Trim", "TrimLeft", "TrimRight", "TrimFunc", "TrimLeftFunc", "TrimRightFunc", "TrimPrefix",
		"TrimSuffix", "Cut", "CutPrefix", "CutSuffix", "Fields", "FieldsFunc", "Split", "SplitN", "SplitAfter", "SplitAfterN",
		"NewReader", "NewBuffer"),
	"slices": set("Clip", "Delete"),
}

// borrowing is the analysis of one function.
type borrowing struct {
	x      *index
	f      *function
	r      *reporter // nil while facts are collected
	stores uint64    // captured variables that were given borrowed bytes
	lends  uint64
	shares []uint64
	stale  uint64
	told   map[[2]token.Pos]bool
}

// analyze runs the flow; with a reporter it reports.
func (x *index) analyze(f *function, r *reporter) *borrowing {
	b := &borrowing{x: x, f: f, told: map[[2]token.Pos]bool{}}
	b.shares = make([]uint64, f.ssa.Signature.Results().Len())
	entry := map[place]loan{}
	for i, p := range f.ssa.Params {
		if !holdsBytes(p.Type()) {
			continue
		}
		if f.lent {
			entry[value(p)] = loan{param: -1, from: p.Pos(), name: "the parameter " + p.Name()}
		} else {
			entry[value(p)] = loan{param: i}
		}
	}
	in := forward(f.ssa, entry, lattice[loan]{
		over: func(old, new loan) bool { return new.rank() > old.rank() },
		step: b.step,
		edge: b.edge,
	})
	b.r = r
	b.lends, b.stale, b.stores = 0, 0, 0
	replay(f.ssa, in, b.step)
	return b
}

// findLoans finds what functions do with borrowed bytes, until nothing changes.
func (x *index) findLoans() {
	for range 4 {
		changed := false
		for _, f := range slices.Backward(x.fns) {
			b := x.analyze(f, nil)
			if f.know.Lends != b.lends || f.know.Stale != b.stale || !slices.Equal(f.know.Shares, b.shares) {
				changed = true
			}
			f.know.Lends, f.know.Stale, f.know.Shares = b.lends, b.stale, b.shares
			if traitsOf(f.obj)&lends != 0 {
				f.know.Lends |= 1
			}
		}
		if !changed {
			return
		}
	}
}

func runBorrow(pass *analysis.Pass) (any, error) {
	x := pass.ResultOf[Facts].(*index)
	r := newReporter(pass)
	if isCore(pass.Pkg.Path()) {
		return nil, nil // they own the memory
	}
	for _, f := range x.fns {
		x.analyze(f, r)
	}
	return nil, nil
}

// use notes that the bytes of v are looked at by in.
func (b *borrowing) use(s map[place]loan, v ssa.Value, in ssa.Instruction) {
	l, ok := at(s, v)
	if !ok || !l.stale.IsValid() {
		return
	}
	if l.param >= 0 {
		b.stale |= bit(l.param)
		return
	}
	at := token.NoPos
	if b.r != nil {
		at = b.place(in, v)
	}
	if at.IsValid() && b.once(l) {
		b.r.report(at, "borrowed bytes ("+l.name+", "+b.r.line(l.from, at)+") are used after a park ("+l.via+", "+b.r.line(l.stale, at)+"): copy them before it")
	}
}

// place is where the use of v by in stands in the source.
func (b *borrowing) place(in ssa.Instruction, v ssa.Value) token.Pos {
	if p := b.r.pos(in); p.IsValid() {
		return p
	}
	if p := in.Pos(); p.IsValid() {
		return p
	}
	return v.Pos()
}

// once reports the first time for a loan: what follows is the same fault.
func (b *borrowing) once(l loan) bool {
	k := [2]token.Pos{l.from, l.stale}
	if b.told[k] {
		return false
	}
	b.told[k] = true
	return true
}

// edge gives each phi of the next block the loan of the value that comes in.
func (b *borrowing) edge(s map[place]loan, from *ssa.BasicBlock, n int) {
	i := predecessor(from, n)
	type move struct {
		to   place
		loan loan
		ok   bool
	}
	var moves []move
	for _, in := range from.Succs[n].Instrs {
		phi, ok := in.(*ssa.Phi)
		if !ok {
			break
		}
		l, ok := at(s, phi.Edges[i])
		moves = append(moves, move{value(phi), l, ok})
	}
	for _, m := range moves {
		if m.ok {
			s[m.to] = m.loan
		} else {
			delete(s, m.to)
		}
	}
}

func (b *borrowing) step(s map[place]loan, in ssa.Instruction) {
	pass := func(to, from ssa.Value) {
		if l, ok := at(s, from); ok {
			s[value(to)] = l
		} else {
			delete(s, value(to))
		}
	}
	switch in := in.(type) {
	case *ssa.Phi, *ssa.DebugRef:
	case *ssa.Slice:
		if m := memory(in.X); tracked(m) {
			if _, ptr := in.X.Type().Underlying().(*types.Pointer); ptr { // of a local array
				b.set(s, in, m)
				return
			}
		}
		pass(in, in.X)
	case *ssa.ChangeType:
		pass(in, in.X)
	case *ssa.MakeInterface:
		pass(in, in.X)
	case *ssa.ChangeInterface:
		pass(in, in.X)
	case *ssa.TypeAssert:
		pass(in, in.X)
	case *ssa.Field:
		if holdsBytes(in.Type()) {
			pass(in, in.X)
		}
	case *ssa.Extract:
		b.extract(s, in)
	case *ssa.Convert:
		if _, ok := in.Type().Underlying().(*types.Slice); ok && !isString(in.X.Type()) {
			pass(in, in.X)
		} else {
			b.use(s, in.X, in)
		}
	case *ssa.UnOp:
		if in.Op == token.MUL {
			b.read(s, in)
		}
	case *ssa.Index:
		b.use(s, in.X, in)
	case *ssa.Store:
		b.store(s, in)
	case *ssa.MapUpdate:
		b.use(s, in.Value, in)
	case *ssa.Send:
		b.use(s, in.X, in)
		if l, ok := at(s, in.X); ok && !l.stale.IsValid() {
			b.reportHandOver(l, in, "a goroutine")
		}
	case *ssa.Return:
		b.results(s, in)
	case *ssa.Go:
		b.handOver(s, in, "a goroutine")
	case *ssa.Call:
		b.call(s, in)
	}
}

func isString(t types.Type) bool {
	u, ok := t.Underlying().(*types.Basic)
	return ok && u.Info()&types.IsString != 0
}

func (b *borrowing) set(s map[place]loan, v ssa.Value, m place) {
	if l, ok := load(s, m); ok {
		s[value(v)] = l
	} else {
		delete(s, value(v))
	}
}

// read is a load from memory: of a variable that holds bytes, or of the bytes.
func (b *borrowing) read(s map[place]loan, in *ssa.UnOp) {
	delete(s, value(in))
	if i, ok := in.X.(*ssa.IndexAddr); ok {
		if l, ok := at(s, i.X); ok {
			b.use(s, i.X, in)
			if holdsBytes(in.Type()) {
				s[value(in)] = l
			}
			return
		}
	}
	if m := memory(in.X); tracked(m) && (holdsBytes(in.Type()) || types.IsInterface(in.Type())) {
		b.set(s, in, m)
	}
}

func (b *borrowing) store(s map[place]loan, in *ssa.Store) {
	if i, ok := in.Addr.(*ssa.IndexAddr); ok {
		b.use(s, i.X, in) // written to
	}
	l, lent := at(s, in.Val)
	m := memory(in.Addr)
	if !tracked(m) {
		if lent {
			b.use(s, in.Val, in)
		}
		return
	}
	for p := range s {
		if p.base == m.base && p.path != "" && under(p.path, m.path) {
			delete(s, p)
		}
	}
	if !lent {
		return
	}
	lay(s, m, in.Val.Type(), l, 0)
	if free, ok := m.base.(*ssa.FreeVar); ok && l.param < 0 {
		b.stores |= bit(slices.Index(b.f.ssa.FreeVars, free))
	}
}

// extract takes a result out of a call.
func (b *borrowing) extract(s map[place]loan, in *ssa.Extract) {
	delete(s, value(in))
	if l, ok := s[place{in.Tuple, resultPath(in.Index)}]; ok && holdsOrReads(in.Type()) {
		s[value(in)] = l
	}
}

func resultPath(i int) string { return "result" + string(rune('0'+i)) }

func (b *borrowing) results(s map[place]loan, in *ssa.Return) {
	for i, v := range in.Results {
		l, ok := at(s, v)
		if !ok || !holdsBytes(v.Type()) {
			continue
		}
		b.use(s, v, in)
		if l.param < 0 {
			b.lends |= bit(i)
		} else {
			b.shares[i] |= bit(l.param)
		}
	}
}

// handOver reports borrowed bytes that leave the fiber.
func (b *borrowing) handOver(s map[place]loan, call ssa.CallInstruction, to string) {
	c := call.Common()
	for _, v := range append([]ssa.Value{c.Value}, c.Args...) {
		l, ok := at(s, v)
		if m, closure := v.(*ssa.MakeClosure); closure {
			lit := m.Fn.(*ssa.Function)
			for i, bound := range m.Bindings {
				if found, lent := load(s, memory(bound)); lent && found.param < 0 && reads(lit.FreeVars[i]) {
					l, ok = found, true
				}
			}
		}
		if ok {
			b.reportHandOver(l, call, to)
		}
	}
}

func (b *borrowing) reportHandOver(l loan, in ssa.Instruction, to string) {
	if l.param < 0 && b.r != nil && b.once(loan{from: l.from, stale: in.Pos()}) {
		at := b.r.pos(in)
		b.r.report(at, "borrowed bytes ("+l.name+", "+b.r.line(l.from, at)+") are handed to "+to+": copy them first")
	}
}

// reads reports whether a literal looks at a captured variable before it assigns to it.
func reads(v *ssa.FreeVar) bool {
	for _, r := range *v.Referrers() {
		switch r := r.(type) {
		case *ssa.Store:
			if r.Addr == v {
				return false
			}
		case *ssa.UnOp, *ssa.FieldAddr, *ssa.IndexAddr:
			return true
		}
	}
	return false
}
