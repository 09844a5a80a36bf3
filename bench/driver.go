package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/heddle-go/heddle/bench/load"
	"github.com/heddle-go/heddle/bench/proc"
)

// driver is what the scenarios need: the servers, where they run, and where to complain.
type driver struct {
	sizes
	servers, loads place // GOMAXPROCS 1, but see start
	entrants       []entrant
	chosen         bool   // -servers was given
	folder         string // for what is built; removed at the end
	profiles       string // folder of CPU profiles; empty: none
	progress       *progress
	problems       []string
}

// problem notes what makes a server's figures worthless.
func (d *driver) problem(scenario, server string, format string, values ...any) {
	line := fmt.Sprintf("%s, %s: %s", scenario, server, fmt.Sprintf(format, values...))
	d.problems = append(d.problems, line)
	d.progress.complain(line)
}

// running is one server process.
type running struct {
	entrant
	*child
	addr    string
	profile bool
}

// start starts a server: its hello, or with slow its slow command.
func (d *driver) start(ctx context.Context, e entrant, scenario string, slow bool, procs int) (*running, error) {
	program, arguments := e.hello, e.Hello.Arguments
	if slow {
		program, arguments = e.slow, e.Slow.Arguments
	}
	arguments = append([]string(nil), arguments...)
	profile := d.profiles != "" && e.Profiles
	if profile {
		name := scenario + "-" + strings.ReplaceAll(e.Name, "/", "") + ".pprof"
		arguments = append(arguments, "-cpuprofile", filepath.Join(d.profiles, name))
	}
	at := d.servers
	at.procs = procs
	c, addr, err := startServer(ctx, at, program, arguments...)
	if err != nil {
		return nil, err
	}
	return &running{entrant: e, child: c, addr: addr, profile: profile}, nil
}

// stop ends a server.
func (r *running) stop() {
	if r.profile {
		r.terminate()
	} else {
		r.kill()
	}
}

// load runs the load generator against a server.
func (d *driver) load(ctx context.Context, r *running, spec load.Spec) (load.Result, error) {
	spec.Addr, spec.ServerPID = r.addr, r.pid()
	var result load.Result
	err := ask(ctx, d.loads, "load", spec, &result)
	return result, err
}

// flaw says what was wrong with a run, if anything was.
func flaw(r load.Result) string {
	if r.Requests > 0 && r.Failed+r.Bad+r.Lost == 0 {
		return ""
	}
	text := fmt.Sprintf("%d answered, %d requests lost, %d bad responses, %d failed connections",
		r.Requests, r.Lost, r.Bad, r.Failed)
	if r.FirstFail != "" {
		text += ": " + r.FirstFail
	}
	return text
}

// holding is a process that keeps connections.
type holding struct{ *child }

// hold opens connections to a server and returns when all are there.
func (d *driver) hold(ctx context.Context, r *running, spec load.HoldSpec) (*holding, error) {
	spec.Addr = r.addr
	c, err := startSelf(ctx, d.loads, "hold", spec)
	if err != nil {
		return nil, err
	}
	if _, err := c.line(); err != nil {
		c.kill()
		return nil, err
	}
	return &holding{c}, nil
}

// release ends the connections and says what had become of them.
func (h *holding) release() (held load.Held, err error) {
	defer h.kill()
	h.stdin.Close()
	err = h.result(&held)
	return held, err
}

// The settling of a server is watched in steps; it is over when in two of them
// running the process has hardly run and has kept its size.
const (
	settleStep  = 50 * time.Millisecond
	settleCPU   = settleStep / 20
	settleBytes = 64 << 10
	settleMost  = 10 * time.Second
)

// settle waits until a server has nothing more to do and returns its resident memory.
func settle(ctx context.Context, pid int) (rss int64, err error) {
	cpu, err := proc.ReadCPU(pid)
	if err != nil {
		return 0, err
	}
	tick := time.NewTicker(settleStep)
	defer tick.Stop()
	calm := 0
	for until := time.Now().Add(settleMost); calm < 2 && time.Now().Before(until); {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
		now, err := proc.ReadCPU(pid)
		if err != nil {
			return 0, err
		}
		size, err := proc.ReadRSS(pid)
		if err != nil {
			return 0, err
		}
		calm++
		if now.Since(cpu).CPU > settleCPU || max(size-rss, rss-size) > settleBytes {
			calm = 0
		}
		cpu, rss = now, size
	}
	return rss, nil
}
