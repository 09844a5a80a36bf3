package compile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// What the go command says of a program: its packages, and where it looks for things.
// A Listing is made by one run of `go list` that builds nothing; what it costs is what
// the go command needs to read a program in any case.

// A Listing is the packages of a program.
type Listing struct {
	dir      string
	flags    []string
	env      goEnv
	packages []*listed // imported before importing, without the variants that tests make
	used     map[string]bool
	tests    bool // the files of tests are part of it
}

// listed is a package, as the go command has it.
type listed struct {
	ImportPath, Name, Dir, ForTest string
	DepOnly, Standard              bool
	Module                         *GoModule
	GoFiles, CgoFiles              []string
	TestGoFiles, XTestGoFiles      []string
	Imports                        []string
	TestImports, XTestImports      []string
	ImportMap                      map[string]string
	Export                         string
	Error                          *struct{ Err string }
}

// A GoModule is a module, as the go command has it.
type GoModule struct {
	Path, Version, Dir, GoMod, GoVersion string
	Main                                 bool
	Replace                              *GoModule
}

// listedFields are those that a Listing asks for: others cost the go command more.
const listedFields = "ImportPath,Name,Dir,ForTest,DepOnly,Standard,Module,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,ImportMap,Error"

// List reads which packages patterns name and what they import, for the go command's
// flags. With tests, the files of the tests of the named packages are part of it.
func List(dir string, flags, patterns []string, tests bool) (*Listing, error) {
	type result struct {
		env goEnv
		err error
	}
	env := make(chan result, 1)
	go func() {
		e, err := readEnv(dir)
		env <- result{e, err}
	}()
	args := []string{"-e", "-deps", "-buildvcs=false", "-json=" + listedFields}
	if tests {
		args = append(args, "-test")
	}
	list, err := goList(dir, append(append(args, flags...), append([]string{"--"}, patterns...)...))
	got := <-env
	if err == nil {
		err = got.err
	}
	if err != nil {
		return nil, err
	}
	ls := &Listing{dir: dir, flags: flags, env: got.env, used: map[string]bool{}, tests: tests}
	named := false
	for _, q := range list {
		if q.Error != nil {
			return nil, fmt.Errorf("%w: %s", ErrBroken, q.Error.Err)
		}
		if q.ForTest != "" || strings.HasSuffix(q.ImportPath, ".test") && q.Name == "main" {
			continue
		}
		named = named || !q.DepOnly
		ls.packages = append(ls.packages, q)
		ls.used[q.ImportPath] = q.ImportPath != abiPath && (q.ImportPath == fiberPath || ls.anyUsed(q.Imports))
	}
	if !named {
		return nil, fmt.Errorf("no packages match %s", strings.Join(patterns, " "))
	}
	// What uses it in its tests alone does not make those use it that import it.
	late := map[string]bool{}
	for _, q := range ls.packages {
		if ls.tested(q) && q.ImportPath != abiPath && (ls.anyUsed(q.TestImports) || ls.anyUsed(q.XTestImports)) {
			late[q.ImportPath] = true
		}
	}
	for path := range late {
		ls.used[path] = true
	}
	ls.addOwn()
	return ls, nil
}

// addOwn adds the packages of the main modules that have nothing to do with fibers but are
// imported by those that do: their iterators, and what else they are handed to call, may
// wait all the same.
func (ls *Listing) addOwn() {
	own := map[string]bool{}
	for _, q := range slices.Backward(ls.packages) {
		if !own[q.ImportPath] && !ls.used[q.ImportPath] {
			continue
		}
		own[q.ImportPath] = own[q.ImportPath] && q.Module != nil && q.Module.Main && q.ImportPath != abiPath
		if own[q.ImportPath] || ls.used[q.ImportPath] {
			for _, path := range q.Imports {
				own[path] = true
			}
		}
	}
	for _, q := range ls.packages {
		// There is one package of a path, whoever imports it.
		if own[q.ImportPath] || slices.ContainsFunc(q.Imports, func(path string) bool { return own[path] }) {
			own[q.ImportPath], ls.used[q.ImportPath] = true, true
		}
	}
}

// listStandard is List for packages of the standard library, all of which are compiled.
func listStandard(dir string, flags []string, env goEnv, paths []string) (*Listing, error) {
	args := append([]string{"-deps", "-json=" + listedFields}, flags...)
	list, err := goList(dir, append(append(args, "--"), paths...))
	if err != nil {
		return nil, err
	}
	ls := &Listing{dir: dir, flags: flags, env: env, packages: list, used: map[string]bool{}}
	for _, path := range paths {
		ls.used[path] = true
	}
	return ls, nil
}

// Split takes package fiber/abi, which the standard library imports once it is compiled, from
// what patterns name: its test would import itself. If they name it, what is left is the
// other packages by their paths.
func (ls *Listing) Split(patterns []string) (rest, apart []string) {
	for _, q := range ls.packages {
		switch {
		case q.DepOnly:
		case q.ImportPath == abiPath:
			apart = append(apart, abiPath)
		default:
			rest = append(rest, q.ImportPath)
		}
	}
	if apart == nil {
		return patterns, nil
	}
	return rest, apart
}

// Empty reports whether nothing in the program can have to do with fibers.
func (ls *Listing) Empty() bool { return !ls.anyUsed(slices.Collect(ls.paths())) }

func (ls *Listing) paths() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, q := range ls.packages {
			if !yield(q.ImportPath) {
				return
			}
		}
	}
}

func (ls *Listing) anyUsed(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return ls.used[path] })
}

// tested reports whether the tests of a package are part of the program.
func (ls *Listing) tested(q *listed) bool { return ls.tests && !q.DepOnly }

// exports returns the files of export data of what used packages import and are not
// themselves, by import path. The go command builds what it has not built before.
func (ls *Listing) exports() (map[string]string, error) {
	need := map[string]bool{}
	for _, q := range ls.packages {
		if !ls.used[q.ImportPath] {
			continue
		}
		imports := q.Imports
		if ls.tested(q) {
			imports = slices.Concat(imports, q.TestImports, q.XTestImports)
		}
		for _, path := range imports {
			if !ls.used[path] && path != "C" && path != "unsafe" {
				need[path] = true
			}
		}
	}
	files := map[string]string{}
	if len(need) == 0 {
		return files, nil
	}
	args := append([]string{"-e", "-export", "-buildvcs=false", "-json=ImportPath,Export,Error"}, ls.flags...)
	args = append(args, "--")
	for path := range need {
		args = append(args, path)
	}
	slices.Sort(args[len(args)-len(need):])
	list, err := goList(ls.dir, args)
	if err != nil {
		return nil, err
	}
	for _, q := range list {
		if q.Export == "" {
			return nil, fmt.Errorf("%w: no export data of %s", ErrBroken, q.ImportPath)
		}
		files[q.ImportPath] = q.Export
	}
	return files, nil
}

// Key names all that the generated files depend on but fiberc itself: what the go command
// says of the packages, and what is in their files. Those of the module cache and of Go
// itself never change.
func (ls *Listing) Key() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %t\n", ls.env, ls.flags, ls.tests)
	for _, q := range ls.packages {
		if q.Standard {
			continue
		}
		text, err := json.Marshal(q)
		if err != nil {
			return "", err
		}
		h.Write(text)
		if ls.env.cached(q.Dir) {
			continue
		}
		files := slices.Concat(q.GoFiles, q.CgoFiles)
		if ls.tested(q) {
			files = slices.Concat(files, q.TestGoFiles, q.XTestGoFiles)
		}
		for _, name := range files {
			if err := hashFile(h, filepath.Join(q.Dir, name)); err != nil {
				return "", err
			}
		}
	}
	for _, name := range []string{ls.env.mod, ls.env.work} {
		// Of no module or no workspace there is nothing to read.
		if err := hashFile(h, name); err != nil && name == ls.env.mod && ls.env.inModule() {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

func hashFile(h io.Writer, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "\n%s %d\n", name, len(text))
	_, err = h.Write(text)
	return err
}

// goList runs go list. What it refuses as a whole, the go command says better when it is
// asked for what the user wants.
func goList(dir string, args []string) ([]*listed, error) {
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("%w: go list: %s", ErrBroken, strings.TrimSpace(errs.String()))
		}
		return nil, err
	}
	var list []*listed
	for dec := json.NewDecoder(&out); ; {
		q := &listed{}
		if err := dec.Decode(q); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, q)
	}
}

// goEnv is what the go command says of its surroundings.
type goEnv struct{ modCache, work, mod, version, root, os, arch, experiment, cgo string }

func readEnv(dir string) (goEnv, error) {
	cmd := exec.Command("go", "env", "GOMODCACHE", "GOWORK", "GOMOD", "GOVERSION", "GOROOT", "GOOS", "GOARCH", "GOEXPERIMENT", "CGO_ENABLED")
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return goEnv{}, fmt.Errorf("go env: %s", strings.TrimSpace(string(exit.Stderr)))
	case err != nil:
		return goEnv{}, err
	}
	v := strings.Split(string(out)+strings.Repeat("\n", 9), "\n")
	return goEnv{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]}, nil
}

// cached reports whether a path lies in the module cache.
func (e goEnv) cached(path string) bool {
	return e.modCache != "" && strings.HasPrefix(path, e.modCache+string(filepath.Separator))
}

// inModule reports whether there is a go.mod.
func (e goEnv) inModule() bool { return e.mod != "" && e.mod != os.DevNull }
