package main

import (
	"context"
	"slices"

	"github.com/heddle-go/heddle/bench/load"
	"github.com/heddle-go/heddle/bench/roster"
)

func keepalive(ctx context.Context, d *driver, o *Outcome) {
	d.throughput(ctx, o, load.Spec{Mode: load.Closed, Connections: d.Connections})
}

func pipelined(ctx context.Context, d *driver, o *Outcome) {
	d.throughput(ctx, o, load.Spec{Mode: load.Closed, Connections: d.Connections, Depth: d.Depth})
}

func connect(ctx context.Context, d *driver, o *Outcome) {
	d.throughput(ctx, o, load.Spec{Mode: load.Connect, Connections: d.Connecting})
	d.checkDrift(o)
}

// throughput starts all servers and loads one after the other, round by round,
// so that whatever the machine does hits them alike. Each round begins with another server.
func (d *driver) throughput(ctx context.Context, o *Outcome, spec load.Spec) {
	spec.Window, spec.WarmUp = d.Window, d.WarmUp
	lanes := d.startLanes(ctx, o, d.entrants)
	defer func() { stopLanes(lanes) }()
	for round := range d.Rounds {
		for i := range lanes {
			lane := &lanes[(i+round)%len(lanes)]
			if lane.out || ctx.Err() != nil {
				continue
			}
			result, err := d.load(ctx, lane.server, spec)
			if d.refuse(ctx, o, lane, result, err) {
				continue
			}
			lane.series.addRun(result)
		}
		d.progress.say("%s: round %d of %d ", o.Scenario, round+1, d.Rounds)
	}
	d.progress.clear()
	o.Series = results(lanes)
	o.table = throughputTable(o)
}

// lane is one server in a scenario of rounds.
type lane struct {
	server *running
	series Series
	out    bool // failed: its figures do not count
}

func (d *driver) startLanes(ctx context.Context, o *Outcome, entrants []entrant) []lane {
	var lanes []lane
	for _, e := range entrants {
		server, err := d.start(ctx, e, o.Scenario, false, 1)
		if err != nil {
			if ctx.Err() == nil {
				d.problem(o.Scenario, e.Name, "%v", err)
			}
			continue
		}
		lanes = append(lanes, lane{server: server, series: Series{Server: e.Name}})
	}
	return lanes
}

func stopLanes(lanes []lane) {
	for _, l := range lanes {
		l.server.stop()
	}
}

// results are the series of the servers that went through all rounds.
func results(lanes []lane) []Series {
	var all []Series
	for _, l := range lanes {
		if !l.out && len(l.series.Rounds) > 0 {
			all = append(all, l.series)
		}
	}
	return all
}

// refuse takes a server out of the scenario if its run was not flawless.
func (d *driver) refuse(ctx context.Context, o *Outcome, l *lane, result load.Result, err error) bool {
	said := flaw(result)
	if err != nil {
		said = err.Error()
	}
	if said == "" {
		return false
	}
	l.out = true
	if ctx.Err() == nil {
		d.problem(o.Scenario, l.server.Name, "%s", said)
	}
	return true
}

// addRun keeps the figures of one run.
func (s *Series) addRun(r load.Result) {
	s.add(cpuPerRequest, float64(r.CPU)/float64(r.Requests))
	s.add(perSecond, float64(r.Requests)/r.Wall.Seconds())
	s.add(p50, float64(r.Latency.P50))
	s.add(p99, float64(r.Latency.P99))
	s.add(busy, r.CPU.Seconds()/r.Wall.Seconds())
	s.add(waited, r.Waited.Seconds()/r.Wall.Seconds())
	s.add(byClock, 0)
	if r.ByClock {
		rounds := s.Rounds[byClock]
		rounds[len(rounds)-1] = 1
	}
	s.add(loadBusy, r.LoadCPU.Seconds()/r.Wall.Seconds())
}

// mainRivals are those which ratios are shown to.
var mainRivals = []string{roster.Gnet, roster.FastHTTP, roster.NetHTTP}

// rivals are those in an outcome, and what Heddle was before if that is in it.
func (o *Outcome) rivals() []string {
	if slices.ContainsFunc(o.Series, func(s Series) bool { return s.Server == roster.HeddleBefore }) {
		return append(slices.Clone(mainRivals), roster.HeddleBefore)
	}
	return mainRivals
}

func throughputTable(o *Outcome) Table {
	t := Table{Header: []string{"server", "CPU/request"}}
	for _, rival := range o.rivals() {
		t.Header = append(t.Header, "of "+rival)
	}
	t.Header = append(t.Header, "requests/s", "p50", "p99", "busy", "waited", "load busy")
	for i := range o.Series {
		s := &o.Series[i]
		row := []string{s.Server, spreadCell(s.spread(cpuPerRequest), duration)}
		for _, rival := range o.rivals() {
			row = append(row, rivalCell(o, s, rival, cpuPerRequest))
		}
		t.Rows = append(t.Rows, append(row,
			count(s.spread(perSecond).Median), duration(s.spread(p50).Median), duration(s.spread(p99).Median),
			percent(s.spread(busy).Median), percent(s.spread(waited).Median), percent(s.spread(loadBusy).Median)))
	}
	return t
}

// rivalCell is the ratio of a metric to that of a rival.
func rivalCell(o *Outcome, s *Series, rival, metric string) string {
	if s.Server == rival {
		return "1"
	}
	return ratioCell(ratio(s.Rounds[metric], o.figures(rival, metric)))
}

// driftMost is how far the rate may fall from the first third of the rounds to the last.
const driftMost = 0.80

// checkDrift looks whether ports or TIME_WAIT ran out on the way: then all
// servers get slower together.
func (d *driver) checkDrift(o *Outcome) {
	var falls []float64
	for _, s := range o.Series {
		rates := s.Rounds[perSecond]
		if third := len(rates) / 3; third > 0 {
			falls = append(falls, spread(rates[len(rates)-third:]).Median/spread(rates[:third]).Median)
		}
	}
	if len(falls) > 0 && slices.Max(falls) < driftMost {
		d.problem(o.Scenario, "all servers", "the rate fell to %.2f of that of the first rounds", spread(falls).Median)
	}
}
