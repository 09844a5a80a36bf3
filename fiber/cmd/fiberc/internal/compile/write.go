package compile

import (
	"cmp"
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// write spells the second body, its frame and its registration.
func (l *lowering) write(b *strings.Builder, file string) {
	f := l.f
	name := f.name
	base := lowerFirst(name)
	l.file.generic = f.typeParams().Len() > 0
	params0, args0 := l.typeParamLists()
	frame := base + "_frame" + args0
	kind := base + "_kind"

	used := map[*variable]bool{}
	targets := map[string]bool{}
	for _, in := range l.code {
		for _, v := range in.uses {
			used[v] = true
		}
		if in.park == nil { // where a panic in a park point goes is for liveness only
			for _, t := range in.targets {
				targets[t] = true
			}
		}
		if in.park != nil {
			for _, v := range in.park.live {
				used[v] = true
			}
		}
	}
	fields := l.fields()
	results := l.resultStruct(l.resultList())
	// A struct that ends in an empty one is padded, so nothing stands for no results and no
	// variables.
	head, vars := "abi_.Frame", ""
	if len(l.results) > 0 {
		head = "abi_.Result[" + results + "]"
	}
	if len(fields) > 0 {
		vars = fmt.Sprintf("V %s_vars%s\n", base, args0)
	}
	fmt.Fprintf(b, "// %s is what %s needs while it waits.\ntype %s_frame%s struct {\n%s\n%s}\n\n", base+"_frame", f.Title, base, params0, head, vars)
	if len(fields) > 0 {
		fmt.Fprintf(b, "type %s_vars%s struct {\n", base, params0)
		for _, v := range fields {
			fmt.Fprintf(b, "%s %s\n", fieldName(v), v.spell(l))
		}
		b.WriteString("}\n\n")
	}

	var lines []string
	for _, p := range l.parks {
		lines = append(lines, fmt.Sprintf("%q", l.p.position(p.call.Pos())))
	}
	if l.file.generic {
		fmt.Fprintf(b, "var %s = abi_.GenericKind{Kind: abi_.Kind{Name: %q, Lines: []string{%s}}}\n\n", kind, f.Title, strings.Join(lines, ", "))
		kind = fmt.Sprintf("abi_.KindOf[%s](&%s, %s_resume%s)", frame, kind, base, args0)
	} else {
		fmt.Fprintf(b, "var %s uint16\n\nfunc init() {\n%s = abi_.Register[%s](&abi_.Kind{Name: %q, Lines: []string{%s}, Resume: %s_resume})\n}\n\n",
			kind, kind, frame, f.Title, strings.Join(lines, ", "), base)
	}

	// The resumer.
	fmt.Fprintf(b, "func %s_resume%s(s_ *abi_.Stack, h_ *abi_.Frame) {\nfr_ := abi_.As[%s](h_)\n", base, params0, frame)
	var rs, zeros []string
	for i := range l.results {
		rs = append(rs, fmt.Sprintf("r%d_", i))
	}
	for _, v := range l.params {
		zeros = append(zeros, "*new("+v.spell(l)+")")
	}
	variadic := f.Sig.Variadic() && len(l.params) > 0
	if variadic {
		zeros[len(zeros)-1] += "..."
	}
	if len(rs) > 0 {
		b.WriteString(strings.Join(rs, ", ") + " := ")
	}
	fmt.Fprintf(b, "%s%s(%s)\n", name, args0, strings.Join(append([]string{"s_", "fr_"}, zeros...), ", "))
	b.WriteString("if s_.Left() && s_.Linked(h_) {\nreturn\n}\n")
	if len(fields) > 0 {
		fmt.Fprintf(b, "fr_.V = %s_vars%s{}\n", base, args0)
	}
	if len(rs) > 0 {
		fmt.Fprintf(b, "if !s_.Left() {\nfr_.R = %s{%s}\n}\n", results, strings.Join(rs, ", "))
	}
	b.WriteString("}\n\n")

	// The body.
	var params []string
	for i, v := range l.params {
		t := v.spell(l)
		if variadic && i == len(l.params)-1 {
			t = "..." + strings.TrimPrefix(t, "[]")
		}
		params = append(params, v.name+" "+t)
	}
	var outs []string
	for _, v := range l.results {
		outs = append(outs, v.name+" "+v.spell(l))
	}
	if l.p.chaos > 0 {
		l.writeDriver(b, params)
	}
	fmt.Fprintf(b, "// %s is %s for compiled code.\n", name, f.Title)
	l.line(b, file, f.Body.Pos())
	fmt.Fprintf(b, "func %s%s(%s)", name, params0, strings.Join(append([]string{"s_ *abi_.Stack", "fr_ *" + frame}, params...), ", "))
	if len(outs) > 0 {
		b.WriteString(" (" + strings.Join(outs, ", ") + ")")
	}
	b.WriteString(" {\n")
	dropped := map[*variable]bool{}
	for _, p := range l.parks {
		any := false
		for _, v := range p.results {
			any = any || used[v]
		}
		if !any {
			for _, v := range p.results {
				dropped[v] = true
			}
			p.results = nil
		}
	}
	var unused []string
	for _, v := range l.order {
		if dropped[v] {
			continue
		}
		fmt.Fprintf(b, "var %s %s\n", v.name, v.spell(l))
		if !used[v] {
			unused = append(unused, v.name)
		}
	}
	for _, n := range unused {
		fmt.Fprintf(b, "_ = %s\n", n)
	}
	l.writeGuard(b)
	if len(l.parks) > 0 {
		b.WriteString("if fr_ != nil {\nswitch fr_.PC() {\n")
		for _, p := range l.parks {
			fmt.Fprintf(b, "case %d: // %s\n", p.pc, l.p.position(p.call.Pos()))
			var to, from []string
			for _, v := range p.live {
				to, from = append(to, v.name), append(from, "fr_.V."+fieldName(v))
			}
			if len(to) > 0 {
				b.WriteString(strings.Join(to, ", ") + " = " + strings.Join(from, ", ") + "\n")
			}
			if len(l.defers) > 0 {
				b.WriteString("s_.Raise()\n")
			}
			if len(p.results) == 0 {
				b.WriteString("abi_.Skip(s_, &fr_.Frame)\n")
			} else {
				fmt.Fprintf(b, "r_ := abi_.Take[%s](s_, &fr_.Frame)\n", l.resultStruct(p.types))
				var rs []string
				for i := range p.results {
					rs = append(rs, "r_."+resultField(i))
				}
				b.WriteString(join(p.results, ", ") + " = " + strings.Join(rs, ", ") + "\n")
			}
			fmt.Fprintf(b, "goto resume%d_\n", p.pc)
		}
		b.WriteString("}\n}\n")
	}
	for _, s := range l.entry {
		b.WriteString(s + "\n")
	}
	for _, in := range l.code {
		switch {
		case in.label != "":
			if targets[in.label] {
				b.WriteString(in.label + ":\n")
			}
		case in.park != nil:
			l.writePark(b, file, in.park, frame, kind)
		default:
			if in.pos.IsValid() {
				l.line(b, file, in.pos)
			}
			b.WriteString(in.text + "\n")
		}
	}
	b.WriteString("}\n\n")
}

func (l *lowering) writePark(b *strings.Builder, file string, p *park, frame, kind string) {
	if p.before != "" {
		l.line(b, file, p.call.Pos())
		b.WriteString(p.before)
	}
	l.line(b, file, p.call.Pos())
	to := ""
	if len(p.results) > 0 {
		to = join(p.results, ", ") + " = "
	}
	if p.slotted {
		p.fun = strings.ReplaceAll(p.fun, "\x01", to)
	} else {
		b.WriteString(to)
	}
	b.WriteString(p.fun + p.after + "\nif s_.Left() {\n")
	if len(l.parks) > 0 {
		fmt.Fprintf(b, "if fr_ == nil {\nfr_ = abi_.New[%s](s_, %s)\n}\n", frame, kind)
	}
	var fields, from []string
	for _, v := range p.live {
		fields, from = append(fields, "fr_.V."+fieldName(v)), append(from, v.name)
	}
	if len(fields) > 0 {
		b.WriteString(strings.Join(fields, ", ") + " = " + strings.Join(from, ", ") + "\n")
	}
	link := "Link"
	if len(l.defers) > 0 {
		link = "LinkGuard"
	}
	fmt.Fprintf(b, "s_.%s(&fr_.Frame, %d)\nreturn\n}\nresume%d_: // behind the call at %s\n", link, p.pc, p.pc, l.p.position(p.call.Pos()))
}

// typeParamLists spells the type parameters of a generic function, as they are declared
// and as they are passed on.
func (l *lowering) typeParamLists() (params, args string) {
	list := l.f.typeParams()
	if list.Len() == 0 {
		return "", ""
	}
	var ps, as []string
	for tp := range list.TypeParams() {
		ps = append(ps, tp.Obj().Name()+" "+l.file.typ(tp.Constraint(), l.f.Body))
		as = append(as, tp.Obj().Name())
	}
	return "[" + strings.Join(ps, ", ") + "]", "[" + strings.Join(as, ", ") + "]"
}

// fields are the variables that some park point saves.
func (l *lowering) fields() []*variable {
	var list []*variable
	seen := map[*variable]bool{}
	for _, p := range l.parks {
		for _, v := range p.live {
			if !seen[v] {
				seen[v] = true
				list = append(list, v)
			}
		}
	}
	return list
}

// measure tells the function what explain wants to know.
func (l *lowering) measure() {
	l.f.Points = append([]Point(nil), l.tails...)
	for _, p := range l.parks {
		l.f.Points = append(l.f.Points, Point{p.call.Pos(), p.callee})
	}
	slices.SortFunc(l.f.Points, func(a, b Point) int { return cmp.Compare(a.Pos, b.Pos) })
	l.f.Bytes = 0
	if len(l.parks) > 0 {
		l.f.Bytes = l.frameBytes(l.fields())
	}
}

// line makes what follows have the position pos.
func (l *lowering) line(b *strings.Builder, file string, pos token.Pos) {
	fmt.Fprintf(b, "//line %s:%d\n", file, l.p.Fset.Position(pos).Line)
}

func fieldName(v *variable) string { return v.name }

func lowerFirst(s string) string { return "c" + s[1:] }

func (l *lowering) resultList() []types.Type {
	var list []types.Type
	for _, v := range l.results {
		list = append(list, v.typ)
	}
	return list
}

// resultStruct spells the type that carries results.
func (l *lowering) resultStruct(list []types.Type) string {
	if len(list) == 0 {
		return "abi_.R0"
	}
	var args []string
	for _, t := range list {
		args = append(args, l.file.typ(t, l.f.Body))
	}
	if len(list) > 6 {
		for i, t := range args {
			args[i] = resultField(i) + " " + t
		}
		return "struct {" + strings.Join(args, "; ") + "}"
	}
	return fmt.Sprintf("abi_.R%d[%s]", len(list), strings.Join(args, ", "))
}

// resultField is the name of the i-th result in it.
func resultField(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return "A" + strconv.Itoa(i)
}

// frameBytes is the size of the frame on the machine it is compiled for. A value whose type
// is a type parameter counts as a word.
func (l *lowering) frameBytes(fields []*variable) int64 {
	sizes := l.pkg.TypesSizes
	strukt := func(list []types.Type) types.Type {
		var vars []*types.Var
		for i, t := range list {
			vars = append(vars, types.NewField(token.NoPos, nil, fmt.Sprintf("F%d", i), sized(t), false))
		}
		return types.NewStruct(vars, nil)
	}
	word := types.Typ[types.Uint64]
	var list []types.Type
	for _, v := range fields {
		t := v.typ
		if v.boxed {
			t = types.NewPointer(t)
		}
		list = append(list, t)
	}
	parts := []types.Type{word, word}
	if len(l.results) > 0 {
		parts = append(parts, strukt(l.resultList()))
	}
	if len(list) > 0 {
		parts = append(parts, strukt(list))
	}
	return sizes.Sizeof(strukt(parts))
}

// sized is t with words in the place of type parameters.
func sized(t types.Type) types.Type {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return types.Typ[types.Uintptr]
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return types.NewArray(sized(u.Elem()), u.Len())
	case *types.Struct:
		var vars []*types.Var
		for i := range u.NumFields() {
			vars = append(vars, types.NewField(token.NoPos, nil, fmt.Sprintf("F%d", i), sized(u.Field(i).Type()), false))
		}
		return types.NewStruct(vars, nil)
	}
	return t
}
