package main

import "github.com/heddle-go/heddle/bench/roster"

// Target is a figure that is aimed at: Metric of Server in a scenario, itself or,
// if Over names a metric, as the ratio to that of Rival (of Server if empty).
type Target struct {
	Scenario string  `json:"scenario"`
	Server   string  `json:"server"`
	Metric   string  `json:"metric"`
	Rival    string  `json:"rival,omitempty"`
	Over     string  `json:"over,omitempty"`
	Limit    float64 `json:"limit"`
	AtLeast  bool    `json:"at_least,omitempty"`
	cell     func(float64) string
}

// Aim is a target with what was measured.
type Aim struct {
	Target
	Measured Spread `json:"measured"`
	OK       bool   `json:"ok"`
}

// targets are what Heddle has set out to reach.
var targets = []Target{
	against("keepalive", roster.HeddleEpoll, roster.Gnet, 0.90),
	against("keepalive", roster.HeddleEpoll, roster.FastHTTP, 0.80),
	against("keepalive", roster.HeddleEpoll, roster.NetHTTP, 0.50),
	against("keepalive", roster.HeddleGnet, roster.Gnet, 1.15),
	against("keepalive", roster.HeddleCompiled, roster.HeddleEpoll, 1.10),
	against("keepalive", roster.HeddleEpoll, roster.HeddleBefore, 1.02),
	against("pipelined", roster.HeddleEpoll, roster.HeddleBefore, 1.02),
	against("connect", roster.HeddleEpoll, roster.HeddleBefore, 1.02),
	against("pipelined", roster.HeddleEpoll, roster.Gnet, 0.90),
	against("pipelined", roster.HeddleEpoll, roster.FastHTTP, 0.65),
	against("connect", roster.HeddleEpoll, roster.FastHTTP, 0.90),
	against("connect", roster.HeddleEpoll, roster.Gnet, 1.00),
	{Scenario: "idle", Server: roster.HeddleEpoll, Metric: cpuIdle, Over: cpuPerRequest, Limit: 1.05, cell: part},
	{Scenario: "idle", Server: roster.HeddleEpoll, Metric: p99Idle, Over: p99, Limit: 1.25, cell: part},
	{Scenario: "idlemem", Server: roster.HeddleEpoll, Metric: memory, Limit: 512, cell: bytesOf},
	{Scenario: "parkmem", Server: roster.HeddleEpoll, Metric: memory, Rival: roster.NetHTTP, Over: memory, Limit: 0.40, cell: part},
	{Scenario: "parkmem", Server: roster.HeddleCompiled, Metric: memory, Limit: 1000, cell: bytesOf},
	{Scenario: "park", Server: parkFibers, Metric: pair, Limit: 220, cell: nanos},
	{Scenario: "park", Server: parkFibers, Metric: pair, Rival: parkChans, Over: pair, Limit: 0.45, cell: part},
	{Scenario: "stall", Server: roster.HeddleEpoll, Metric: p99, Limit: 1e6, cell: duration},
	{Scenario: "stall", Server: roster.HeddleEpoll, Metric: firstStall, Limit: 15e6, cell: duration},
	{Scenario: "stall", Server: roster.HeddleEpoll, Metric: blockPart, Limit: 0.95, AtLeast: true, cell: part},
	{Scenario: "stall", Server: roster.HeddleEpoll, Metric: lost, Limit: 0, cell: count},
	{Scenario: "compile", Server: byFiberc, Metric: wallTime, Rival: byGo, Over: wallTime, Limit: 3, cell: part},
	{Scenario: "compile", Server: byFiberc, Metric: cpuTime, Rival: byGo, Over: cpuTime, Limit: 3, cell: part},
	{Scenario: "compile", Server: byFiberc + edited, Metric: wallTime, Rival: byGo + edited, Over: wallTime, Limit: 3, cell: part},
	{Scenario: "compile", Server: byFiberc + edited, Metric: cpuTime, Rival: byGo + edited, Over: cpuTime, Limit: 3, cell: part},
}

func against(scenario, server, rival string, limit float64) Target {
	return Target{Scenario: scenario, Server: server, Metric: cpuPerRequest, Rival: rival, Over: cpuPerRequest, Limit: limit, cell: part}
}

// aims compares the targets with what was measured, leaving out what was not.
func aims(targets []Target, outcomes []Outcome) []Aim {
	var found []Aim
	for _, t := range targets {
		if measured := t.measured(outcomes); measured.known() {
			reached := measured.Median <= t.Limit
			if t.AtLeast {
				reached = measured.Median >= t.Limit
			}
			found = append(found, Aim{Target: t, Measured: measured, OK: reached})
		}
	}
	return found
}

func (t Target) measured(outcomes []Outcome) Spread {
	for _, o := range outcomes {
		if o.Scenario != t.Scenario {
			continue
		}
		figures := o.figures(t.Server, t.Metric)
		if t.Over == "" {
			return spread(figures)
		}
		rival := t.Rival
		if rival == "" {
			rival = t.Server
		}
		return ratio(figures, o.figures(rival, t.Over))
	}
	return Spread{}
}

// aimTable shows the aims, "ok" or "SHORT" beside each.
func aimTable(aims []Aim) Table {
	t := Table{Header: []string{"scenario", "server", "measure", "target", "measured", ""}}
	for _, a := range aims {
		measure := a.Metric
		switch {
		case a.Rival != "":
			measure += " / " + a.Rival
		case a.Over != "":
			measure += " / " + a.Over
		}
		sign, verdict := "<= ", "SHORT"
		if a.AtLeast {
			sign = ">= "
		}
		if a.OK {
			verdict = "ok"
		}
		t.Rows = append(t.Rows, []string{
			a.Scenario, a.Server, measure, sign + a.cell(a.Limit), spreadCell(a.Measured, a.cell), verdict,
		})
	}
	return t
}
