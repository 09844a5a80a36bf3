package main

import (
	"context"
	"fmt"
	"time"

	"github.com/heddle-go/heddle/bench/load"
)

const (
	stallConnections = 64          // of /: more than are under way at once, unless the server stalls
	stallSettle      = time.Second // what the first calls of /block do to others shows before, the rest after
	stallWarmUp      = 300 * time.Millisecond
	stallProcs       = 2 // one loop, and a P for what it does not run
)

// stall calls /block from many connections, and measures what the others feel:
// the greatest latency in the first second, and the p99 after it. Only
// Heddle is meant to pass: what a callback reactor does is shown for comparison, so lost
// requests are a figure here and not a problem.
func stall(ctx context.Context, d *driver, o *Outcome) {
	o.table = Table{Header: []string{"server", "first stall", "p99 after", "max after", "/block of ideal", "lost", "of"}}
	for _, e := range d.entrants {
		if e.slow == "" {
			continue
		}
		series, sent := Series{Server: e.Name}, 0
		for run := range d.StallRuns {
			d.progress.say("stall: %s, %d of %d ", e.Name, run+1, d.StallRuns)
			result, err := d.stallOnce(ctx, e)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				d.problem(o.Scenario, e.Name, "%v", err)
				break
			}
			if result.Bad > 0 {
				d.problem(o.Scenario, e.Name, "%s", flaw(result))
			}
			series.add(firstStall, float64(result.First.Max))
			series.add(p99, float64(result.Latency.P99))
			series.add(maxAfter, float64(result.Latency.Max))
			series.add(blockPart, float64(result.Blocked)/max(result.BlockIdeal, 1))
			series.add(lost, float64(result.Lost))
			sent = result.Requests + result.Blocked + result.Lost
		}
		if series.Rounds == nil {
			continue
		}
		o.Series = append(o.Series, series)
		o.table.Rows = append(o.table.Rows, []string{
			e.Name,
			spreadCell(series.spread(firstStall), duration),
			spreadCell(series.spread(p99), duration),
			spreadCell(series.spread(maxAfter), duration),
			part(series.spread(blockPart).Median),
			count(series.spread(lost).Median), fmt.Sprint(sent),
		})
	}
	d.progress.clear()
}

func (d *driver) stallOnce(ctx context.Context, e entrant) (load.Result, error) {
	server, err := d.start(ctx, e, "stall", true, stallProcs)
	if err != nil {
		return load.Result{}, err
	}
	defer server.stop()
	return d.load(ctx, server, load.Spec{
		Mode: load.Stall, Connections: stallConnections, Window: d.StallTime, WarmUp: stallWarmUp,
		RatePerSecond: d.StallRate, Settle: stallSettle,
		BlockConnections: d.Blocking, BlockTime: d.Block,
		BlockPath: fmt.Sprintf("/block?ms=%d", d.Block.Milliseconds()),
	})
}
