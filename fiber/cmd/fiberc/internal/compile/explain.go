package compile

import "go/token"

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
		r := Report{Func: f.Title, Package: f.Pkg.PkgPath, Compiled: f.Compiled}
		var pos token.Pos
		if f.Decl != nil {
			pos = f.Decl.Pos()
		} else {
			pos = f.Lit.Pos()
		}
		r.Pos = p.Fset.Position(pos).String()
		switch {
		case f.Compiled:
			if r.Reached = p.reached[f]; !r.Reached {
				r.Reason = "only code that is not compiled calls it"
				if f.value && f.Obj != nil && f.Sig.Recv() != nil {
					r.Reason = "it is used as a method value"
				}
				r.ReasonPos = r.Pos
			}
			r.FrameBytes = f.Bytes
			for _, pt := range f.Points {
				r.Parks = append(r.Parks, ParkPoint{p.Fset.Position(pt.Pos).String(), pt.Callee})
			}
		case f.Why != "":
			r.Reason, r.ReasonPos = f.Why, p.Fset.Position(f.WhyAt).String()
		default:
			r.Reason, r.ReasonPos = "what it waits in is on a stack itself", p.Fset.Position(f.Body.Pos()).String()
		}
		list = append(list, r)
	}
	return list
}
