package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/heddle-go/heddle/fiber/cmd/fiberc/internal/vet"
)

// fiberc vet is two runs of go vet: a plain one, and one whose tool is fiberc itself.
// The analyzers of the Go release stay those of the user's go command that way, instead
// of the versions that fiberc happened to be linked with, and facts, test variants,
// caching and -json are the go command's business.
//
// Unlike build, run and test it uses no overlay: the generated bodies say the same twice,
// their positions are not the user's, and what they do is the compiler's to get right.

// isVetTool reports whether the go command calls fiberc as its vet tool: with -V=full,
// -flags, or flags and the description of a package. The commands of fiberc are words.
func isVetTool(args []string) bool {
	if len(args) == 0 {
		return false
	}
	return strings.HasPrefix(args[0], "-V") || args[0] == "-flags" || strings.HasSuffix(args[len(args)-1], ".cfg")
}

// vetTool is fiberc as the go command's vet tool. It does not return.
func vetTool() { unitchecker.Main(vet.Analyzers...) }

// goVet runs both vets and returns the greater exit code.
func goVet(args []string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	theirs, ours, err := splitVetFlags(args)
	if err != nil {
		return 2, err
	}
	var said bytes.Buffer
	code, err := runGo(io.MultiWriter(os.Stderr, &said), append([]string{"vet"}, theirs...)...)
	if err != nil {
		return 1, err
	}
	var errs bytes.Buffer
	second, err := runGo(&errs, append([]string{"vet", "-vettool=" + self}, ours...)...)
	io.WriteString(os.Stderr, unsaid(said.String(), errs.String()))
	return max(code, second), err
}

// splitVetFlags sorts a command line into that of the plain run and that of ours: the
// flags of fiberc's analyzers are unknown to go vet, and its own to fiberc's tool. All
// others are for both.
func splitVetFlags(args []string) (theirs, ours []string, err error) {
	mine := map[string]bool{}
	for _, a := range vet.Analyzers {
		mine[a.Name] = true
	}
	var native map[string]bool
	for i := 0; i < len(args); i++ {
		a := args[i]
		if !strings.HasPrefix(a, "-") || a == "-" || a == "--" {
			return append(theirs, args[i:]...), append(ours, args[i:]...), nil
		}
		name, _, has := strings.Cut(strings.TrimLeft(a, "-"), "=")
		analyzer, _, _ := strings.Cut(name, ".")
		if mine[analyzer] {
			ours = append(ours, a)
			continue
		}
		flag := []string{a}
		if native == nil {
			if native, err = nativeVetFlags(); err != nil {
				return nil, nil, err
			}
		}
		bool, known := native[name]
		if !has && (takesValue[name] && !known || known && !bool) {
			if i++; i == len(args) {
				return nil, nil, fmt.Errorf("flag needs an argument: %s", a)
			}
			flag = append(flag, args[i])
		}
		theirs = append(theirs, flag...)
		if name != "vettool" && (!known || slices.Contains([]string{"json", "c", "fix", "diff"}, name)) {
			ours = append(ours, flag...)
		}
	}
	return theirs, ours, nil
}

// nativeVetFlags returns the flags of the go command's own vet tool, and which of them
// are boolean.
func nativeVetFlags() (map[string]bool, error) {
	out, err := exec.Command("go", "tool", "vet", "-flags").Output()
	if err != nil {
		return nil, fmt.Errorf("go tool vet -flags: %w", err)
	}
	var list []struct {
		Name string
		Bool bool
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("go tool vet -flags: %w", err)
	}
	flags := map[string]bool{}
	for _, f := range list {
		flags[f.Name] = f.Bool
	}
	return flags, nil
}

// unsaid returns what the second run printed and the first did not: a program that does
// not type-check has the same errors twice. Headings ("# package") stay if something
// follows them.
func unsaid(first, second string) string {
	said := map[string]bool{}
	for line := range strings.Lines(first) {
		said[strings.TrimPrefix(line, "vet: ")] = true
	}
	var out, heads strings.Builder
	for line := range strings.Lines(second) {
		switch {
		case strings.HasPrefix(line, "# "):
			heads.WriteString(line)
		case !said[strings.TrimPrefix(line, "vet: ")]:
			out.WriteString(heads.String() + line)
			heads.Reset()
		}
	}
	return out.String()
}
