// Command bench measures Heddle against its rivals:
//
//	go run ./bench            the full run, under 10 minutes
//	go run ./bench -quick     under 2 minutes
//	go run ./bench -only keepalive,idlemem -servers gnet,net/http
//
// It builds each server and runs it in a process of its own on one core; a
// load generator runs on another. What counts is the server's CPU time for each
// request, because on a busy machine it depends least on what else runs. The
// servers take turns in many short rounds, and ratios are of figures of the same round:
// their median, and where the middle half of them lies.
//
// A server is one file in package roster. A scenario is one entry in scenario.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/bench/load"
	"github.com/heddle-go/heddle/bench/proc"
)

func main() {
	// All children are started from the main thread: see dieWithParent.
	runtime.LockOSThread()
	if runtime.GOOS != "linux" {
		fmt.Fprintln(os.Stderr, "bench: runs on Linux only: it needs epoll, /proc/PID/task/*/schedstat and sched_setaffinity")
		os.Exit(2)
	}
	err := subcommand(os.Args[1:])
	if errors.Is(err, errNone) {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// errNone says that the command line is no subcommand.
var errNone = errors.New("no subcommand")

// subcommand does what this program starts itself for: "pin" to become another
// program on one core, "load" for one run of the load generator, "hold" for connections that stay.
func subcommand(arguments []string) error {
	if len(arguments) < 2 {
		return errNone
	}
	specification := []byte(arguments[1])
	switch arguments[0] {
	case "pin":
		return proc.Pin(arguments[1:])
	case "load":
		var spec load.Spec
		if err := json.Unmarshal(specification, &spec); err != nil {
			return err
		}
		result, err := load.Run(spec)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result)
	case "hold":
		var spec load.HoldSpec
		if err := json.Unmarshal(specification, &spec); err != nil {
			return err
		}
		held, err := load.Hold(spec, func() { fmt.Println("held") }, os.Stdin)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(held)
	}
	return errNone
}

// bench carries out a run: tables to out, progress to progress.
func bench(ctx context.Context, arguments []string, out, progress io.Writer) error {
	o, err := parse(arguments, progress)
	if err != nil {
		return err
	}
	report, err := o.run(ctx, out, newProgress(progress))
	if err != nil {
		return err
	}
	if o.json != "" {
		if err := report.write(o.json); err != nil {
			return err
		}
	}
	if len(report.Problems) > 0 {
		return fmt.Errorf("bench: %d problems", len(report.Problems))
	}
	return nil
}

func (o *options) run(ctx context.Context, out io.Writer, progress *progress) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	descriptors, err := proc.Descriptors()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "heddle-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	report := &Report{Machine: thisMachine(), Sizes: o.sizes.within(descriptors)}
	report.Machine.print(out)
	fmt.Fprintf(out, "sizes    %+v\n", report.Sizes)
	d := &driver{
		sizes:   report.Sizes,
		servers: place{core: o.server, nice: o.nice, procs: 1},
		loads:   place{core: o.load, nice: o.nice, procs: 1},
		chosen:  o.chosen, folder: folder, profiles: o.profiles, progress: progress,
	}
	builds := &builder{folder: folder}
	d.entrants, report.Skipped = builds.entrants(ctx, o.servers)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, line := range report.Skipped {
		fmt.Fprintln(out, line)
	}
	if len(d.entrants) == 0 {
		return nil, errors.New("bench: there is no server to measure")
	}
	for _, s := range o.scenarios {
		outcome := Outcome{Scenario: s.name, About: s.about}
		began := time.Now()
		s.run(ctx, d, &outcome)
		if ctx.Err() != nil {
			return nil, errors.New("bench: interrupted")
		}
		fmt.Fprintf(out, "\n%s: %s (%.0f s)\n", s.name, s.about, time.Since(began).Seconds())
		outcome.table.print(out)
		report.Outcomes = append(report.Outcomes, outcome)
	}
	report.Problems = d.problems
	report.finish()
	report.summary(out)
	return report, nil
}
