package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// What an attack may do to a server, and the table of what it did.

const (
	p99Factor   = 2.0      // under attack, of the undisturbed
	memoryPart  = 0.10     // more than at the start, in the end
	memorySlack = 24 << 20 // the read buffers, and garbage
	keptBytes   = 1600     // what Go's runtime keeps for each peer it has seen at once, with its handler's goroutine
	turnedPart  = 0.05     // of the peers: connections that are turned away, or end, at any time
	pooled      = 64 + 5   // goroutines that a loop may keep for later (package fiber)
)

// An outcome is one kind of attack.
type outcome struct {
	Kind                               string
	WarmUp, Before, Ramp, Under, After goodResult
	Fresh, Start, Most, End            figures // before the rehearsal, before the attack, during and after it
	Peers                              peersResult
	Settled                            time.Duration
	Clean, Attacked                    time.Duration // p99: medians of the windows
	Broken                             []string
}

// median is that of the windows' p99.
func median(list ...window) time.Duration {
	var all []time.Duration
	for _, w := range list {
		all = append(all, w.P99)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// leaks says what the server still holds more than at the start.
func (out *outcome) leaks(o options) (list []string) {
	s, e := out.Start, out.End
	most := int64(float64(s.Memory) * (1 + memoryPart))
	if o.quick {
		most = out.highWater(o)
	}
	if e.Memory > most {
		list = append(list, fmt.Sprintf("memory %s, at the start %s", megabytes(e.Memory), megabytes(s.Memory)))
	}
	// The good clients with new connections come and go.
	if e.Descriptors > s.Descriptors+2 {
		list = append(list, fmt.Sprintf("%d descriptors, at the start %d", e.Descriptors, s.Descriptors))
	}
	if e.Fibers > s.Fibers+2 {
		list = append(list, fmt.Sprintf("%d fibers, at the start %d", e.Fibers, s.Fibers))
	}
	if e.Goroutines > s.Goroutines+pooled*runtime.GOMAXPROCS(0) {
		list = append(list, fmt.Sprintf("%d goroutines, at the start %d", e.Goroutines, s.Goroutines))
	}
	return list
}

// highWater is what a server may hold once it has been attacked: Go's runtime gives some
// of what it needed at most never back.
func (out *outcome) highWater(o options) int64 {
	return out.Fresh.Memory + memorySlack/4 + keptBytes*int64(o.peers)
}

// judge looks for broken rules.
func (out *outcome) judge(o options) {
	breaks := func(format string, args ...any) { out.Broken = append(out.Broken, fmt.Sprintf(format, args...)) }
	for _, r := range []goodResult{out.WarmUp, out.Before, out.Ramp, out.Under, out.After} {
		if r.Lost > 0 {
			breaks("good clients lost %d requests of %d: %s", r.Lost, r.Requests, r.FirstLoss)
		}
	}
	out.Clean = median(append(slices.Clone(out.Before.Windows), out.After.Windows...)...)
	out.Attacked = median(out.Under.Windows...)
	if !o.quick && float64(out.Attacked) > p99Factor*float64(out.Clean) {
		breaks("p99 %v, undisturbed %v", out.Attacked, out.Clean)
	}
	k, _ := kindOf(out.Kind)
	conns := k.limitsFor(o.peers).most(o.peers)
	bound := out.Start.Memory + memorySlack + 2*k.bytes*int64(conns) // twice: the collector's
	if out.Most.Memory > bound {
		breaks("memory %s under attack, want at most %s", megabytes(out.Most.Memory), megabytes(bound))
	}
	if most := out.Start.Descriptors + conns + 2 + int(turnedPart*float64(o.peers)); out.Most.Descriptors > most {
		breaks("%d descriptors under attack, want at most %d", out.Most.Descriptors, most)
	}
	if out.Start.Memory > out.highWater(o) {
		breaks("memory %s after a first attack, of %s before it", megabytes(out.Start.Memory), megabytes(out.Fresh.Memory))
	}
	for _, s := range out.leaks(o) {
		breaks("left after %.0f s: %s", out.Settled.Seconds(), s)
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

const row = "%-11s %7s %6s %9s %9s %6s  %9s %9s %9s %9s %7s  %6s %6s %6s  %9s\n"

func printHeader(w io.Writer, o options) {
	fmt.Fprintf(w, "%d peers of each kind at once; good clients: %d, %d requests a second\n", o.peers, goodClients, goodRate)
	fmt.Fprintf(w, row, "kind", "good", "lost", "p99 alone", "attacked", "ratio", "fresh", "start", "most", "after", "settled", "fds", "gorout", "fibers", "dialed")
}

func (out *outcome) print(w io.Writer) {
	requests, lost := 0, 0
	for _, r := range []goodResult{out.Before, out.Ramp, out.Under, out.After} {
		requests, lost = requests+r.Requests, lost+r.Lost
	}
	grown := func(now, then int) string { return fmt.Sprintf("%+d", now-then) }
	fmt.Fprintf(w, row, out.Kind, fmt.Sprint(requests), fmt.Sprint(lost),
		out.Clean.Round(time.Microsecond), out.Attacked.Round(time.Microsecond), fmt.Sprintf("%.2f", float64(out.Attacked)/float64(max(out.Clean, 1))),
		megabytes(out.Fresh.Memory), megabytes(out.Start.Memory), megabytes(out.Most.Memory), megabytes(out.End.Memory), fmt.Sprintf("%.0f s", out.Settled.Seconds()),
		grown(out.End.Descriptors, out.Start.Descriptors), grown(out.End.Goroutines, out.Start.Goroutines), grown(out.End.Fibers, out.Start.Fibers),
		fmt.Sprint(out.Peers.Dialed))
	for _, s := range out.Broken {
		fmt.Fprintf(w, "  !!! %s: %s\n", out.Kind, s)
	}
}
