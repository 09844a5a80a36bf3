package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// The scenario park has no server: it runs the benchmarks of package fiber in which two
// fibers of a loop wake each other in turn, beside two goroutines that do so through
// channels. An operation of both is a round trip, so a pair of one park (or receive)
// and one wake-up (or send) is half of one.
const (
	parkPackage = "github.com/heddle-go/heddle/fiber"
	parkFibers  = "fibers"
	parkChans   = "goroutines"
	pair        = "ns/pair"
)

// parkBenchmarks names the series by benchmark.
var parkBenchmarks = map[string]string{
	"BenchmarkParkReady":   parkFibers,
	"BenchmarkChannelPair": parkChans,
}

func park(ctx context.Context, d *driver, o *Outcome) {
	file := filepath.Join(d.folder, "park.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", file, parkPackage)
	dieWithParent(build)
	if output, err := build.CombinedOutput(); err != nil {
		d.problem(o.Scenario, parkFibers, "cannot be built: %s", reason(output, err))
		return
	}
	series := map[string]*Series{parkFibers: {Server: parkFibers}, parkChans: {Server: parkChans}}
	for round := range d.Rounds {
		d.progress.say("park: %d of %d ", round+1, d.Rounds)
		run := exec.CommandContext(ctx, file, "-test.run", "^$", "-test.benchtime", d.Window.String(),
			"-test.bench", "^(BenchmarkParkReady|BenchmarkChannelPair)$")
		dieWithParent(run)
		output, err := run.CombinedOutput()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.problem(o.Scenario, parkFibers, "%s", reason(output, err))
			return
		}
		for name, nanos := range benchmarks(string(output)) {
			if s := series[parkBenchmarks[name]]; s != nil {
				s.add(pair, nanos/2)
			}
		}
	}
	d.progress.clear()
	o.table = Table{Header: []string{"who", "park and wake-up", "of goroutines"}}
	for _, name := range []string{parkFibers, parkChans} {
		o.Series = append(o.Series, *series[name])
		o.table.Rows = append(o.table.Rows, []string{name,
			spreadCell(series[name].spread(pair), nanos),
			spreadCell(ratio(series[name].Rounds[pair], series[parkChans].Rounds[pair]), part)})
	}
}

// benchmarks reads the time of an operation by benchmark from what go test prints.
func benchmarks(output string) map[string]float64 {
	found := map[string]float64{}
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") || words[3] != "ns/op" {
			continue
		}
		name, _, _ := strings.Cut(words[0], "-")
		if n, err := strconv.ParseFloat(words[2], 64); err == nil {
			found[name] = n
		}
	}
	return found
}

// nanos shows a time too short for duration's digits.
func nanos(n float64) string { return fmt.Sprintf("%.1f ns", n) }
