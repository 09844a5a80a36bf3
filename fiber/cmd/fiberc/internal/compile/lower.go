package compile

// Theory of operation.
//
// A function that may park is rewritten, source to source, into a second body
//
//	func Compiled_name(s_ *abi_.Stack, fr_ *name_frame, params...) (results...)
//
// which does what the first one does if fr_ is nil, and can leave at each call that may
// park and be entered again there with its frame (package fiber/abi has the protocol).
// For that every such call, a park point, must be a statement of the function's outermost
// block, since Go has no way into a block. So:
//
//   - A statement that contains no park point is copied as it stands, however large.
//     What is hot and does not wait stays as gc likes it.
//   - A statement that contains one is flattened: its control flow becomes labels and
//     gotos (flow.go), its nested calls become temporaries, up to and including the last
//     one that may park, in the order in which gc makes them (expr.go).
//   - The variables that such statements declare move to the head of the function and
//     get a name of their own. One that is captured by a closure and assigned again, or
//     whose address is taken, is boxed: a fresh box each time its declaration executes. One
//     that is captured and never assigned again goes to the closure by value.
//   - Which variables a park point saves is found by liveness on the flattened code
//     (live.go). They are fields of a frame type of the function's own; the switch at the
//     entry puts them back and jumps behind the call (emit.go).
//   - The body of a range over a function is a second body of its own, which the iterator
//     calls (rangefunc.go).
//   - Deferred calls are made by the second body where it returns, and by a native guard
//     when something panics (exits.go).
//   - Nothing is assigned to what the source names before a call is known not to have
//     left: results go to temporaries first.
//
// What the pass cannot do it refuses, by a panic with a position (no), and the function
// stays on a stack; so do its callers' calls of it. It never guesses.

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
)

// refusal is the panic of no.
type refusal struct {
	at  token.Pos
	why string
}

func no(at ast.Node, format string, args ...any) {
	panic(refusal{at.Pos(), fmt.Sprintf(format, args...)})
}

// An instr is a piece of flattened code.
type instr struct {
	label   string // this is a label and nothing else
	text    string
	pos     token.Pos
	uses    []*variable
	defs    []*variable
	targets []string // labels it may go to
	exits   bool     // it may return
	falls   bool     // it may go on behind itself
	park    *park
	result  bool // a bare return is in it
}

// A park is a park point.
type park struct {
	pc      int
	call    ast.Node
	callee  string // for people
	results []*variable
	types   []types.Type
	live    []*variable // saved
	before  string      // statements before the call
	fun     string      // the call
	slotted bool        // fun is a statement, with \x01 for what its results go to
	after   string
}

// A lowering is the second body of one function in the making.
type lowering struct {
	p    *Program
	f    *Func
	pkg  *Package
	info *types.Info
	file *fileNames

	vars       map[types.Object]*variable
	order      []*variable // hoisted ones, temporaries too
	params     []*variable
	results    []*variable
	flags      map[*types.Var]*variable // of parameters that are called, see trust.go
	taken      map[string]bool          // names that the source has around here
	declared   map[string]int           // how many things in it have one
	repl       map[ast.Node]*variable   // calls that were made before
	tuples     map[*ast.CallExpr][]*variable
	parking    map[*ast.CallExpr]callSite
	looping    map[*ast.RangeStmt]callSite // ranges over functions, of which those may park that parkLoop says
	up         *lowering                   // of the function around a loop, see rangefunc.go
	within     []*lowering                 // of the loops in it
	ways       []way                       // out of a loop
	control    *variable                   // of a loop
	naming     string                      // the label of the loop whose body is lowered
	labelNames map[types.Object]*ast.Ident
	facts      *facts
	consts     map[*types.Const]string // constants declared in flattened blocks
	code       []instr
	parks      []*park
	tails      []Point   // calls that may park in tail position
	exit       string    // label that every return goes to, "" if they return
	pending    *variable // bits of the deferred calls to be made
	defers     []*deferred
	boxes      map[*variable]*variable // of results that need one
	loops      []*target
	labels     int
	temps      int
	gotos      map[types.Object]string // labels that goto names -> those of flattened code
	named      map[types.Object]bool   // labels that break or continue name
	back       [][2]token.Pos          // gotos that lead back: to, from
	whole      ast.Node                // what text is asked for
	forced     *ast.CallExpr           // spill makes it, whether it may park or not
	listed     bool                    // deferred calls are kept in a list, not as bits
	popped     *variable               // the one that the exit makes now
	uses       map[*variable]bool      // collected by text
	outs       []string                // labels, collected by text
	exits      bool                    // collected by text
	bare       bool                    // collected by text
	entry      []string                // statements for a fresh start
}

// lower makes the second body of f. It panics with a refusal if it cannot. up is the
// lowering of the function around f if f is the body of a loop in it.
func (p *Program) lower(f *Func, names *fileNames, up *lowering) *lowering {
	l := &lowering{p: p, f: f, pkg: f.Pkg, info: f.Pkg.TypesInfo, file: names,
		vars: map[types.Object]*variable{}, taken: map[string]bool{}, declared: map[string]int{},
		repl: map[ast.Node]*variable{}, parking: map[*ast.CallExpr]callSite{}, looping: map[*ast.RangeStmt]callSite{}, up: up}
	names.generic = f.typeParams().Len() > 0
	l.facts = factsOf(f)
	for _, c := range p.calls(f) {
		switch {
		case c.loop != nil:
			l.looping[c.loop] = c
		case !p.effectOf(f, c).nothing():
			l.parking[c.call] = c
		}
	}
	for _, name := range []string{"s_", "fr_", "abi_"} {
		l.taken[name] = true
	}
	top := f.top()
	outer := ast.Node(top.Lit)
	if top.Decl != nil {
		outer = top.Decl
	}
	fixed := top.Lit != nil || top.lits > 0 || top.loops > 0 // what begins them cannot rename
	for _, c := range p.calls(f) {
		fixed = fixed || c.static != nil && p.makers[c.static] != nil // the call names s_ wherever it stands
	}
	ast.Inspect(outer, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			l.taken[id.Name] = true
			if obj := l.info.Defs[id]; obj != nil {
				l.declared[id.Name]++
				l.hidesParam(id, obj)
			}
			if _, local := l.info.Defs[id].(*types.Var); local && (generated(id.Name) || fixed && reserved(id.Name)) {
				no(id, "a variable whose name is like those of generated code")
			}
		}
		return true
	})
	l.signature()
	l.jumps()
	l.prepare()
	if f.Loop != nil {
		l.loopBody()
	} else {
		l.block(f.Body.List)
		l.leaveFunction()
	}
	l.liveness()
	return l
}

// typ spells a type in the generated file.
func (l *lowering) typ(t types.Type, at ast.Node) string { return l.file.typ(t, at) }

// signature declares receiver, captured variables, parameters and results.
func (l *lowering) signature() {
	param := func(v *types.Var, name string) *variable {
		l.typ(v.Type(), l.f.Body)
		w := &variable{name: name, typ: v.Type(), param: true}
		l.params = append(l.params, w)
		return w
	}
	declare := func(v *types.Var) {
		w := param(v, l.nameFor(v.Name()))
		if v.Name() == "_" || v.Name() == "" {
			return
		}
		if l.facts.boxed(v) {
			b := &variable{name: l.nameApart(v.Name() + "_box"), typ: v.Type(), boxed: true}
			l.order = append(l.order, b)
			l.vars[v] = b
			l.entry = append(l.entry, b.name+" = abi_.Box("+w.name+")")
			return
		}
		l.vars[v] = w
	}
	l.flags = map[*types.Var]*variable{}
	flag := func(v *types.Var) {
		l.flags[v] = param(types.NewParam(v.Pos(), v.Pkg(), v.Name(), types.Typ[types.Bool]), l.nameApart(v.Name()+"_t"))
	}
	for _, i := range l.p.flags(l.f) {
		flag(l.f.Sig.Params().At(i))
	}
	for _, v := range l.facts.captured {
		// Captured ones come first, by value or by the address of their box.
		name := l.nameFor(v.Name())
		if l.isResult(v) {
			name = l.nameOnce(v, resultName(v))
		}
		w := param(v, name)
		w.boxed = l.facts.boxed(v)
		l.vars[v] = w
		if l.p.flagged(l.f, v) {
			flag(v)
		}
	}
	l.loopParams()
	if r := l.f.Sig.Recv(); r != nil {
		declare(r)
	}
	for i := range l.f.Sig.Params().Len() {
		declare(l.f.Sig.Params().At(i))
	}
	for i := range l.f.Sig.Results().Len() {
		r := l.f.Sig.Results().At(i)
		name := r.Name()
		if name == "" || name == "_" {
			name = "r" + strconv.Itoa(i) + "_"
		}
		t := l.typ(r.Type(), l.f.Body)
		w := &variable{name: l.nameOnce(r, name), typ: r.Type()}
		l.results = append(l.results, w)
		if l.facts.boxed(r) {
			box := &variable{name: l.nameApart(name + "_box"), typ: r.Type(), boxed: true}
			l.order = append(l.order, box)
			l.entry = append(l.entry, box.name+" = new("+t+")")
			if l.boxes == nil {
				l.boxes = map[*variable]*variable{}
			}
			l.boxes[w] = box
			l.vars[r] = box
			continue
		}
		if r.Name() != "" && r.Name() != "_" {
			l.vars[r] = w
		}
	}
}

// hidesParam refuses functions in which something has the name of a type parameter, which
// generated code names wherever there is a literal.
func (l *lowering) hidesParam(id *ast.Ident, obj types.Object) {
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		return
	}
	if _, label := obj.(*types.Label); label {
		return
	}
	for tp := range l.f.typeParams().TypeParams() {
		if tp.Obj() != obj && tp.Obj().Name() == id.Name {
			no(id, "something with the name of the type parameter %s", id.Name)
		}
	}
}

// isResult reports whether v is a result of the function to which the loop that is lowered
// belongs.
func (l *lowering) isResult(v *types.Var) bool {
	if l.up == nil {
		return false
	}
	for r := range l.root().f.Sig.Results().Variables() {
		if r == v {
			return true
		}
	}
	return false
}

func (l *lowering) newLabel(what string) string {
	l.labels++
	return what + strconv.Itoa(l.labels) + "_"
}

// emit adds an instruction, with what text has collected since the last.
func (l *lowering) emit(in instr) {
	for v := range l.uses {
		in.uses = append(in.uses, v)
	}
	in.targets = append(in.targets, l.outs...)
	in.exits = in.exits || l.exits
	in.result = in.result || l.bare
	l.uses, l.outs, l.exits, l.bare = nil, nil, false, false
	l.code = append(l.code, in)
}

// do emits a statement that goes on behind itself.
func (l *lowering) do(at ast.Node, text string, defs ...*variable) {
	l.emit(instr{text: text, pos: at.Pos(), falls: true, defs: defs})
}

func (l *lowering) label(name string) { l.emit(instr{label: name, falls: true}) }

func (l *lowering) jump(name string) { l.emit(instr{text: "goto " + name, targets: []string{name}}) }

// branch goes to name if cond does not hold.
func (l *lowering) branchUnless(at ast.Node, cond, name string) {
	l.emit(instr{text: "if !(" + cond + ") {\ngoto " + name + "\n}", pos: at.Pos(), targets: []string{name}, falls: true})
}

func (l *lowering) branchIf(at ast.Node, cond, name string) {
	l.emit(instr{text: "if " + cond + " {\ngoto " + name + "\n}", pos: at.Pos(), targets: []string{name}, falls: true})
}

// parksIn reports whether n contains a park point of this function.
func (l *lowering) parksIn(n ast.Node) bool {
	if n == nil {
		return false
	}
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.DeferStmt:
			found = true // it has to be seen, not copied
		case *ast.BlockStmt:
			found = found || l.p.chaos > 0 && len(n.List) > 0
		case *ast.CallExpr:
			if _, ok := l.parking[n]; ok && l.repl[n] == nil && l.many()[n] == nil {
				found = true
			}
		case *ast.RangeStmt:
			found = found || l.parkLoop(n)
		}
		return !found
	})
	return found
}

func (l *lowering) parksInAny(list []ast.Expr) bool {
	for _, e := range list {
		if l.parksIn(e) {
			return true
		}
	}
	return false
}
