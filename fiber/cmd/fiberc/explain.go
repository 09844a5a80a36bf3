package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/heddle-go/heddle/fiber/cmd/fiberc/internal/compile"
)

// explain prints what becomes of the routes and fibers of the named packages.
func (inv *invocation) explain() (int, error) {
	for _, f := range inv.flags {
		if inv.unknown(f) {
			return 2, fmt.Errorf("explain has no flag %s: want -json, -test, -keep or those that say what is built", f)
		}
	}
	ls, err := compile.List("", inv.build, inv.packages, inv.test)
	var p *compile.Program
	if err == nil {
		p, err = ls.Load()
	}
	if errors.Is(err, compile.ErrBroken) {
		return inv.complain(err)
	}
	if err != nil {
		return 1, err
	}
	p.Analyze()
	if _, err := p.Compile(); err != nil {
		return 1, err
	}
	e := compile.Explanation{Starts: p.ExplainStarts(), Functions: p.Explain()}
	if inv.json {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "\t")
		return 0, enc.Encode(e)
	}
	dir, _ := os.Getwd() // positions stay long without it
	for _, s := range e.Starts {
		printStart(s, func(pos string) string { return strings.TrimPrefix(pos, dir+string(filepath.Separator)) })
	}
	if len(e.Starts) == 0 {
		fmt.Fprintln(os.Stderr, "fiberc: the named packages add no routes and start no fibers")
	}
	return 0, nil
}

// complain has the go command say what is wrong with a program that cannot be explained.
func (inv *invocation) complain(cause error) (int, error) {
	args := append([]string{"build", "-o", os.DevNull}, inv.build...)
	if inv.test {
		args = append([]string{"vet"}, inv.build...)
	}
	code, err := goCommand(append(args, inv.packages...)...)
	if code == 0 && err == nil {
		return 1, cause
	}
	return code, err
}

// printStart prints one, with positions as short spells them.
func printStart(s compile.Start, short func(string) string) {
	fmt.Printf("%s (%s): ", s.Title, short(s.Pos))
	if s.Func != "" {
		fmt.Printf("%s: ", s.Func)
	}
	switch s.State {
	case "compiled":
		fmt.Printf("compiled, %d bytes in %d frames", s.FrameBytes, s.Depth)
		if s.Cycle {
			fmt.Print(" and more in a cycle of calls")
		}
	case "stack":
		fmt.Printf("on a stack: %s (%s)", s.Reason, short(s.ReasonPos))
	case "unknown":
		fmt.Print("its handler is not known from the source")
	default:
		fmt.Print(s.State)
	}
	if s.Blocks {
		fmt.Print(", calls Block")
	}
	fmt.Println()
	for _, pt := range s.Parks {
		fmt.Printf("\t%s may park in %s\n", short(pt.Pos), pt.Callee)
	}
	for _, f := range s.OnStack {
		fmt.Printf("\t%s is on a stack: %s (%s)\n", f.Func, f.Reason, short(f.ReasonPos))
	}
	for _, m := range s.Middleware {
		if m.Reason != "" {
			fmt.Printf("\tmiddleware %s is on a stack: %s (%s)\n", m.Func, m.Reason, short(m.ReasonPos))
		}
	}
	if s.UnknownMiddleware > 0 {
		fmt.Printf("\t%d of its middlewares are not known from the source\n", s.UnknownMiddleware)
	}
}
