// Package load is the load generator: one goroutine around a raw epoll loop,
// meant to run in its own process on its own core (command `bench load`). It
// runs as fast as it can, so that the server is what is measured, except in
// the mode Stall, whose rate is fixed.
//
// Requests and responses that are under way when the time is up are waited for, then the
// server's CPU time is read: both readings find the server idle, and every
// request that was paid for is counted.
package load

import "time"

// Mode is what a client does.
type Mode string

const (
	Closed  Mode = "closed"  // keep-alive connections, each with Depth requests in flight
	Connect Mode = "connect" // a new connection for every request
	Stall   Mode = "stall"   // a fixed rate of Path while others call BlockPath
)

// Spec is one run, as the driver hands it over in JSON.
type Spec struct {
	Mode        Mode
	Addr        string // 127.0.0.1:PORT
	ServerPID   int    // whose CPU time is read
	Path        string // "/" if empty
	Connections int    // or, for Connect, how many at a time
	Depth       int    // Closed: requests in one batch; 0 is 1
	WarmUp      time.Duration
	Window      time.Duration // how long requests are sent and counted
	Grace       time.Duration // how long the last responses are waited for; 0 is 2 s

	// Stall only. All times are counted from the moment the blocking calls start.
	RatePerSecond    int           // of Path, over Connections
	BlockConnections int           // each calling BlockPath again and again
	BlockPath        string        // "/block?ms=1000"
	BlockTime        time.Duration // what one call should take
	Settle           time.Duration // what starts before this counts as First, later as Latency
}

// Result is what one run saw.
type Result struct {
	Requests  int           // answered with 200 in the window
	Bytes     int64         // of their bodies
	Bad       int           // answered with another status, or not in HTTP/1.1
	Failed    int           // connections that failed, or were closed with a request in flight
	Lost      int           // requests without a response when the grace was over
	FirstFail string        // the first error in words
	Wall      time.Duration // first request to last response
	CPU       time.Duration // the server's
	Waited    time.Duration // the server's threads, for a core that others had
	Exited    int           // server threads that ended between the readings
	ByClock   bool          // CPU is the process clock's, see proc.CPU
	LoadCPU   time.Duration // this process's own
	Latency   Latencies

	// Stall only.
	First      Latencies // of requests due before Settle
	Blocked    int       // BlockPath answered
	BlockIdeal float64   // how many would have been, had each taken BlockTime
}

// Latencies are the percentiles of one histogram.
type Latencies struct {
	Count                    uint64
	P50, P90, P99, P999, Max time.Duration
}

func (h *Histogram) latencies() Latencies {
	return Latencies{
		Count: h.Count(),
		P50:   h.Quantile(0.50),
		P90:   h.Quantile(0.90),
		P99:   h.Quantile(0.99),
		P999:  h.Quantile(0.999),
		Max:   h.Max(),
	}
}

// HoldSpec is a set of connections to be opened and kept.
type HoldSpec struct {
	Addr        string
	Path        string
	Connections int
	Answered    bool // wait for each request's response (idle), or not (parked)
}

// Held is what became of them in the end.
type Held struct {
	Connections int
	Lost        int // closed by the server, or given bytes nobody had asked for
}
