package main

import (
	"context"
	"fmt"
	"time"

	"github.com/heddle-go/heddle/bench/load"
	"github.com/heddle-go/heddle/bench/roster"
)

// memoryWarmUp is how the empty server is loaded before its memory is read, so
// that what it allocates once is not laid to the connections.
const memoryWarmUp = 300 * time.Millisecond

// parkTime is longer than any run.
const parkTime = time.Hour

func idleMemory(ctx context.Context, d *driver, o *Outcome) {
	d.memory(ctx, o, d.entrants, false, load.HoldSpec{Path: "/", Connections: d.Idle, Answered: true})
	o.table = memoryTable(o, roster.Gnet)
}

func parkedMemory(ctx context.Context, d *driver, o *Outcome) {
	var waiting []entrant
	for _, e := range d.entrants {
		if e.Waits && e.slow != "" {
			waiting = append(waiting, e)
		}
	}
	path := fmt.Sprintf("/wait?ms=%d", parkTime.Milliseconds())
	d.memory(ctx, o, waiting, true, load.HoldSpec{Path: path, Connections: d.Parked})
	o.table = memoryTable(o, roster.NetHTTP)
}

// memory measures each server in fresh processes, since memory once taken is
// seldom given back.
func (d *driver) memory(ctx context.Context, o *Outcome, entrants []entrant, slow bool, spec load.HoldSpec) {
	for _, e := range entrants {
		series := Series{Server: e.Name}
		for run := range d.MemoryRuns {
			d.progress.say("%s: %s, %d of %d ", o.Scenario, e.Name, run+1, d.MemoryRuns)
			empty, held, err := d.memoryOnce(ctx, e, o.Scenario, slow, spec)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				d.problem(o.Scenario, e.Name, "%v", err)
				series = Series{}
				break
			}
			series.add(emptyMemory, float64(empty))
			series.add(memory, float64(held-empty)/float64(spec.Connections))
		}
		if series.Rounds != nil {
			o.Series = append(o.Series, series)
		}
	}
	d.progress.clear()
}

// memoryOnce returns the resident memory of a server before and with the connections.
func (d *driver) memoryOnce(ctx context.Context, e entrant, scenario string, slow bool, spec load.HoldSpec) (empty, with int64, err error) {
	server, err := d.start(ctx, e, scenario, slow, 1)
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	result, err := d.load(ctx, server, load.Spec{Mode: load.Closed, Connections: d.Connections, Window: memoryWarmUp})
	if err != nil {
		return 0, 0, err
	}
	if said := flaw(result); said != "" {
		return 0, 0, fmt.Errorf("warming up: %s", said)
	}
	if empty, err = settle(ctx, server.pid()); err != nil {
		return 0, 0, err
	}
	held, err := d.hold(ctx, server, spec)
	if err != nil {
		return 0, 0, fmt.Errorf("opening %d connections: %w", spec.Connections, err)
	}
	defer held.kill()
	if with, err = settle(ctx, server.pid()); err != nil {
		return 0, 0, err
	}
	return empty, with, held.check()
}

func memoryTable(o *Outcome, rival string) Table {
	t := Table{Header: []string{"server", "bytes/connection", "of " + rival, "empty server"}}
	for i := range o.Series {
		s := &o.Series[i]
		t.Rows = append(t.Rows, []string{
			s.Server, spreadCell(s.spread(memory), bytesOf), rivalCell(o, s, rival, memory),
			megabyte(s.spread(emptyMemory).Median),
		})
	}
	return t
}
