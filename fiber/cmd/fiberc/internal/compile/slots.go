package compile

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"hash/fnv"
	"slices"
	"strings"
)

// Calls through interfaces. Which second body such a call goes to is found at run time,
// by the method and the type of the receiver (abi.Slot). Which methods such a call may get
// to is found here: those of that name and signature that types of the program have.

// A slot is a method of interfaces: a name and a signature.
type slot struct {
	key     string // as package abi knows it
	name    string
	sig     *types.Signature
	fixed   bool       // methods of it may park, whatever the program has
	methods []slotBody // of the types of the program
}

// A slotBody is a method of a type.
type slotBody struct {
	pkg  *Package
	recv types.Type // a named type, or a pointer to one
	sel  *types.Selection
	fn   *Func // nil if it is promoted from an interface
	test bool  // only tests name the type, or give it the method
}

// fixedSlots are those whose calls may park in the standard library, so that what is
// generated for that does not depend on the program.
var fixedSlots = map[string]bool{
	"Read([]byte) (int, error)":          true,
	"Write([]byte) (int, error)":         true,
	"WriteString(string) (int, error)":   true,
	"ReadFrom(io.Reader) (int64, error)": true,
	"WriteTo(io.Writer) (int64, error)":  true,
	"ReadByte() (byte, error)":           true,
	"WriteByte(byte) error":              true,
	"ReadRune() (rune, int, error)":      true,
}

// slotKey spells a method, "" if calls of it are not looked up.
func slotKey(fn *types.Func) string {
	sig := fn.Signature()
	if sig.Results().Len() > 6 {
		return ""
	}
	path := func(p *types.Package) string { return p.Path() }
	name := fn.Name()
	if !fn.Exported() {
		name = fn.Pkg().Path() + "." + name // another package's is another method
	}
	return name + strings.TrimPrefix(types.TypeString(unnamed(sig), path), "func")
}

// slotOf returns the slot of a method of an interface, nil if calls of it are not looked up.
func (p *Program) slotOf(fn *types.Func) *slot {
	key := slotKey(fn)
	if key == "" {
		return nil
	}
	s := p.slots[key]
	if s == nil {
		s = &slot{key: key, name: fn.Name(), sig: unnamed(fn.Signature()), fixed: fixedSlots[key]}
		p.slots[key] = s
	}
	return s
}

// ownTypes are the types of a package that may have methods, those it declares and
// instances of generic types that it names, and whether only its tests have them.
func (p *Program) ownTypes(pkg *Package) map[*types.Named]bool {
	list := map[*types.Named]bool{}
	scope := pkg.Types.Scope()
	for _, name := range scope.Names() {
		tn, ok := scope.Lookup(name).(*types.TypeName)
		if !ok || tn.IsAlias() {
			continue
		}
		if t, ok := tn.Type().(*types.Named); ok && t.TypeParams().Len() == 0 && !types.IsInterface(t) {
			list[t] = p.inTest(tn.Pos())
		}
	}
	seen := map[string]*types.Named{}
	for id, inst := range pkg.TypesInfo.Instances {
		t, ok := types.Unalias(inst.Type).(*types.Named)
		if !ok || types.IsInterface(t) || open(t) {
			continue
		}
		if same := seen[t.String()]; same == nil {
			seen[t.String()], list[t] = t, p.inTest(id.Pos())
		} else {
			list[same] = list[same] && p.inTest(id.Pos())
		}
	}
	return list
}

// open reports whether a type names a type parameter, or a type declared in a function.
func open(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.TypeParam:
		return true
	case *types.Named:
		if o := t.Obj(); o.Pkg() != nil && o.Parent() != o.Pkg().Scope() {
			return true
		}
		for a := range t.TypeArgs().Types() {
			if open(a) {
				return true
			}
		}
	case interface{ Elem() types.Type }: // a pointer, slice, array, map or channel
		if m, ok := t.(*types.Map); ok && open(m.Key()) {
			return true
		}
		return open(t.Elem())
	case *types.Basic:
	default:
		return true // what else there is need not be known
	}
	return false
}

// findSlots finds the methods that calls through interfaces may get to.
func (p *Program) findSlots() {
	for _, f := range p.all {
		p.calls(f)
	}
	for _, pkg := range p.Pkgs {
		for t, test := range p.ownTypes(pkg) {
			for _, recv := range []types.Type{t, types.NewPointer(t)} {
				set := types.NewMethodSet(recv)
				for i := range set.Len() {
					sel := set.At(i)
					fn := sel.Obj().(*types.Func)
					key := slotKey(fn)
					s := p.slots[key]
					if s == nil && fixedSlots[key] {
						s = p.slotOf(fn)
					}
					if s == nil || p.noWait[fn.Origin()] {
						continue
					}
					body := slotBody{pkg: pkg, recv: recv, sel: sel, test: test}
					if !types.IsInterface(fn.Signature().Recv().Type()) {
						if body.fn = p.funcOf(fn); body.fn == nil {
							continue
						}
						body.test = test || body.fn.test()
					}
					s.methods = append(s.methods, body)
				}
			}
		}
	}
}

// slotParks reports whether calls of some method of the slot may park.
func (p *Program) slotParks(s *slot) bool {
	if s.fixed || p.isStd {
		return s.fixed
	}
	for _, m := range s.methods {
		if m.fn != nil && m.fn.parks {
			return true
		}
	}
	return false
}

// slotVar returns the name of the variable that holds a slot in the package of f.
func (f *fileNames) slotVar(s *slot) string {
	h := fnv.New32a()
	h.Write([]byte(s.key))
	name := fmt.Sprintf("fiberc_slot_%s_%08x", s.name, h.Sum32())
	f.pkg.helper(f.test).texts[name] = fmt.Sprintf("var %s = abi_.SlotOf(%q)\n\n", name, s.key)
	return name
}

// slotFunc spells the type of a slot's second bodies.
func (f *fileNames) slotFunc(s *slot, at ast.Node) string {
	list := []string{"*abi_.Stack", "any"}
	for i := range s.sig.Params().Len() {
		list = append(list, f.typ(s.sig.Params().At(i).Type(), at))
	}
	text := "func(" + strings.Join(list, ", ") + ")"
	if n := s.sig.Results().Len(); n > 0 {
		text += " " + f.typ(s.sig.Results(), at)
	}
	return text
}

// fillSlots makes the code that enters the methods of a package's types into the slots.
// A method that cannot be spelled is left out: it is called as it stands.
func (p *Program) fillSlots(pkg *Package, reached map[*Func]bool) {
	var keys []string
	for key := range p.slots {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		s := p.slots[key]
		if p.isStd && !s.fixed {
			continue
		}
		methods := slices.DeleteFunc(slices.Clone(s.methods), func(m slotBody) bool {
			return m.pkg != pkg || m.fn != nil && m.fn.test() && m.fn.Pkg.within != pkg.within || m.fn != nil && !(m.fn.ready || m.fn.Compiled && reached[m.fn] && p.makers[m.fn] == nil) || m.fn == nil && !s.fixed
		})
		slices.SortFunc(methods, func(a, b slotBody) int { return cmp.Compare(a.recv.String(), b.recv.String()) })
		for _, m := range methods {
			if text := p.fillSlot(s, m); text != "" {
				pkg.helper(m.test).texts["slot "+s.key+" "+m.recv.String()] = text
			}
		}
	}
}

func (p *Program) fillSlot(s *slot, m slotBody) (text string) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(refusal); !ok {
				panic(v)
			}
			text = ""
		}
	}()
	at := &ast.Ident{}
	names := m.pkg.helper(m.test).names
	if o := m.sel.Obj(); !o.Exported() && o.Pkg() != m.pkg.Types {
		return "" // it has no name here
	}
	recv := names.typ(m.recv, at)
	params, args, given := []string{"s_ *abi_.Stack", "x_ any"}, "", ""
	for i := range s.sig.Params().Len() {
		a := fmt.Sprintf("a%d_", i)
		params = append(params, a+" "+names.typ(s.sig.Params().At(i).Type(), at))
		args += ", " + a
	}
	results := ""
	if s.sig.Results().Len() > 0 {
		results = " " + names.typ(s.sig.Results(), at)
	}
	declared := strings.Join(params[2:], ", ")
	given = args
	if s.sig.Variadic() {
		args += "..."
		last := params[len(params)-1]
		declared = strings.TrimSuffix(declared, last) + strings.Replace(last, "[]", "...", 1)
	}
	val := "x_.(" + recv + ")"
	path, last := fieldPath(m.recv, m.sel.Index(), m.pkg.Types, at)
	val += path
	ret := ""
	if results != "" {
		ret = "return "
	}
	var body string
	if m.fn == nil {
		body = fmt.Sprintf("y_ := %s\nif c_, ok_ := abi_.Find[%s](%s, y_); ok_ {\n%sc_(s_, y_%s)\n", val, names.slotFunc(s, at), names.slotVar(s), ret, given)
		if ret == "" {
			body += "return\n"
		}
		body += fmt.Sprintf("}\n%sy_.%s(%s)\n", ret, s.name, strings.TrimPrefix(args, ", "))
	} else {
		_, have := types.Unalias(last).(*types.Pointer)
		_, want := types.Unalias(m.fn.Sig.Recv().Type()).(*types.Pointer)
		nilCall := ""
		switch {
		case have && !want:
			if len(m.sel.Index()) == 1 {
				// The runtime has a panic of its own for that.
				nilCall = fmt.Sprintf("if %s == nil {\n%sx_.(interface{ %s(%s)%s }).%s(%s)\n", val, ret, s.name,
					declared, results, s.name, strings.TrimPrefix(args, ", "))
				if ret == "" {
					nilCall += "return\n"
				}
				nilCall += "}\n"
			}
			val = "*" + val
		case !have && want:
			val = "&" + val
		}
		name := m.fn.name
		if m.fn.Pkg != m.pkg {
			if !m.pkg.mayImport(m.fn.Pkg.PkgPath) {
				return ""
			}
			name = names.of(m.fn.Pkg.Types) + "." + name
		}
		if m.fn.typeParams().Len() > 0 {
			// Of the type that declares it, which may be that of an embedded field.
			var list []string
			for t := range named(last).TypeArgs().Types() {
				list = append(list, names.typ(t, at))
			}
			name += "[" + strings.Join(list, ", ") + "]"
		}
		body = nilCall + ret + name + "(s_, nil" + strings.Repeat(", false", len(p.flags(m.fn))) + ", " + val + args + ")\n"
	}
	return fmt.Sprintf("func init() {\n%s.Add(*new(%s), func(%s)%s {\n%s})\n}\n\n",
		names.slotVar(s), recv, strings.Join(params, ", "), results, body)
}

// fieldPath spells the way from a value of type t to the embedded field that has a
// method, by the selection's index, and returns the field's type.
func fieldPath(t types.Type, index []int, from *types.Package, at ast.Node) (string, types.Type) {
	text := ""
	for _, i := range index[:len(index)-1] {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
		field := t.Underlying().(*types.Struct).Field(i)
		if !field.Exported() && field.Pkg() != from {
			no(at, "a method promoted from an unexported field of another package")
		}
		text += "." + field.Name()
		t = field.Type()
	}
	return text, t
}

// slotCall spells a call of a method of an interface, as one of its second body where the
// receiver has one.
func (l *lowering) slotCall(call *ast.CallExpr, s *slot) string {
	sel := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	path, _ := fieldPath(l.info.TypeOf(sel.X), l.info.Selections[sel].Index(), l.pkg.Types, call)
	recv := l.text(sel.X)
	if !simple(sel.X) {
		recv = "(" + recv + ")"
	}
	lhs, rhs := []string{"x_"}, []string{recv + path}
	args, extra := []string{}, ""
	operands := l.operands(call)
	if n := s.sig.Params().Len(); s.sig.Variadic() && !call.Ellipsis.IsValid() {
		// What is given for the last parameter is one list, nil if it is nothing.
		t := l.file.typ(s.sig.Params().At(n-1).Type(), call)
		text := t + "(nil)"
		if len(operands) >= n {
			var list []string
			for _, a := range operands[n-1:] {
				list = append(list, a.text)
			}
			text = t + "{" + strings.Join(list, ", ") + "}"
		}
		operands = append(operands[:n-1:n-1], operand{text: text})
	}
	for i, a := range operands {
		name := fmt.Sprintf("a%d_", i)
		lhs, rhs = append(lhs, name), append(rhs, convert(l.file.typ(s.sig.Params().At(i).Type(), call), a.text))
		args = append(args, name)
		extra += ", " + name
	}
	plain := strings.Join(args, ", ")
	if s.sig.Variadic() {
		plain += "..."
	}
	return fmt.Sprintf("{\n%s := %s\nif c_, ok_ := abi_.Find[%s](%s, x_); ok_ {\n\x01c_(s_, x_%s)\n} else {\n\x01x_.%s(%s)\n}\n}",
		strings.Join(lhs, ", "), strings.Join(rhs, ", "), l.file.slotFunc(s, call), l.file.slotVar(s), extra, s.name, plain)
}
