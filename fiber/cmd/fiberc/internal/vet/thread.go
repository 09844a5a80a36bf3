package vet

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// Thread reports parks on a goroutine that is locked to its thread, or in a callback from
// C: a park switches stacks, which ends the process there, unless Fiber.Detach was called.
//
// It is silent where a lock is released on one of the paths that meet.
var Thread = &analysis.Analyzer{
	Name:     "fiberthread",
	Doc:      "report parks on a locked thread and in cgo callbacks",
	URL:      docURL,
	Run:      runThread,
	Requires: []*analysis.Analyzer{Facts},
}

// A change is what a function does to the lock on its thread. The greater one counts
// where paths meet.
type change uint8

const (
	pinned change = 1 + iota
	unpinned
	detached
)

// pin is the state of the thread.
type pin struct {
	change
	at  token.Pos
	cgo bool
}

var threadPlace = place{path: "thread"}

func threadLattice(x *index, f *function) lattice[pin] {
	set := func(s map[place]pin, c change, at token.Pos) {
		if s[threadPlace].change != detached && c != 0 {
			s[threadPlace] = pin{change: c, at: at}
		}
	}
	apply := func(s map[place]pin, call ssa.CallInstruction, deferred bool) {
		obj := calleeOf(call.Common())
		if obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == "runtime" {
			switch obj.Name() {
			case "LockOSThread":
				set(s, pinned, call.Pos())
			case "UnlockOSThread":
				set(s, unpinned, call.Pos())
			}
			return
		}
		if know, _ := x.know(call.Common()); know != nil && !(deferred && know.Thread == pinned) {
			set(s, know.Thread, call.Pos())
		}
	}
	return lattice[pin]{
		over: func(old, new pin) bool { return new.change > old.change },
		step: func(s map[place]pin, in ssa.Instruction) {
			switch in := in.(type) {
			case *ssa.Call:
				apply(s, in, false)
			case *ssa.RunDefers:
				for _, d := range defersOf(f.ssa) {
					apply(s, d, true)
				}
			}
		},
	}
}

// defersOf returns the defer statements of a function, the last one first.
func defersOf(f *ssa.Function) (list []*ssa.Defer) {
	for _, b := range f.Blocks {
		for _, in := range b.Instrs {
			if d, ok := in.(*ssa.Defer); ok {
				list = append(list, d)
			}
		}
	}
	slices.Reverse(list)
	return list
}

// findThreads finds what functions do to the lock on their thread.
func (x *index) findThreads() {
	for range 4 {
		changed := false
		for _, f := range x.fns {
			l := threadLattice(x, f)
			was := f.thread
			replay(f.ssa, forward(f.ssa, map[place]pin{}, l), func(s map[place]pin, in ssa.Instruction) {
				l.step(s, in)
				if _, ok := in.(*ssa.Return); ok {
					f.thread = max(f.thread, s[threadPlace].change)
				}
			})
			f.know.Thread = f.thread
			changed = changed || was != f.thread
		}
		if !changed {
			return
		}
	}
}

func runThread(pass *analysis.Pass) (any, error) {
	x := pass.ResultOf[Facts].(*index)
	r := newReporter(pass)
	exported := exportedToC(pass)
	for _, f := range x.fns {
		entry := map[place]pin{}
		if f.obj != nil && exported[f.obj.Name()] && f.obj.Signature().Recv() == nil {
			entry[threadPlace] = pin{change: pinned, cgo: true}
		}
		if f.beside {
			entry[threadPlace] = pin{change: detached}
		}
		l := threadLattice(x, f)
		replay(f.ssa, forward(f.ssa, entry, l), func(s map[place]pin, in ssa.Instruction) {
			if call, ok := in.(*ssa.Call); ok {
				if p := s[threadPlace]; p.change == pinned {
					if e := x.eventsParking(call); e != nil {
						at := r.pos(call)
						if p.cgo {
							r.report(at, e.parkChain()+" may park in a cgo callback, which ends the process: call Detach first")
						} else {
							r.report(at, e.parkChain()+" may park on a thread locked by runtime.LockOSThread ("+r.line(p.at, at)+"), which ends the process: call Detach first")
						}
					}
				}
			}
			l.step(s, in)
		})
	}
	return nil, nil
}

// exportedToC has the functions of a package that C may call.
func exportedToC(pass *analysis.Pass) map[string]bool {
	names := map[string]bool{}
	for _, file := range pass.Files {
		for _, d := range file.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Doc == nil {
				continue
			}
			for _, c := range fd.Doc.List {
				if strings.HasPrefix(c.Text, "//export ") {
					names[fd.Name.Name] = true
				}
			}
		}
	}
	return names
}
