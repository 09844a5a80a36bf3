package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/heddle-go/heddle/bench/roster"
)

// builder builds commands into a folder, each package once.
type builder struct {
	folder string
	built  map[string]built // by import path
}

type built struct {
	file string
	err  error
}

// build returns the executable of a package.
func (b *builder) build(ctx context.Context, importPath string) (string, error) {
	if known, found := b.built[importPath]; found {
		return known.file, known.err
	}
	// Not named after the package: two of them may have the same last name.
	file := filepath.Join(b.folder, "server"+strconv.Itoa(len(b.built)))
	command := exec.CommandContext(ctx, "go", "build", "-o", file, importPath)
	dieWithParent(command)
	output, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s cannot be built: %s", importPath, reason(output, err))
	}
	if b.built == nil {
		b.built = map[string]built{}
	}
	b.built[importPath] = built{file, err}
	return file, err
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
		hello, err := b.build(ctx, s.Hello.Package)
		if err != nil {
			skipped = append(skipped, fmt.Sprintf("skipped %s: %v", s.Name, err))
			continue
		}
		e := entrant{Server: s, hello: hello}
		if s.Slow.Package != "" {
			if e.slow, err = b.build(ctx, s.Slow.Package); err != nil {
				e.slow = ""
				skipped = append(skipped, fmt.Sprintf("skipped %s in parkmem and stall: %v", s.Name, err))
			}
		}
		found = append(found, e)
	}
	return found, skipped
}
