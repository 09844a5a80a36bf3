package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/heddle-go/heddle/"

// below says what each layer may import of the module, apart from itself. Packages
// that are for tests only (…test) may import anything below httpfw.
var below = map[string][]string{
	"codec":   nil,
	"fiber":   nil,
	"netpoll": {"fiber"},
	"httpfw":  {"netpoll", "fiber", "codec"},
}

// allowed says what a layer may import besides the standard library and the module.
var allowed = map[string][]string{
	"netpoll": {"golang.org/x/sys/unix", "github.com/valyala/bytebufferpool", "github.com/panjf2000/gnet/v2"},
	"httpfw":  {"github.com/valyala/bytebufferpool"},
}

// Imports point downwards only.
func TestLayers(t *testing.T) {
	for layer, lower := range below {
		files := 0
		err := filepath.WalkDir(filepath.Join("..", layer), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
					return filepath.SkipDir // a module of its own
				}
				return nil
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			files++
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range f.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				if !mayImport(layer, lower, name) {
					t.Errorf("%s imports %s", path, name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if files == 0 {
			t.Errorf("no files in %s", layer)
		}
	}
}

func mayImport(layer string, lower []string, name string) bool {
	if inner, ok := strings.CutPrefix(name, module); ok {
		top, _, _ := strings.Cut(inner, "/")
		if top == layer {
			return true
		}
		for _, l := range lower {
			if top == l {
				return true
			}
		}
		return false
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	for _, a := range allowed[layer] {
		if name == a || strings.HasPrefix(name, a+"/") {
			return true
		}
	}
	return false
}
