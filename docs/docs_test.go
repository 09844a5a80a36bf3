package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the documents say about code is true: programs in them pass go vet, names like
// `httpfw.Ctx.Text` exist, and links lead somewhere.

// packages are those whose names documents may use, by name.
var packages = map[string]string{
	"fiber":        "fiber",
	"netpoll":      "netpoll",
	"gnetengine":   "netpoll/gnetengine",
	"httpfw":       "httpfw",
	"middleware":   "httpfw/middleware",
	"httpfwtest":   "httpfw/httpfwtest",
	"http1":        "codec/http1",
	"line":         "codec/line",
	"lengthprefix": "codec/lengthprefix",
	"resp":         "codec/resp",
}

// documents returns README.md and everything in docs, by path, with text outside and
// inside of fenced blocks apart.
func documents(t *testing.T) map[string]document {
	t.Helper()
	paths := []string{filepath.Join("..", "README.md")}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]document{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs[path] = split(string(b))
	}
	return docs
}

// document is a Markdown file.
type document struct {
	prose  []string // its lines; those of blocks are empty
	blocks []block
}

// block is a fenced block.
type block struct {
	line     int // of its first line, from 1
	language string
	text     string
}

func split(text string) document {
	var d document
	var b *block
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && b == nil:
			b = &block{line: i + 2, language: fence}
			line = ""
		case isFence:
			d.blocks = append(d.blocks, *b)
			b, line = nil, ""
		case b != nil:
			b.text += line + "\n"
			line = ""
		}
		d.prose = append(d.prose, line)
	}
	return d
}

// Every block of Go that is a program, and every other in middleware.md and the
// tutorial, passes go vet in a module of its own.
func TestPrograms(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	places := map[string]string{} // by directory of the program
	for path, d := range documents(t) {
		for _, b := range d.blocks {
			program := strings.Contains("\n"+b.text, "\npackage ")
			if b.language != "go" || !program && path != "middleware.md" && !strings.HasPrefix(path, "tutorial") {
				continue
			}
			name := fmt.Sprint("p", len(places))
			places[name] = fmt.Sprintf("%s:%d", path, b.line)
			if !program {
				b.text = wrap(b.text)
			}
			file := "main.go"
			if strings.Contains(b.text, "*testing.T") {
				file = "main_test.go"
			}
			write(t, filepath.Join(dir, name, file), b.text)
		}
	}
	// The requirements of the module are those of its users.
	mod := read(t, filepath.Join(root, "go.mod"))
	mod = strings.Replace(mod, "module "+strings.TrimSuffix(module, "/"), "module docs", 1) +
		"\nrequire " + strings.TrimSuffix(module, "/") + " v0.0.0\nreplace " + strings.TrimSuffix(module, "/") + " => " + root + "\n"
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(root, "go.sum")))
	cmd := exec.Command("go", "vet", "-mod=mod", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		text := regexp.MustCompile(`\bp\d+/`).ReplaceAllStringFunc(string(out), func(name string) string {
			return places[strings.TrimSuffix(name, "/")] + ": in the program, "
		})
		t.Errorf("go vet: %v\n%s", err, text)
	}
}

// wrap makes a file of a part of one: of declarations, or of statements in a handler.
func wrap(text string) string {
	var b strings.Builder
	b.WriteString("package part\n\n")
	for name, path := range imports {
		if regexp.MustCompile(`(^|[^.\w])` + name + `\.[A-Z]`).MatchString(text) {
			fmt.Fprintf(&b, "import %q\n", path)
		}
	}
	if strings.HasPrefix(text, "func ") || strings.HasPrefix(text, "type ") {
		return b.String() + text
	}
	for _, name := range [...]string{"httpfw", "fiber"} {
		if path := fmt.Sprintf("import %q\n", module+packages[name]); !strings.Contains(b.String(), path) {
			b.WriteString(path)
		}
	}
	fmt.Fprintf(&b, "func _(app *httpfw.App, c *httpfw.Ctx, f *fiber.Fiber) error {\n%s", text)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if !strings.HasPrefix(lines[len(lines)-1], "return ") {
		b.WriteString("return nil\n")
	}
	return b.String() + "}\n"
}

// imports are what a part of a program may use, by name.
var imports = func() map[string]string {
	m := map[string]string{
		"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "io": "io", "log": "log",
		"os": "os", "slog": "log/slog", "strings": "strings", "testing": "testing", "time": "time",
	}
	for name, path := range packages {
		m[name] = module + path
	}
	return m
}()

var (
	codeSpan  = regexp.MustCompile("`[^`]+`")
	qualified = regexp.MustCompile(`\b([a-z][a-z0-9]*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
)

// Names in code spans exist.
func TestNames(t *testing.T) {
	declared := map[string]*declarations{}
	for path, d := range documents(t) {
		for i, line := range d.prose {
			for _, span := range codeSpan.FindAllString(line, -1) {
				for _, m := range qualified.FindAllStringSubmatch(span, -1) {
					dir, ours := packages[m[1]]
					if !ours {
						continue
					}
					if declared[dir] == nil {
						declared[dir] = declare(t, filepath.Join("..", dir))
					}
					if !declared[dir].has(m[2], m[3]) {
						t.Errorf("%s:%d: there is no %s", path, i+1, strings.TrimSuffix(m[0], "."))
					}
				}
			}
		}
	}
}

// declarations are the names of a package.
type declarations struct {
	top      map[string]bool
	members  map[string]map[string]bool // fields and methods, by type
	embedded map[string][]string        // types of the same package, by type
}

func declare(t *testing.T, dir string) *declarations {
	t.Helper()
	d := &declarations{map[string]bool{}, map[string]map[string]bool{}, map[string][]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no package (%v)", dir, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			d.add(decl)
		}
	}
	return d
}

func (d *declarations) add(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			d.top[decl.Name.Name] = true
		} else {
			d.member(typeName(decl.Recv.List[0].Type), decl.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					d.top[n.Name] = true
				}
			case *ast.TypeSpec:
				d.top[spec.Name.Name] = true
				var fields *ast.FieldList
				switch kind := spec.Type.(type) {
				case *ast.StructType:
					fields = kind.Fields
				case *ast.InterfaceType:
					fields = kind.Methods
				default:
					continue
				}
				for _, f := range fields.List {
					for _, n := range f.Names {
						d.member(spec.Name.Name, n.Name)
					}
					if len(f.Names) == 0 {
						inner := typeName(f.Type)
						d.member(spec.Name.Name, inner)
						d.embedded[spec.Name.Name] = append(d.embedded[spec.Name.Name], inner)
					}
				}
			}
		}
	}
}

func (d *declarations) member(of, name string) {
	if d.members[of] == nil {
		d.members[of] = map[string]bool{}
	}
	d.members[of][name] = true
}

// has reports whether a name exists, or a member of a type, which may be one of an
// embedded type's.
func (d *declarations) has(name, member string) bool {
	if member == "" {
		return d.top[name]
	}
	return d.members[name][member] ||
		slices.ContainsFunc(d.embedded[name], func(inner string) bool { return d.has(inner, member) })
}

// typeName returns the name of a type without pointers and parameters.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Links inside the repository lead to files, and to headings.
func TestLinks(t *testing.T) {
	docs := documents(t)
	for path, d := range docs {
		for i, line := range d.prose {
			for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, "``"), -1) {
				if strings.Contains(m[1], ":") {
					continue // another site
				}
				file, heading, _ := strings.Cut(m[1], "#")
				target := path
				if file != "" {
					target = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
				}
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s:%d: the link %s leads nowhere", path, i+1, m[1])
				} else if heading != "" && !slices.ContainsFunc(docs[target].prose, func(l string) bool { return slug(l) == heading }) {
					t.Errorf("%s:%d: the link %s leads to no heading", path, i+1, m[1])
				}
			}
		}
	}
}

// slug is the anchor that GitHub gives to a heading, "" to other lines.
func slug(line string) string {
	text := strings.TrimLeft(line, "#")
	if text == line {
		return ""
	}
	return strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), ""), " ", "-")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
