package main

import "time"

// sizes is how much of everything a run does.
type sizes struct {
	Rounds      int           // paired rounds of the throughput scenarios and of idle
	Window      time.Duration // of one server in one round
	WarmUp      time.Duration // before each window
	Connections int           // keep-alive connections that load
	Connecting  int           // connections at a time in the scenario connect
	Depth       int           // requests in a pipelined batch
	Idle        int           // idle connections
	Parked      int           // connections parked in a handler
	MemoryRuns  int           // fresh processes for each memory figure
	StallRuns   int           // fresh processes for the scenario stall
	StallTime   time.Duration
	StallRate   int // of /, requests a second
	Blocking    int // clients of /block
	Block       time.Duration
	Builds      int // of the examples, in the scenario compile
}

// full takes under 10 minutes with all servers.
var full = sizes{
	Rounds: 15, Window: 500 * time.Millisecond, WarmUp: 100 * time.Millisecond,
	Connections: 100, Connecting: 64, Depth: 16,
	Idle: 15000, Parked: 10000, MemoryRuns: 3,
	StallRuns: 3, StallTime: 5 * time.Second, StallRate: 2000, Blocking: 50, Block: time.Second,
	Builds: 7,
}

// quick takes under 2: fewer and shorter rounds, the same connections.
var quick = sizes{
	Rounds: 5, Window: 200 * time.Millisecond, WarmUp: 50 * time.Millisecond,
	Connections: 100, Connecting: 64, Depth: 16,
	Idle: 15000, Parked: 10000, MemoryRuns: 1,
	StallRuns: 1, StallTime: 3 * time.Second, StallRate: 2000, Blocking: 50, Block: time.Second,
	Builds: 3,
}

// descriptorsSpare is what a server has open besides the connections of a scenario.
const descriptorsSpare = 500

// within lowers the numbers of connections to a limit of descriptors a process.
func (s sizes) within(descriptors int) sizes {
	most := max(descriptors-s.Connections-descriptorsSpare, 1)
	s.Idle, s.Parked = min(s.Idle, most), min(s.Parked, most)
	return s
}
