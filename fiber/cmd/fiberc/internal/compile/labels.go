package compile

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Labels of the source. One that goto names becomes a label of the flattened code under a
// name of its own; one that break or continue name inside a loop that is copied stays in
// the copy. A goto in a statement that is copied goes to a label in the copy as it stands,
// and to one outside by that label's new name.

// jumps finds what names labels.
func (l *lowering) jumps() {
	l.gotos, l.named, l.labelNames = map[types.Object]string{}, map[types.Object]bool{}, map[types.Object]*ast.Ident{}
	ast.Inspect(l.f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.LabeledStmt:
			if name := n.Label.Name; name != "_" && strings.HasSuffix(name, "_") {
				no(n, "a label whose name ends like those of generated code")
			}
		case *ast.BranchStmt:
			if n.Label == nil {
				break
			}
			obj := l.info.Uses[n.Label]
			l.labelNames[obj] = n.Label
			if n.Tok != token.GOTO {
				l.named[obj] = true
				break
			}
			l.gotos[obj] = ""
			if obj.Pos() < n.Pos() {
				l.back = append(l.back, [2]token.Pos{obj.Pos(), n.Pos()})
			}
		}
		return true
	})
}

// labelOf is the label that goto goes to, in flattened code.
func (l *lowering) labelOf(obj types.Object) string {
	if l.outside(obj) {
		return l.wayOut(token.GOTO, obj)
	}
	if l.gotos[obj] == "" {
		l.gotos[obj] = l.newLabel("at")
	}
	return l.gotos[obj]
}

// repeats reports whether a goto may lead back over pos.
func (l *lowering) repeats(pos token.Pos) bool {
	for _, b := range l.back {
		if b[0] < pos && pos < b[1] {
			return true
		}
	}
	return false
}

// gotoLabel emits the label that goto goes to, if one does.
func (l *lowering) gotoLabel(s *ast.LabeledStmt) {
	obj := l.info.Defs[s.Label]
	if _, ok := l.gotos[obj]; ok {
		l.label(l.labelOf(obj))
	}
}

func (l *lowering) labeled(s *ast.LabeledStmt) {
	l.gotoLabel(s)
	obj := l.info.Defs[s.Label]
	if l.named[obj] && !l.parksIn(s.Stmt) {
		l.do(s, s.Label.Name+":\n"+l.text(s.Stmt))
		return
	}
	l.stmt(s.Stmt, s.Label.Name)
}
