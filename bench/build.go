package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/heddle-go/heddle/bench/roster"
)

// builder builds commands into a folder, each package once with each compiler.
type builder struct {
	folder   string
	built    map[source]built
	compiler built // fiberc, once it was asked for
}

// source is what a command is built from and how.
type source struct {
	importPath string
	compiled   bool
	dir        string // where, "" for here
}

type built struct {
	file string
	err  error
}

// build returns the executable of a package, built by fiberc if it is to be compiled.
func (b *builder) build(ctx context.Context, s source) (string, error) {
	if known, found := b.built[s]; found {
		return known.file, known.err
	}
	tool := "go"
	if s.compiled {
		var err error
		if tool, err = b.fiberc(ctx); err != nil {
			return "", err
		}
	}
	// Not named after the package: two of them may have the same last name.
	file := filepath.Join(b.folder, "server"+strconv.Itoa(len(b.built)))
	command := exec.CommandContext(ctx, tool, "build", "-o", file, s.importPath)
	command.Dir = s.dir
	dieWithParent(command)
	output, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s cannot be built: %s", s.importPath, reason(output, err))
	}
	if b.built == nil {
		b.built = map[source]built{}
	}
	b.built[s] = built{file, err}
	return file, err
}

// fiberc returns the executable of the compiler, which is built from this repository: a
// module of its own beside the work space.
func (b *builder) fiberc(ctx context.Context) (string, error) {
	if b.compiler != (built{}) {
		return b.compiler.file, b.compiler.err
	}
	file := filepath.Join(b.folder, "fiberc")
	root, err := repository(ctx)
	if err == nil {
		command := exec.CommandContext(ctx, "go", "build", "-o", file, ".")
		command.Dir = filepath.Join(root, "fiber", "cmd", "fiberc")
		command.Env = append(os.Environ(), "GOWORK=off")
		dieWithParent(command)
		var output []byte
		if output, err = command.CombinedOutput(); err != nil {
			err = fmt.Errorf("fiberc cannot be built: %s", reason(output, err))
		}
	}
	b.compiler = built{file, err}
	return file, err
}

// repository returns the folder of the module that is measured.
func repository(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/heddle-go/heddle")
	dieWithParent(command)
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("the folder of the repository: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}

// reason is the first line of output that says something.
func reason(output []byte, err error) string {
	for line := range strings.Lines(string(output)) {
		// "# package" only heads the errors of a package.
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			return strings.TrimSuffix(line, "; to add it:")
		}
	}
	return err.Error()
}

// entrant is a server with its executables.
type entrant struct {
	roster.Server
	hello, slow string // slow is empty if the server has none that can be built
}

// entrants builds the servers and says of each that cannot be which it is and why.
func (b *builder) entrants(ctx context.Context, servers []roster.Server) (found []entrant, skipped []string) {
	for _, s := range servers {
		hello, err := b.build(ctx, source{s.Hello.Package, s.Hello.Compiled, s.Hello.Dir})
		if err != nil {
			skipped = append(skipped, fmt.Sprintf("skipped %s: %v", s.Name, err))
			continue
		}
		e := entrant{Server: s, hello: hello}
		if s.Slow.Package != "" {
			if e.slow, err = b.build(ctx, source{s.Slow.Package, s.Slow.Compiled, s.Slow.Dir}); err != nil {
				e.slow = ""
				skipped = append(skipped, fmt.Sprintf("skipped %s in parkmem and stall: %v", s.Name, err))
			}
		}
		found = append(found, e)
	}
	return found, skipped
}
