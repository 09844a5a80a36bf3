package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// The metrics by which figures are kept. Times are in nanoseconds.
const (
	cpuPerRequest = "cpu/request"
	cpuIdle       = "cpu/request beside idle"
	perSecond     = "requests/s"
	p50           = "p50"
	p99           = "p99"
	p99Idle       = "p99 beside idle"
	busy          = "busy"      // the server's CPU time over wall time
	loadBusy      = "load busy" // the load generator's
	waited        = "waited"    // likewise the time its threads were ready but another, be it one of its own, had the core
	byClock       = "by clock"  // 1: schedstat had lost a thread that exited, see proc.CPU
	memory        = "memory/connection"
	emptyMemory   = "empty memory"
	firstStall    = "first stall"
	maxAfter      = "max"
	blockPart     = "/block of ideal"
	lost          = "lost"
)

// Outcome is what a scenario found.
type Outcome struct {
	Scenario string   `json:"scenario"`
	About    string   `json:"about"`
	Series   []Series `json:"servers"`
	table    Table
}

// Series is the figures of one server: for each metric one per round, so that
// the same place in two series is the same moment on the machine.
type Series struct {
	Server  string               `json:"server"`
	Rounds  map[string][]float64 `json:"rounds"`
	Medians map[string]Spread    `json:"medians"`
}

func (s *Series) add(metric string, figure float64) {
	if s.Rounds == nil {
		s.Rounds = map[string][]float64{}
	}
	s.Rounds[metric] = append(s.Rounds[metric], figure)
}

func (s *Series) spread(metric string) Spread { return spread(s.Rounds[metric]) }

// figures returns a metric of a server by round, nil if there is none.
func (o *Outcome) figures(server, metric string) []float64 {
	for _, s := range o.Series {
		if s.Server == server {
			return s.Rounds[metric]
		}
	}
	return nil
}

// Report is the whole of a run, as -json writes it.
type Report struct {
	Machine  Machine   `json:"machine"`
	Sizes    sizes     `json:"sizes"`
	Skipped  []string  `json:"skipped,omitempty"`
	Problems []string  `json:"problems,omitempty"`
	Outcomes []Outcome `json:"scenarios"`
	Targets  []Aim     `json:"targets"`
}

// finish computes what follows from the figures.
func (r *Report) finish() {
	for _, o := range r.Outcomes {
		for i := range o.Series {
			s := &o.Series[i]
			s.Medians = map[string]Spread{}
			for metric := range s.Rounds {
				s.Medians[metric] = s.spread(metric)
			}
		}
	}
	r.Targets = aims(targets, r.Outcomes)
}

// summary prints the targets and, loudly, what went wrong.
func (r *Report) summary(w io.Writer) {
	if len(r.Targets) > 0 {
		fmt.Fprintf(w, "\ntargets\n")
		aimTable(r.Targets).print(w)
	}
	if len(r.Problems) > 0 {
		fmt.Fprintf(w, "\n!!! %d PROBLEMS: the figures of these servers do not count\n", len(r.Problems))
		for _, line := range r.Problems {
			fmt.Fprintln(w, "!!! "+line)
		}
	}
}

func (r *Report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
