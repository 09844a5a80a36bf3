package vet

import (
	"go/token"
	"go/types"
	"math/bits"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/buildssa"
	"golang.org/x/tools/go/ssa"
)

// Facts computes what the checks share, and hands it on to the packages that import this
// one. It reports nothing.
//
// The standard library is judged by the tables of blocking.go, not by its code: that a
// log line goes through a lock and a system call would make everything block. In modules
// that are only required, channel operations do not count either, since how long they
// wait is not to be seen; named calls such as time.Sleep do.
var Facts = &analysis.Analyzer{
	Name:       "fiberfacts",
	Doc:        "find the functions that may park, block, or lend bytes",
	URL:        docURL,
	Run:        runFacts,
	Requires:   []*analysis.Analyzer{buildssa.Analyzer},
	ResultType: reflect.TypeFor[*index](),
	FactTypes:  []analysis.Fact{new(MayPark), new(Blocks), new(Lends), new(Params)},
}

// MayPark is the fact that a function may park the fiber it is given or has. Via is the
// chain of calls to where it does.
type MayPark struct{ Via []string }

// Blocks is the fact that a function, which is not a fiber's code itself, blocks the
// goroutine that calls it.
type Blocks struct{ Via []string }

// Lends is the fact that results of a function are borrowed until the next park, as a
// set of bits.
type Lends struct{ Results uint64 }

// Params is what a function does to its parameters, the receiver being the first, and to
// its thread. All but Shares are sets of bits.
type Params struct {
	Calls  uint64   // called before it returns
	Stale  uint64   // bytes that are used after a park
	Shares []uint64 // for each result, the parameters whose bytes it shares
	Thread change
}

func (*MayPark) AFact() {}
func (*Blocks) AFact()  {}
func (*Lends) AFact()   {}
func (*Params) AFact()  {}

func (m *MayPark) String() string { return "may park" + via(m.Via) }
func (b *Blocks) String() string  { return "blocks" + via(b.Via) }
func (l *Lends) String() string   { return "lends" }
func (p *Params) String() string  { return "params" }

// chainMax bounds the chains that facts carry and messages print.
const chainMax = 6

func chain(name string, via []string) []string {
	if name == "" {
		return via
	}
	via = append([]string{name}, via...)
	if len(via) > chainMax {
		via = append(slices.Clip(via[:chainMax-2]), "…", via[len(via)-1])
	}
	return via
}

// via is a chain as messages have it.
func via(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, " → ")
}

// A summary is all that is known of a function where it is called.
type summary struct {
	Park  *MayPark
	Block *Blocks
	Lends uint64
	Params
}

func (s *summary) empty() bool {
	return s.Park == nil && s.Block == nil && s.Lends == 0 && s.Params.empty()
}

func (p *Params) empty() bool {
	return p.Calls == 0 && p.Stale == 0 && p.Thread == 0 && !slices.ContainsFunc(p.Shares, func(b uint64) bool { return b != 0 })
}

// isStd reports whether a package belongs to the standard library.
func isStd(pass *analysis.Pass) bool {
	if pass.Module != nil && pass.Module.Path != "" {
		return false
	}
	first, _, _ := strings.Cut(pass.Pkg.Path(), "/")
	return !strings.Contains(first, ".")
}

func runFacts(pass *analysis.Pass) (any, error) {
	prog := pass.ResultOf[buildssa.Analyzer].(*buildssa.SSA)
	if isStd(pass) || pass.Pkg.Path() == fiberPath {
		return newIndex(pass.Pkg, &buildssa.SSA{}, nil), nil
	}
	x := newIndex(pass.Pkg, prog, func(fn *types.Func) *summary { return imported(pass, fn) })
	x.trust = pass.Module == nil || pass.Module.Version == ""
	x.findParks()
	x.findFibers()
	x.findBlocks()
	x.findThreads()
	x.findLocks()
	x.findLoans()
	x.events = map[ssa.CallInstruction][]event{}
	for _, f := range x.fns {
		for _, e := range f.events {
			x.events[e.at] = append(x.events[e.at], e)
		}
	}
	x.export(pass)
	return x, nil
}

// imported returns what is known of a function of another package, nil if nothing.
func imported(pass *analysis.Pass, fn *types.Func) *summary {
	s := &summary{}
	t := traitsOf(fn)
	if t&parks != 0 {
		s.Park = &MayPark{}
	}
	if blockingCall(fn) {
		s.Block = &Blocks{}
	}
	if t&lends != 0 {
		s.Lends = 1
	}
	if t&detaches != 0 {
		s.Thread = detached
	}
	if fn.Pkg() != nil && fn.Pkg() != pass.Pkg && fn.Pkg().Path() != fiberPath {
		var park MayPark
		var block Blocks
		var lent Lends
		if s.Park == nil && pass.ImportObjectFact(fn, &park) {
			s.Park = &park
		}
		if s.Block == nil && pass.ImportObjectFact(fn, &block) {
			s.Block = &block
		}
		if pass.ImportObjectFact(fn, &lent) {
			s.Lends |= lent.Results
		}
		var params Params
		if pass.ImportObjectFact(fn, &params) {
			s.Params = params
		}
	}
	if t&callsBack != 0 {
		s.Calls = ^uint64(0)
	}
	if t&elsewhere != 0 {
		s.Calls = 0
	}
	if s.empty() {
		return nil
	}
	return s
}

func (x *index) export(pass *analysis.Pass) {
	core := inFramework(pass.Pkg.Path()) && (isCore(pass.Pkg.Path()) || pass.Pkg.Path() == httpfwPath)
	for _, f := range x.fns {
		if f.obj == nil || f.obj.Pkg() != pass.Pkg {
			continue
		}
		switch {
		case f.know.Park == nil:
		case inFramework(pass.Pkg.Path()):
			pass.ExportObjectFact(f.obj, &MayPark{}) // how it does is nobody's business
		default:
			pass.ExportObjectFact(f.obj, f.know.Park)
		}
		p := f.know.Params
		if core {
			p.Stale = 0 // Write may be given borrowed bytes
		} else {
			if f.know.Block != nil {
				pass.ExportObjectFact(f.obj, f.know.Block)
			}
			if f.know.Lends != 0 {
				pass.ExportObjectFact(f.obj, &Lends{f.know.Lends})
			}
		}
		if !p.empty() {
			pass.ExportObjectFact(f.obj, &p)
		}
	}
}

// findParks finds what each function calls and which may park, until nothing changes.
func (x *index) findParks() {
	for changed := true; changed; {
		changed = false
		for _, f := range x.fns {
			was := x.progress()
			x.collect(f)
			if t := traitsOf(f.obj); t != 0 { // a function of the table itself
				if t&parks != 0 && f.know.Park == nil {
					f.know.Park, changed = &MayPark{}, true
				}
				if t&callsBack != 0 {
					f.know.Calls = ^uint64(0)
				}
				if t&elsewhere != 0 {
					f.know.Calls = 0
				}
			}
			changed = changed || was != x.progress()
			if f.know.Park != nil {
				continue
			}
			for _, e := range f.events {
				if e.callee.Park != nil && !e.nilly {
					f.know.Park, changed = &MayPark{chain(e.name, e.callee.Park.Via)}, true
					break
				}
			}
		}
	}
}

// progress sums up what collect has found besides events, to see a change: it only grows.
func (x *index) progress() (n int) {
	for _, f := range x.fns {
		n += bits.OnesCount64(f.know.Calls)
		if f.inline {
			n++
		}
		if f.aside {
			n++
		}
	}
	return n
}

// findFibers decides what is a fiber's code. A literal that is also given to Block is
// not: who calls it directly then seems to know when it does not block.
func (x *index) findFibers() {
	for _, f := range x.fns {
		f.fibers = !f.beside && (f.leads || f.know.Park != nil && !f.aside)
	}
	for changed := true; changed; {
		changed = false
		for _, f := range x.fns {
			for _, e := range f.events {
				if f.fibers && e.local != nil && e.local.obj == nil && !e.local.fibers && !e.local.aside {
					e.local.fibers, changed = true, true
				}
			}
		}
	}
}

// findBlocks finds what blocks and is not a fiber's code.
func (x *index) findBlocks() {
	for changed := true; changed; {
		changed = false
		for _, f := range x.fns {
			if f.fibers || f.know.Block != nil {
				continue
			}
			if b := x.blocksIn(f); b != nil {
				f.know.Block, changed = b, true
			}
		}
	}
}

// blocksIn returns how a function that is not a fiber's code blocks.
func (x *index) blocksIn(f *function) *Blocks {
	if x.trust {
		for _, b := range f.ssa.Blocks {
			for _, in := range b.Instrs {
				if op := blockingOp(in); op != "" && !withoutFiber(in) {
					return &Blocks{[]string{op}}
				}
			}
		}
	}
	for _, e := range f.events {
		switch {
		case withoutFiber(e.at):
		case e.callee.Block != nil:
			return &Blocks{chain(e.name, e.callee.Block.Via)}
		case e.nilly && x.orBlocks(e):
			return &Blocks{[]string{e.name + "(nil)"}}
		}
	}
	return nil
}

// orBlocks reports whether an event is a call that blocks because its fiber is nil.
func (x *index) orBlocks(e event) bool {
	return traitsOf(calleeOf(e.at.Common()))&orBlocks != 0
}

// withoutFiber reports whether an instruction is only reached where a fiber was found to
// be nil: a function that serves goroutines too.
func withoutFiber(in ssa.Instruction) bool {
	for b := in.Block(); b != nil; b = b.Idom() {
		for _, p := range b.Preds {
			if len(p.Instrs) == 0 || len(b.Preds) != 1 {
				continue
			}
			cond, ok := p.Instrs[len(p.Instrs)-1].(*ssa.If)
			if !ok {
				continue
			}
			cmp, ok := cond.Cond.(*ssa.BinOp)
			if !ok || !isFiber(cmp.X.Type()) && !isFiber(cmp.Y.Type()) {
				continue
			}
			if cmp.Op == token.EQL && p.Succs[0] == b || cmp.Op == token.NEQ && p.Succs[1] == b {
				return true
			}
		}
	}
	return false
}
