package load

import (
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/heddle-go/heddle/bench/proc"
)

// run is the state of one run, whatever its mode. Its one goroutine owns all of it.
type run struct {
	spec    Spec
	to      *unix.SockaddrInet4
	poller  *poller
	request []byte // one batch, ready to be written
	memo    Memo
	buffer  []byte // what read fills; shared by all connections
	base    time.Time
	result  Result
	latency Histogram
	first   Histogram // Stall: what was due before Settle
}

// now is nanoseconds on the monotonic clock.
func (r *run) now() time.Duration { return time.Since(r.base) }

// client is one connection and what is under way on it.
type client struct {
	fd      int // -1: none
	awaited int // responses to come
	since   time.Duration
	part    []byte // the beginning of a response whose end has not come
	sending []byte // the end of a request that the socket did not take
}

// Run carries out one run. It turns the garbage collector off for the time.
func Run(spec Spec) (Result, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	to, err := address(spec.Addr)
	if err != nil {
		return Result{}, err
	}
	if spec.Path == "" {
		spec.Path = "/"
	}
	if spec.Grace == 0 {
		spec.Grace = 2 * time.Second
	}
	poller, err := newPoller()
	if err != nil {
		return Result{}, err
	}
	defer poller.close()
	r := &run{spec: spec, to: to, poller: poller, buffer: make([]byte, 256<<10), base: time.Now()}
	switch spec.Mode {
	case Closed:
		err = r.closed()
	case Connect:
		err = r.connect()
	case Stall:
		err = r.stall()
	default:
		err = fmt.Errorf("no mode %q", spec.Mode)
	}
	r.result.Latency, r.result.First = r.latency.latencies(), r.first.latencies()
	return r.result, err
}

// request writes one request of n in a row, closing if it must.
func request(path, host string, closing bool, n int) []byte {
	one := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if closing {
		one += "Connection: close\r\n"
	}
	one += "\r\n"
	var all []byte
	for range n {
		all = append(all, one...)
	}
	return all
}

// measure runs drive twice: to warm up, then between two readings of the
// server's CPU time. drive sends for as long as told and returns when the last
// response is in.
func (r *run) measure(drive func(time.Duration) error) error {
	if r.spec.WarmUp > 0 {
		if err := drive(r.spec.WarmUp); err != nil {
			return err
		}
		if r.result.Failed+r.result.Bad+r.result.Lost > 0 {
			return fmt.Errorf("warming up: %+v", r.result)
		}
	}
	r.result, r.latency, r.first = Result{}, Histogram{}, Histogram{}
	before, err := proc.ReadCPU(r.spec.ServerPID)
	if err != nil {
		return err
	}
	own := ownCPU()
	start := r.now()
	if err := drive(r.spec.Window); err != nil {
		return err
	}
	r.result.Wall = r.now() - start
	r.result.LoadCPU = ownCPU() - own
	after, err := proc.ReadCPU(r.spec.ServerPID)
	if err != nil {
		return err
	}
	used := after.Since(before)
	r.result.CPU, r.result.Waited = used.CPU, used.Waited
	r.result.Exited, r.result.ByClock = used.Exited, used.Clock
	return nil
}

// fail counts a connection's end with something in flight.
func (r *run) fail(format string, values ...any) {
	r.result.Failed++
	if r.result.FirstFail == "" {
		r.result.FirstFail = fmt.Sprintf(format, values...)
	}
}

// receive reads what has come and scans it. whole is called for every response. It
// returns false after an error, which it has counted; the connection is of no use then. ended is
// whether the event said that the server has finished sending.
func (r *run) receive(c *client, ended bool, whole func(Response)) bool {
	for {
		n, errno := readNow(c.fd, r.buffer)
		switch {
		case errno == unix.EAGAIN || errno == unix.EINTR:
			return true
		case errno != 0:
			r.fail("read: %v", errno)
			return false
		case n == 0:
			r.fail("closed by the server with %d responses to come", c.awaited)
			return false
		}
		if !r.scan(c, r.buffer[:n], whole) {
			return false
		}
		// A short read has emptied the socket; more raises a new event, but
		// an end that this event has told of does not.
		if n < len(r.buffer) && !(ended && c.awaited > 0) {
			return true
		}
	}
}

// scan takes bytes apart into responses and keeps what is left over.
func (r *run) scan(c *client, b []byte, whole func(Response)) bool {
	if len(c.part) > 0 {
		c.part = append(c.part, b...)
		b = c.part
	}
	for len(b) > 0 {
		response, err := r.memo.Scan(b)
		if err != nil {
			r.result.Bad++
			r.fail("%v", err)
			return false
		}
		if response.Size == 0 {
			break
		}
		if c.awaited == 0 {
			r.fail("a response that nobody asked for")
			return false
		}
		b = b[response.Size:]
		c.awaited--
		whole(response)
	}
	c.part = append(c.part[:0], b...)
	return true
}

// send writes a request, or as much as the socket takes.
func (r *run) send(c *client, request []byte, responses int) bool {
	c.awaited += responses
	return r.flush(c, request)
}

func (r *run) flush(c *client, b []byte) bool {
	n, errno := writeNow(c.fd, b)
	if errno == unix.EAGAIN {
		n, errno = 0, 0
	}
	if errno != 0 {
		r.fail("write: %v", errno)
		return false
	}
	c.sending = b[n:]
	return true
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
