package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
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
	apart    []string // packages whose tests are built as they stand
	rest     []string // behind the packages: arguments of the program or of the tests
	keep     string
	chaos    uint32 // test only: see compile.LoadChaos
	json     bool
	test     bool // explain: the files of tests too
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

// unknown reports whether an argument is a flag that says nothing of what is built.
func (inv *invocation) unknown(arg string) bool {
	return strings.HasPrefix(arg, "-") && !slices.Contains(inv.build, arg)
}

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
		case "cover", "covermode", "coverpkg", "coverprofile":
			return nil, fmt.Errorf("-%s cannot be used: lines of generated files would be counted; measure without fiberc", name)
		case "overlay":
			return nil, errors.New("-overlay cannot be used: fiberc has one of its own")
		case "json":
			if command == "explain" {
				inv.json = true
				continue
			}
		case "test":
			if command == "explain" {
				inv.test = true
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
	if command == "test" {
		inv.findBuilds()
	}
	return inv, nil
}

// findBuilds finds the flags behind the packages that say what is built: go test takes
// flags there too.
func (inv *invocation) findBuilds() {
	for i := 0; i < len(inv.rest); i++ {
		name, _, has := strings.Cut(strings.TrimLeft(inv.rest[i], "-"), "=")
		if name == "args" {
			return
		}
		flag := inv.rest[i : i+1]
		if !has && takesValue[name] && i+1 < len(inv.rest) {
			flag = inv.rest[i : i+2]
			i++
		}
		if builds[name] {
			inv.build = append(inv.build, flag...)
		}
	}
}

// files reports whether the package is named by its files.
func (inv *invocation) files() bool {
	return len(inv.packages) > 0 && strings.HasSuffix(inv.packages[0], ".go")
}

// run compiles the program and has the go command do the rest.
func (inv *invocation) run() (int, error) {
	plain := slices.Concat([]string{inv.command}, inv.flags, inv.packages, inv.rest)
	d, err := inv.overlay()
	if errors.Is(err, compile.ErrBroken) {
		code, goErr := goCommand(plain...) // it says what is wrong
		if code == 0 && goErr == nil {
			fmt.Fprintln(os.Stderr, "fiberc: this was built as it stands:", err)
		}
		return code, goErr
	}
	if err != nil {
		return 1, err
	}
	if d.Overlay == "" {
		return goCommand(plain...)
	}
	packages := inv.packages
	if inv.files() {
		packages = append(packages, d.beside(packages[0])...)
	}
	first := 0
	if len(inv.apart) > 0 {
		// What io would import in its own test is tested as it stands.
		if first, err = goCommand(slices.Concat([]string{"test"}, inv.flags, inv.apart, inv.rest)...); err != nil || len(packages) == 0 {
			return first, err
		}
	}
	code, err := goCommand(slices.Concat([]string{inv.command, "-overlay=" + d.Overlay}, inv.flags, packages, inv.rest)...)
	return max(code, first), err
}

// chaosOverlay is overlay for packages that have nothing to do with fibers.
func (inv *invocation) chaosOverlay() (d decision, err error) {
	base, err := compile.CacheDir()
	if err != nil {
		return d, err
	}
	p, err := compile.LoadChaos("", inv.build, inv.packages, inv.chaos)
	if err != nil {
		return d, err
	}
	p.Analyze()
	out, err := p.Compile()
	if err != nil {
		return d, err
	}
	if err := (&cache{base: base}).store(&d, out); err != nil {
		return d, err
	}
	inv.link(compile.ChaosEvery(inv.chaos))
	if inv.keep != "" {
		err = d.keep(inv.keep)
	}
	return d, err
}

// link adds to what the linker is told.
func (inv *invocation) link(flag string) {
	for i, f := range inv.flags {
		switch name, _, has := strings.Cut(strings.TrimLeft(f, "-"), "="); {
		case name == "ldflags" && has:
			inv.flags[i] += " " + flag
			return
		case name == "ldflags" && i+1 < len(inv.flags):
			inv.flags[i+1] += " " + flag
			return
		}
	}
	inv.flags = append([]string{"-ldflags=" + flag}, inv.flags...)
}

// overlay returns what is made of the program, with no overlay file if there is nothing to
// compile in it. What was made for the very same files is used again.
func (inv *invocation) overlay() (d decision, err error) {
	if inv.chaos > 0 {
		return inv.chaosOverlay()
	}
	ls, err := compile.List("", inv.build, inv.packages, inv.command == "test")
	if err != nil || ls.Empty() {
		return d, err
	}
	cache, err := openCache(ls)
	if err != nil {
		return d, err
	}
	d, ok := cache.find()
	if !ok {
		if d, err = cache.make(ls); err != nil {
			return d, err
		}
	}
	if inv.command == "test" {
		inv.packages, inv.apart = ls.Split(inv.packages)
	}
	if inv.keep != "" {
		err = d.keep(inv.keep)
	}
	return d, err
}
