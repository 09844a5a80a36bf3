package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/heddle-go/heddle/fiber/cmd/fiberc/internal/compile"
)

// An invocation is a command line, taken apart as far as fiberc must know it.
type invocation struct {
	command  string
	flags    []string // the go command's, all before the packages
	build    []string // those of them that loading packages understands
	packages []string
	rest     []string // behind the packages: arguments of the program or of the tests
	keep     string
	chaos    uint32 // test only: see compile.LoadChaos
	json     bool
}

// takesValue are the go command's flags whose value may be the next argument.
var takesValue = map[string]bool{
	"o": true, "p": true, "C": true, "tags": true, "mod": true, "modfile": true, "ldflags": true,
	"gcflags": true, "asmflags": true, "gccgoflags": true, "buildmode": true, "compiler": true,
	"pkgdir": true, "toolexec": true, "overlay": true, "exec": true, "installsuffix": true,
	"covermode": true, "coverpkg": true, "coverprofile": true, "pgo": true, "buildvcs": false,
	"run": true, "bench": true, "benchtime": true, "count": true, "cpu": true, "timeout": true,
	"parallel": true, "skip": true, "fuzz": true, "fuzztime": true, "vet": true, "list": true,
	"blockprofile": true, "cpuprofile": true, "memprofile": true, "memprofilerate": true,
	"mutexprofile": true, "mutexprofilefraction": true, "outputdir": true, "trace": true,
	"shuffle": true, "vettool": true, "asan": false,
}

// builds are the flags that say what is built.
var builds = map[string]bool{"tags": true, "mod": true, "modfile": true, "race": true, "compiler": true, "msan": true, "asan": true}

func parse(command string, args []string) (*invocation, error) {
	inv := &invocation{command: command}
	for i := 0; i < len(args); i++ {
		a := args[i]
		if !strings.HasPrefix(a, "-") || a == "-" {
			inv.packages = args[i:]
			break
		}
		name, value, has := strings.Cut(strings.TrimLeft(a, "-"), "=")
		flag := []string{a}
		if !has && (takesValue[name] || name == "keep" || name == "chaos") {
			if i+1 == len(args) {
				return nil, fmt.Errorf("flag needs an argument: %s", a)
			}
			i++
			value = args[i]
			flag = append(flag, value)
		}
		switch name {
		case "keep":
			inv.keep = value
			continue
		case "chaos":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil || n == 0 || command != "test" {
				return nil, fmt.Errorf("-chaos is of fiberc test, and wants a number from 1: every how many statements park, not %q", value)
			}
			inv.chaos = uint32(n)
			continue
		case "overlay":
			return nil, errors.New("-overlay cannot be used: fiberc has one of its own")
		case "json":
			if command == "explain" {
				inv.json = true
				continue
			}
		case "C":
			// It would have to come first in every call of the go command.
			if err := os.Chdir(value); err != nil {
				return nil, err
			}
			continue
		case "args":
			inv.rest = args[i:]
			inv.flags = append(inv.flags, inv.rest...)
			return inv, nil
		}
		inv.flags = append(inv.flags, flag...)
		if builds[name] {
			inv.build = append(inv.build, flag...)
		}
	}
	// go run takes one package, or files; go test stops at the first flag.
	for i, p := range inv.packages {
		if command == "run" && i > 0 && !(strings.HasSuffix(p, ".go") && strings.HasSuffix(inv.packages[0], ".go")) ||
			strings.HasPrefix(p, "-") {
			inv.packages, inv.rest = inv.packages[:i], inv.packages[i:]
			break
		}
	}
	if inv.packages == nil {
		inv.packages = []string{"."}
	}
	return inv, nil
}

func (inv *invocation) load() (*compile.Program, error) {
	if inv.chaos > 0 {
		return compile.LoadChaos("", inv.build, inv.packages, inv.chaos)
	}
	return compile.Load("", inv.build, inv.packages)
}

// run compiles the program and has the go command do the rest.
func (inv *invocation) run() (int, error) {
	plain := append(append(append([]string{inv.command}, inv.flags...), inv.packages...), inv.rest...)
	p, err := inv.load()
	if errors.Is(err, compile.ErrBroken) {
		return goCommand(plain...) // it says what is wrong
	}
	if err != nil {
		return 1, err
	}
	p.Analyze()
	out, err := p.Compile()
	if err != nil {
		return 1, err
	}
	if len(out) == 0 {
		return goCommand(plain...)
	}
	base, err := compile.CacheDir()
	if err != nil {
		return 1, err
	}
	if out, err = p.Relocate(out, filepath.Join(base, "mod")); err != nil {
		return 1, err
	}
	overlay, err := inv.store(out, base)
	if err != nil {
		return 1, err
	}
	args := append([]string{inv.command, "-overlay=" + overlay}, inv.flags...)
	return goCommand(append(append(args, inv.packages...), inv.rest...)...)
}

// store writes generated files to the cache, under names made of their contents, so that
// the go command's own cache works, and returns the name of the overlay file.
func (inv *invocation) store(out compile.Output, base string) (string, error) {
	write := func(ext string, text []byte) (string, error) {
		name := filepath.Join(base, fmt.Sprintf("%x%s", sha256.Sum256(text), ext))
		return name, compile.Store(name, text)
	}
	replace := map[string]string{}
	for path, text := range out {
		name, err := write(".go", text)
		if err != nil {
			return "", err
		}
		replace[path] = name
		if inv.keep != "" {
			to := filepath.Join(inv.keep, filepath.Base(filepath.Dir(path)), filepath.Base(path))
			if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
				return "", err
			}
			if err := os.WriteFile(to, text, 0o666); err != nil {
				return "", err
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	return write(".json", text)
}
