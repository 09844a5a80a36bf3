package compile

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// An edit replaces a part of a source file. Those of one place do not overlap.
type edit struct {
	pos, end token.Pos
	text     string
}

// apply returns the source from pos to end, edited.
func (p *Program) apply(pkg *Package, file *ast.File, pos, end token.Pos, edits []edit) string {
	src := pkg.src[file]
	tf := p.Fset.File(file.FileStart)
	sort.SliceStable(edits, func(i, j int) bool {
		a, b := edits[i], edits[j]
		return a.pos < b.pos || a.pos == b.pos && a.end < b.end // what is inserted comes first
	})
	var b strings.Builder
	at := pos
	for _, e := range edits {
		b.Write(src[tf.Offset(at):tf.Offset(e.pos)])
		b.WriteString(e.text)
		at = e.end
	}
	b.Write(src[tf.Offset(at):tf.Offset(end)])
	return b.String()
}

// source is n as it was written.
func (l *lowering) source(n ast.Node) string {
	return l.p.apply(l.pkg, l.f.File, n.Pos(), n.End(), nil)
}

func (l *lowering) use(v *variable) {
	if l.uses == nil {
		l.uses = map[*variable]bool{}
	}
	l.uses[v] = true
}

// text spells n in the second body: variables by their names there, calls that were
// made by their temporaries, ways out of n by gotos. It collects what emit wants to know.
func (l *lowering) text(n ast.Node) string {
	saved := l.whole
	l.whole = n
	defer func() { l.whole = saved }()
	var edits []edit
	l.collect(n, &edits, nil)
	return l.p.apply(l.pkg, l.f.File, n.Pos(), n.End(), edits)
}

// inner is what a statement that is copied has around a place in it.
type inner struct {
	breaks, continues bool // an unlabelled one stays inside
	lit               bool // in a literal: every way out does
	called            bool // in the body of a range over a function, which an iterator may defer
}

func (l *lowering) collect(n ast.Node, edits *[]edit, in *inner) {
	if in == nil {
		in = &inner{}
	}
	ast.Inspect(n, func(m ast.Node) bool {
		if e, ok := m.(ast.Expr); ok {
			if c, ok := e.(*ast.CallExpr); ok && l.many()[c] != nil {
				for _, v := range l.many()[c] {
					l.use(v)
				}
				*edits = append(*edits, edit{m.Pos(), m.End(), join(l.many()[c], ", ")})
				return false
			}
			if !in.lit && !in.called && l.recovers(e) {
				*edits = append(*edits, edit{m.Pos(), m.End(), "abi_.Recovered()"})
				return false
			}
			if c, ok := e.(*ast.CallExpr); ok && !in.lit && l.repl[e] == nil {
				if g := l.makes(c); g != nil {
					*edits = append(*edits, edit{m.Pos(), m.End(), l.makeCall(c, g)})
					return false
				}
			}
			if b := l.p.bound(l.pkg, e); len(b) == 1 {
				*edits = append(*edits, b...)
				return false
			}
			if v := l.repl[e]; v != nil {
				l.use(v)
				*edits = append(*edits, edit{m.Pos(), m.End(), v.name})
				return false
			}
		}
		switch m := m.(type) {
		case *ast.GoStmt:
			if l.recovers(m.Call) {
				return false
			}
		case *ast.TypeSpec:
			l.file.local(l.info.Defs[m.Name].(*types.TypeName), m)
			*edits = append(*edits, unnamedSpec(m))
			l.collect(m.Type, edits, in)
			return false
		case *ast.FuncLit:
			*edits = append(*edits, edit{m.Pos(), m.End(), l.literal(m)})
			return false
		case *ast.Ident:
			obj := l.info.Uses[m]
			if obj == nil {
				obj = l.info.Defs[m]
			}
			if v := l.vars[obj]; obj != nil && v != nil {
				l.use(v)
				if v.ref() != m.Name {
					*edits = append(*edits, edit{m.Pos(), m.End(), v.ref()})
				}
			} else if c, ok := obj.(*types.Const); ok && l.constText(c, m) != "" {
				*edits = append(*edits, edit{m.Pos(), m.End(), l.constText(c, m)})
			} else if tn, ok := obj.(*types.TypeName); ok && l.around(tn) {
				l.file.local(tn, m)
			} else if obj != nil && obj.Pkg() != nil && obj.Pkg() != l.pkg.Types && obj.Parent() == obj.Pkg().Scope() {
				// Imported by a dot.
				*edits = append(*edits, edit{m.Pos(), m.End(), l.file.of(obj.Pkg()) + "." + m.Name})
			}
			return false
		case *ast.SelectorExpr:
			if l.info.Selections[m] == nil {
				if id, ok := m.X.(*ast.Ident); ok {
					if _, ok := l.info.Uses[id].(*types.PkgName); ok {
						return false
					}
				}
			}
			bound := l.p.bound(l.pkg, m)
			if bound != nil {
				*edits = append(*edits, bound[0])
			}
			l.collect(m.X, edits, in)
			if bound != nil {
				*edits = append(*edits, bound[1])
			}
			return false
		case *ast.KeyValueExpr:
			// A key may be a field's name, which is no variable.
			if id, ok := m.Key.(*ast.Ident); ok {
				if v, ok := l.info.Uses[id].(*types.Var); ok && v.IsField() {
					l.collect(m.Value, edits, in)
					return false
				}
			}
		case *ast.ForStmt, *ast.RangeStmt:
			// Its own breaks stay inside.
			s, _ := m.(*ast.RangeStmt)
			l.collectInner(m, edits, &inner{true, true, in.lit, in.called || l.p.loops[s] != nil})
			return false
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			l.collectInner(m, edits, &inner{true, in.continues, in.lit, in.called})
			return false
		case *ast.ReturnStmt:
			if in.lit {
				break
			}
			if l.exit != "" || l.up != nil {
				*edits = append(*edits, edit{m.Pos(), m.End(), "{ " + l.returning(m) + " }"})
				return false
			}
			l.exits = true
			l.bare = l.bare || len(m.Results) == 0
		case *ast.BranchStmt:
			if !in.lit {
				l.leave(m, n, edits, in)
			}
			return false
		case *ast.LabeledStmt:
			l.collect(m.Stmt, edits, in)
			return false
		}
		return true
	})
}

// collectInner is collect for a statement that catches breaks.
func (l *lowering) collectInner(n ast.Node, edits *[]edit, in *inner) {
	// Its parts one by one, so that it is not taken for the whole that was asked for.
	first := true
	ast.Inspect(n, func(m ast.Node) bool {
		if first {
			first = false
			return true
		}
		if m != nil {
			l.collect(m, edits, in)
		}
		return false
	})
}

// leave handles a break or continue in a statement that is copied.
func (l *lowering) leave(b *ast.BranchStmt, whole ast.Node, edits *[]edit, in *inner) {
	switch b.Tok {
	case token.FALLTHROUGH:
		return
	case token.GOTO:
		label := l.info.Uses[b.Label]
		if label.Pos() < l.whole.Pos() || label.Pos() >= l.whole.End() {
			to := l.labelOf(label)
			l.outs = append(l.outs, to)
			*edits = append(*edits, edit{b.Pos(), b.End(), "goto " + to})
		}
		return
	}
	if b.Label == nil && (b.Tok == token.BREAK && in.breaks || b.Tok == token.CONTINUE && in.continues) {
		return
	}
	to := l.find(b)
	if to == "" {
		return // it is labelled, and the label lies inside
	}
	l.outs = append(l.outs, to)
	*edits = append(*edits, edit{b.Pos(), b.End(), "goto " + to})
}

// visible returns how a type is spelled, and refuses if one of its names means something
// else at a place in a statement that is copied.
func (l *lowering) visible(spelled string, at ast.Node) string {
	scope := l.pkg.Types.Scope().Innermost(at.Pos())
	if scope == nil {
		return spelled
	}
	expr, err := parser.ParseExpr(spelled)
	if err != nil {
		no(at, "a literal with a type that does not parse: %v", err)
	}
	var look func(n ast.Node) bool
	look = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // whose names hide nothing
			ast.Inspect(n.Type, look)
			return false
		case *ast.SelectorExpr:
			ast.Inspect(n.X, look)
			return false
		case *ast.Ident:
			_, obj := scope.LookupParent(n.Name, at.Pos())
			if v, ok := obj.(*types.Var); ok && l.vars[v] == nil && v.Parent() != l.pkg.Types.Scope() {
				no(at, "a literal where a variable has the name of the type or package %s", n.Name)
			}
		}
		return true
	}
	ast.Inspect(expr, look)
	return spelled
}

// literal spells a function literal in the second body. It is a function of the
// variables of the second body that it uses, so that each execution captures its own.
func (l *lowering) literal(lit *ast.FuncLit) string {
	g := l.p.lits[lit]
	var edits []edit
	saved := l.uses
	l.uses = nil
	l.collect(lit.Type, &edits, &inner{lit: true})
	l.collect(lit.Body, &edits, &inner{breaks: true, continues: true, lit: true})
	var caught []*variable
	for v := range l.uses {
		caught = append(caught, v)
	}
	l.uses = saved
	pre, post := "", ""
	if g.Compiled && !g.direct && (g.bears >= 0 || g.Encl == l.f || l.p.chaos > 0) {
		g.copies++
		var caps []string
		for _, v := range factsOf(g).captured {
			switch w := l.vars[v]; {
			case w != nil:
				caps = append(caps, w.name) // the box, if it has one
			case factsOf(g).boxed(v):
				caps = append(caps, "&"+v.Name())
			default:
				caps = append(caps, v.Name())
			}
			if l.p.flagged(g, v) {
				flag := l.flagOf(value{param: v})
				if w := l.flags[v]; w != nil {
					caught = append(caught, w)
				}
				caps = append(caps, flag)
			}
		}
		if l.p.chaos > 0 {
			edits = append(edits, g.drives(caps)...)
		} else {
			prologue, note := g.handshake(l.p, strconv.Itoa(g.copies), caps)
			edits = append(edits, edit{lit.Body.Lbrace + 1, lit.Body.Lbrace + 1, prologue})
			edits = append(edits, g.nameParams()...)
			pre, post = note+"(", ")"
		}
	}
	sort.Slice(caught, func(i, j int) bool { return caught[i].name < caught[j].name })
	caught = slices.Compact(caught)
	for _, v := range caught {
		l.use(v)
	}
	text := pre + l.p.apply(l.pkg, l.f.File, lit.Pos(), lit.End(), edits) + post
	if len(caught) == 0 {
		return text
	}
	var params, args []string
	for _, v := range caught {
		params = append(params, v.name+" "+l.visible(v.spell(l), lit))
		args = append(args, v.name)
	}
	return "func(" + strings.Join(params, ", ") + ") " + l.visible(l.file.typ(l.info.TypeOf(lit), lit), lit) +
		" { return " + text + " }(" + strings.Join(args, ", ") + ")"
}
