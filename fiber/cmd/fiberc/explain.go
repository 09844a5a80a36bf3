package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/heddle-go/heddle/fiber/cmd/fiberc/internal/compile"
)

// explain prints what becomes of the functions of the named packages that may park.
func (inv *invocation) explain() (int, error) {
	p, err := compile.Load("", inv.build, inv.packages)
	if errors.Is(err, compile.ErrBroken) {
		return goCommand(append(append([]string{"build", "-o", os.DevNull}, inv.build...), inv.packages...)...)
	}
	if err != nil {
		return 1, err
	}
	p.Analyze()
	if _, err := p.Compile(); err != nil {
		return 1, err
	}
	list := p.Explain()
	if inv.json {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "\t")
		return 0, enc.Encode(list)
	}
	for _, r := range list {
		switch {
		case r.Reached:
			fmt.Printf("%s: %s: compiled, %d bytes of frame\n", r.Pos, r.Func, r.FrameBytes)
		default:
			fmt.Printf("%s: %s: on a stack: %s (%s)\n", r.Pos, r.Func, r.Reason, r.ReasonPos)
		}
		for _, pt := range r.Parks {
			fmt.Printf("\t%s may park in %s\n", pt.Pos, pt.Callee)
		}
	}
	return 0, nil
}
