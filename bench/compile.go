package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// The scenario compile has no server: it builds the examples, with go build and with
// fiberc in turn, in a copy of their module. What they import is in the cache from a
// build before. Once nothing has changed since then, so that go build only links; once
// every command has: it has one constant more.
const (
	byGo     = "go build"
	byFiberc = "fiberc build"
	edited   = ", edited"
	wallTime = "wall time"
	cpuTime  = "CPU time"
)

func compile(ctx context.Context, d *driver, o *Outcome) {
	if err := d.compileAll(ctx, o); err != nil && ctx.Err() == nil {
		d.problem(o.Scenario, byFiberc, "%v", err)
	}
	d.progress.clear()
	o.table = Table{Header: []string{"how", wallTime, "of go build", cpuTime, "of go build"}}
	for i := range o.Series {
		s := &o.Series[i]
		rival := o.Series[i&^1].Server // they come in pairs
		o.table.Rows = append(o.table.Rows, []string{s.Server,
			spreadCell(s.spread(wallTime), duration), rivalCell(o, s, rival, wallTime),
			spreadCell(s.spread(cpuTime), duration), rivalCell(o, s, rival, cpuTime)})
	}
}

func (d *driver) compileAll(ctx context.Context, o *Outcome) error {
	tools := builder{folder: d.folder}
	fiberc, err := tools.fiberc(ctx)
	if err != nil {
		return err
	}
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	module := filepath.Join(d.folder, "examples")
	if err := os.CopyFS(module, os.DirFS(filepath.Join(root, "examples"))); err != nil {
		return err
	}
	if _, err := inModule(ctx, module, "go", "mod", "edit", "-replace", "github.com/heddle-go/heddle="+root); err != nil {
		return err
	}
	commands, err := filepath.Glob(filepath.Join(module, "*", "main.go"))
	if err != nil {
		return err
	}
	var series []Series
	for _, state := range []string{"", edited} {
		series = append(series, Series{Server: byGo + state}, Series{Server: byFiberc + state})
	}
	for round := range d.Builds + 1 {
		d.progress.say("compile: %d of %d ", round, d.Builds)
		for i := range series {
			if i == 2 {
				for _, file := range commands {
					text := fmt.Sprintf("package main\n\nconst benchRound = %d\n", round+os.Getpid()<<8)
					if err := os.WriteFile(filepath.Join(filepath.Dir(file), "zz_bench.go"), []byte(text), 0o666); err != nil {
						return err
					}
				}
			}
			tool := "go"
			if i%2 == 1 {
				tool = fiberc
			}
			out, err := os.MkdirTemp(d.folder, "built")
			if err != nil {
				return err
			}
			// Executables that are there already would not be linked again.
			began := time.Now()
			cpu, err := inModule(ctx, module, tool, "build", "-o", out+string(filepath.Separator), "./...")
			wall := time.Since(began)
			os.RemoveAll(out)
			if err != nil {
				return err
			}
			if round > 0 { // the first fills the caches
				series[i].add(wallTime, float64(wall))
				series[i].add(cpuTime, float64(cpu))
			}
		}
	}
	o.Series = series
	return nil
}

// inModule runs a command in a module of no work space, and returns the CPU time of it
// and of all that it started.
func inModule(ctx context.Context, folder, tool string, arguments ...string) (time.Duration, error) {
	command := exec.CommandContext(ctx, tool, arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOWORK=off")
	dieWithParent(command)
	if output, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s %s: %s", filepath.Base(tool), arguments[0], reason(output, err))
	}
	return command.ProcessState.UserTime() + command.ProcessState.SystemTime(), nil
}
