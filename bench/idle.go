package main

import (
	"context"
	"fmt"

	"github.com/heddle-go/heddle/bench/load"
)

// idle loads two processes of each server in turn: one that holds thousands of
// idle connections besides, one that does not. Only the two are compared, so
// the servers come one after the other.
func idle(ctx context.Context, d *driver, o *Outcome) {
	o.table = Table{Header: []string{"server", "CPU/request", "beside idle", "ratio", "p99", "beside idle", "ratio"}}
	for _, e := range d.entrants {
		if (!e.Idle && !d.chosen) || ctx.Err() != nil {
			continue
		}
		d.progress.say("idle: %s ", e.Name)
		series, err := d.idlePair(ctx, e)
		if err != nil {
			if ctx.Err() == nil {
				d.problem(o.Scenario, e.Name, "%v", err)
			}
			continue
		}
		o.Series = append(o.Series, series)
		o.table.Rows = append(o.table.Rows, []string{
			e.Name,
			duration(series.spread(cpuPerRequest).Median), duration(series.spread(cpuIdle).Median),
			ratioCell(ratio(series.Rounds[cpuIdle], series.Rounds[cpuPerRequest])),
			duration(series.spread(p99).Median), duration(series.spread(p99Idle).Median),
			ratioCell(ratio(series.Rounds[p99Idle], series.Rounds[p99])),
		})
	}
	d.progress.clear()
}

// idlePair measures one server.
func (d *driver) idlePair(ctx context.Context, e entrant) (Series, error) {
	series := Series{Server: e.Name}
	var pair [2]*running
	for i := range pair {
		server, err := d.start(ctx, e, "idle", false, 1)
		if err != nil {
			return series, err
		}
		defer server.stop()
		pair[i] = server
	}
	beside := pair[1]
	held, err := d.hold(ctx, beside, load.HoldSpec{Path: "/", Connections: d.Idle, Answered: true})
	if err != nil {
		return series, fmt.Errorf("opening %d connections: %w", d.Idle, err)
	}
	defer held.kill()
	if _, err := settle(ctx, beside.pid()); err != nil {
		return series, err
	}
	for round := range d.Rounds {
		for i := range pair {
			which := (i + round) % len(pair)
			result, err := d.load(ctx, pair[which], load.Spec{
				Mode: load.Closed, Connections: d.Connections, Window: d.Window, WarmUp: d.WarmUp,
			})
			if err != nil {
				return series, err
			}
			if said := flaw(result); said != "" {
				return series, fmt.Errorf("%s", said)
			}
			cpu, tail := cpuPerRequest, p99
			if pair[which] == beside {
				cpu, tail = cpuIdle, p99Idle
			}
			series.add(cpu, float64(result.CPU)/float64(result.Requests))
			series.add(tail, float64(result.Latency.P99))
		}
	}
	return series, held.check()
}

// check ends the connections and complains if the server had closed any.
func (h *holding) check() error {
	held, err := h.release()
	if err == nil && held.Lost > 0 {
		err = fmt.Errorf("%d of %d held connections did not stay", held.Lost, held.Connections)
	}
	return err
}
