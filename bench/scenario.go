package main

import "context"

// scenario is one table of the benchmark.
type scenario struct {
	name  string
	about string
	run   func(context.Context, *driver, *Outcome)

	// alone says that it runs only if -only names it.
	alone bool
}

// scenarios in the order in which they run. What a server does wrong in one is
// a problem noted in the driver, and takes that server out of it; only the
// context's end stops the others.
var scenarios = []scenario{
	{"keepalive", "keep-alive connections, one request in flight on each", keepalive, false},
	{"pipelined", "keep-alive connections, requests in batches", pipelined, false},
	{"connect", "a new connection for every request", connect, false},
	{"idle", "keepalive beside idle connections, against a second process without", idle, false},
	{"idlemem", "resident memory for each idle keep-alive connection, after one request", idleMemory, false},
	{"parkmem", "resident memory for each connection parked in /wait", parkedMemory, false},
	{"park", "a fiber parks and is woken by another of its loop, in plain code", park, false},
	{"stall", "/ at a fixed rate while others call /block, which blocks without saying so", stall, false},
	{"compile", "all examples built by fiberc and by go build, the packages they use in the cache", compile, true},
}
