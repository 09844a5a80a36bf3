package compile

import (
	"cmp"
	"go/token"
	"slices"
)

// What fiberc explain says: of each route and each start of a fiber what it costs while
// it waits, and of each function that may park what became of it.

// An Explanation is all of it. The names of its fields, and of those of its parts, are
// those of the JSON that tools read; they stay.
type Explanation struct {
	Starts    []Start
	Functions []Report
}

// A Start is a route, or a place that starts a fiber.
type Start struct {
	Title   string // "GET /users/:id", "fiber at main.go:12"
	Method  string `json:",omitempty"` // of a route; {expr} if it is no constant
	Pattern string `json:",omitempty"` // of a route; … where the prefix of a group is not known
	Pos     string // file:line:column
	Func    string // of its handler, "" if it is not known

	// State is "compiled", "stack" (it may wait there), "never waits" or "unknown".
	State             string
	Reason, ReasonPos string `json:",omitempty"` // why it is on a stack

	// FrameBytes is the sum over the frames of the deepest chain of calls that are known,
	// Depth their number. It is a bound: not all of them need wait at the same time. Of
	// what is called through interfaces and function values nothing is in it.
	FrameBytes int64
	Depth      int
	Cycle      bool        `json:",omitempty"` // functions call each other: there is no deepest chain
	Blocks     bool        `json:",omitempty"` // it calls Block
	Parks      []ParkPoint `json:",omitempty"` // in functions of the packages that were asked for
	OnStack    []OnStack   `json:",omitempty"` // functions it calls that wait on a stack

	// Middleware is what is known of what wraps the handler, from the inside out: those
	// given to the route, its groups and Use of its App in the same package, as far as
	// each is a function, or a call of one, that returns one literal. Their frames are in
	// FrameBytes. UnknownMiddleware counts the others that are given there.
	Middleware        []OnStack `json:",omitempty"`
	UnknownMiddleware int       `json:",omitempty"`
}

// An OnStack is a function, and why it is on a stack if it is.
type OnStack struct {
	Func, Pos         string
	Reason, ReasonPos string `json:",omitempty"`
}

// A Report says what became of a function that may park.
type Report struct {
	Func       string
	Package    string
	Pos        string
	Compiled   bool        // it has a second body
	Reached    bool        // and something compiled calls that
	FrameBytes int64       `json:",omitempty"`
	Reason     string      `json:",omitempty"` // why it is on a stack
	ReasonPos  string      `json:",omitempty"`
	Parks      []ParkPoint `json:",omitempty"`
}

// A ParkPoint is a call that may park.
type ParkPoint struct{ Pos, Callee string }

// Explain reports on the functions of the packages that were asked for, after Compile.
func (p *Program) Explain() []Report {
	list := []Report{}
	for _, f := range p.all {
		if !p.Roots[f.Pkg.PkgPath] || !f.MayPark || f.ready {
			continue
		}
		r := Report{Func: f.Title, Package: f.Pkg.PkgPath, Compiled: f.Compiled, Pos: p.place(f.pos())}
		r.Reached = f.Compiled && p.reached[f]
		r.Reason, r.ReasonPos = p.reason(f)
		if f.Compiled {
			r.FrameBytes, r.Parks = f.Bytes, p.points(f)
		}
		list = append(list, r)
	}
	return list
}

// pos is where a function begins.
func (f *Func) pos() token.Pos {
	switch {
	case f.Decl != nil:
		return f.Decl.Pos()
	case f.Lit != nil:
		return f.Lit.Pos()
	case f.Loop != nil:
		return f.Loop.Pos()
	}
	return f.Obj.Pos()
}

// reason says why a function that may park does so on a stack, "" if it does not.
func (p *Program) reason(f *Func) (why, at string) {
	switch {
	case f.ready || f.Compiled && p.reached[f]:
		return "", ""
	case f.Compiled:
		if f.value && f.Obj != nil && f.Sig.Recv() != nil {
			return "it is used as a method value", p.place(f.pos())
		}
		return "only code that is not compiled calls it", p.place(f.pos())
	case f.Why != "":
		return f.Why, p.place(f.WhyAt)
	case f.Loop != nil:
		return p.loopReason(f)
	}
	return "what it waits in is on a stack itself", p.place(f.Body.Pos())
}

func (p *Program) points(f *Func) []ParkPoint {
	var list []ParkPoint
	for _, pt := range f.Points {
		list = append(list, ParkPoint{p.place(pt.Pos), pt.Callee})
	}
	return list
}

// ExplainStarts reports on the routes and the starts of fibers in the packages that were
// asked for, after Compile.
func (p *Program) ExplainStarts() []Start {
	list := []Start{}
	for _, st := range p.starts() {
		s := Start{Title: st.title(p), Method: st.method, Pattern: st.pattern, Pos: p.place(st.call.Pos()), UnknownMiddleware: st.unknown}
		w := &walk{Program: p, deep: map[*Func]depth{}, seen: map[*Func]bool{}}
		for _, m := range st.around {
			o := OnStack{Func: m.Title, Pos: p.place(m.pos())}
			if m.MayPark {
				if o.Reason, o.ReasonPos = p.reason(m); o.Reason == "" {
					s.FrameBytes += m.Bytes
					s.Depth++
				}
			}
			s.Middleware = append(s.Middleware, o)
		}
		f := st.fn
		switch {
		case f == nil:
			s.State = "unknown"
			list = append(list, s)
			continue
		case !f.MayPark:
			s.State = "never waits"
		default:
			s.State = "compiled"
			if s.Reason, s.ReasonPos = p.reason(f); s.Reason != "" {
				s.State = "stack"
			}
		}
		s.Func = f.Title
		w.visit(f)
		s.Blocks, s.Parks, s.OnStack = w.blocks, w.parks, w.onStack
		if s.State == "compiled" {
			d := w.depth(f)
			s.FrameBytes += d.bytes
			s.Depth += d.calls
			s.Cycle = d.cycle
		}
		slices.SortStableFunc(s.Parks, func(a, b ParkPoint) int { return cmp.Compare(a.Pos, b.Pos) })
		list = append(list, s)
	}
	return list
}

// walk is the way through what a start calls.
type walk struct {
	*Program
	seen    map[*Func]bool
	deep    map[*Func]depth
	active  []*Func
	blocks  bool
	parks   []ParkPoint
	onStack []OnStack
}

// callees are the functions that are known to be called by f, and to be handed on by it
// to be called.
func (w *walk) callees(f *Func) []*Func {
	var list []*Func
	if f.Body == nil {
		return nil
	}
	var known func(v value)
	known = func(v value) {
		switch {
		case v.lit != nil:
			list = append(list, v.lit)
		case v.maker != nil:
			for _, r := range w.makers[v.maker].returns {
				known(r)
			}
			for _, i := range w.flags(v.maker) {
				known(w.argument(v.in, callSite{call: v.made}, i))
			}
		}
	}
	for _, c := range w.calls(f) {
		if c.static != nil {
			list = append(list, c.static)
		}
		known(c.value)
		if c.loop != nil {
			list = append(list, w.loops[c.loop])
			continue
		}
		for _, i := range w.handedOn(c.callee) {
			known(w.argument(f, c, i))
		}
	}
	return list
}

// visit collects what is said of f and all that it calls.
func (w *walk) visit(f *Func) {
	if w.seen[f] {
		return
	}
	w.seen[f] = true
	if f.Obj != nil && f.Obj.Name() == "Block" && f.Sig.Recv() != nil {
		if _, ok := leads(f.Sig.Recv().Type()); ok {
			w.blocks = true
			return
		}
	}
	if f.ready {
		return
	}
	if f.MayPark && w.Roots[f.Pkg.PkgPath] {
		if f.Compiled {
			w.parks = append(w.parks, w.points(f)...)
		}
		if why, at := w.reason(f); why != "" && len(w.seen) > 1 {
			w.onStack = append(w.onStack, OnStack{f.Title, w.place(f.pos()), why, at})
		}
	}
	for _, g := range w.callees(f) {
		w.visit(g)
	}
}

// depth is the deepest chain of frames.
type depth struct {
	bytes int64
	calls int
	cycle bool
}

func (w *walk) depth(f *Func) depth {
	if d, ok := w.deep[f]; ok {
		return d
	}
	if slices.Contains(w.active, f) {
		return depth{cycle: true}
	}
	if f.ready || !f.Compiled {
		return depth{}
	}
	w.active = append(w.active, f)
	var most depth
	cycle := false
	for _, g := range w.callees(f) {
		d := w.depth(g)
		cycle = cycle || d.cycle
		if d.bytes > most.bytes {
			most = d
		}
	}
	w.active = w.active[:len(w.active)-1]
	most.cycle = cycle
	if f.Bytes > 0 {
		most.bytes += f.Bytes
		most.calls++
	}
	if !cycle || len(w.active) == 0 {
		w.deep[f] = most
	}
	return most
}
