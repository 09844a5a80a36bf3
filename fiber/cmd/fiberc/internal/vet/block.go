package vet

import (
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ssa"
)

// Block reports calls that block the goroutine, and with it every fiber of the loop, in
// a fiber's code outside Block. A helper that is not a fiber's code is reported where it
// is called, with the chain of calls to what blocks.
//
// It is silent about test files and others that import testing, where a fiber that blocks
// mostly waits for its test (-fiberblock.tests), about sends to a channel that the
// function itself gave a buffer, about what is reached only if a fiber is nil, about
// literals that are also given to Block, and about what Adopt runs.
var Block = &analysis.Analyzer{
	Name:     "fiberblock",
	Doc:      "report blocking calls in the code of fibers outside Block",
	URL:      docURL,
	Run:      runBlock,
	Requires: []*analysis.Analyzer{Facts},
}

var blockTests bool

func init() {
	Block.Flags.BoolVar(&blockTests, "tests", false, "report blocking calls in test files too")
}

func runBlock(pass *analysis.Pass) (any, error) {
	x := pass.ResultOf[Facts].(*index)
	r := newReporter(pass)
	tests := testCode(pass)
	for _, f := range x.fns {
		if !f.fibers || !blockTests && tests[pass.Fset.Position(f.ssa.Pos()).Filename] {
			continue
		}
		for _, b := range f.ssa.Blocks {
			for _, in := range b.Instrs {
				if op := blockingOp(in); op != "" && !withoutFiber(in) {
					r.report(r.pos(in), blockMessage(op, nil))
				}
			}
		}
		for _, e := range f.events {
			switch {
			case withoutFiber(e.at) || e.name == "":
			case e.callee.Block != nil:
				r.report(r.pos(e.at), blockMessage(e.name, e.callee.Block.Via))
			case e.nilly && x.orBlocks(e):
				r.report(r.pos(e.at), e.name+" blocks every fiber of this loop if its fiber is nil: give it the fiber")
			}
		}
	}
	return nil, nil
}

// blockMessage says what blocks and what to do.
func blockMessage(name string, via []string) string {
	msg := name + " blocks every fiber of this loop"
	end := name
	if len(via) > 0 {
		end = via[len(via)-1]
		msg += " (" + strings.Join(append([]string{name}, via...), " → ") + ")"
	}
	if len(via) == 0 && instead[end] != "" {
		return msg + ": " + instead[end]
	}
	return msg + ": call it in Block"
}

// eventsParking returns the first event of a call that may park, nil if there is none.
func (x *index) eventsParking(call ssa.CallInstruction) *event {
	for i, e := range x.events[call] {
		if e.callee.Park != nil && !e.nilly {
			return &x.events[call][i]
		}
	}
	return nil
}

// parkChain is how a call parks: "view.Write", or "load → httpfw.Ctx.Sleep".
func (e *event) parkChain() string {
	return strings.Join(chain(e.name, e.callee.Park.Via), " → ")
}
