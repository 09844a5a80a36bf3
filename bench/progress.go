package main

import (
	"fmt"
	"io"
	"os"
)

// progress is the line that says what goes on while nothing is printed. It is
// rewritten in place, and silent unless it goes to a terminal.
type progress struct {
	to       io.Writer
	terminal bool
}

func newProgress(to io.Writer) *progress {
	p := &progress{to: to}
	if f, ok := to.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) say(format string, values ...any) {
	if p.terminal {
		fmt.Fprintf(p.to, "\r\033[K"+format, values...)
	}
}

// clear makes room for other output.
func (p *progress) clear() { p.say("") }

// complain prints a line that stays, terminal or not.
func (p *progress) complain(line string) {
	p.clear()
	fmt.Fprintln(p.to, "!!! "+line)
}
