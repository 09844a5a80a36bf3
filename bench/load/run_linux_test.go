package load

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server in this process that answers as the rivals do, and
// returns where. /block takes 20 ms, /fail answers 500, /mute closes without an answer.
func serve(t *testing.T) (addr string, served *atomic.Int64) {
	served = new(atomic.Int64)
	mux := http.NewServeMux()
	hello := func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		io.WriteString(w, "Hello, World!")
	}
	mux.HandleFunc("/", hello)
	mux.HandleFunc("/block", func(w http.ResponseWriter, r *http.Request) {
		<-time.After(20 * time.Millisecond)
		hello(w, r)
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		<-r.Context().Done()
	})
	mux.HandleFunc("/fail", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	mux.HandleFunc("/mute", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), served
}

const window = 40 * time.Millisecond

func TestRun(t *testing.T) {
	addr, served := serve(t)
	for _, spec := range []Spec{
		{Mode: Closed, Connections: 5},
		{Mode: Closed, Connections: 3, Depth: 16},
		{Mode: Connect, Connections: 4},
		{Mode: Stall, Connections: 4, RatePerSecond: 1000, Settle: window / 2,
			BlockConnections: 2, BlockPath: "/block", BlockTime: 20 * time.Millisecond},
	} {
		spec.Addr, spec.ServerPID, spec.Window = addr, os.Getpid(), window
		served.Store(0)
		r, err := Run(spec)
		if err != nil {
			t.Fatalf("%+v: %v", spec, err)
		}
		if r.Requests == 0 || r.Failed+r.Bad+r.Lost > 0 {
			t.Errorf("%s: %+v", spec.Mode, r)
		}
		if answered := r.Requests + r.Blocked; int64(answered) != served.Load() || r.Bytes != int64(answered)*13 {
			t.Errorf("%s: %d requests and %d bytes seen, %d served", spec.Mode, answered, r.Bytes, served.Load())
		}
		if n := r.Latency.Count + r.First.Count; n != uint64(r.Requests) {
			t.Errorf("%s: %d latencies of %d requests", spec.Mode, n, r.Requests)
		}
		if r.CPU <= 0 || r.Wall < window {
			t.Errorf("%s: CPU %v, wall %v", spec.Mode, r.CPU, r.Wall)
		}
		if spec.Mode == Stall && (r.Blocked < 2 || r.BlockIdeal <= 0) {
			t.Errorf("stall: %d blocking calls answered, ideally %v", r.Blocked, r.BlockIdeal)
		}
	}
}

// What a server does wrong must not look like a slow server.
func TestRunCountsFailures(t *testing.T) {
	addr, _ := serve(t)
	for _, mode := range []Mode{Closed, Connect} {
		for _, path := range []string{"/fail", "/mute"} {
			r, err := Run(Spec{
				Mode: mode, Addr: addr, ServerPID: os.Getpid(), Path: path, Connections: 2, Window: 5 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Bad+r.Failed == 0 {
				t.Errorf("%s %s: %+v", mode, path, r)
			}
			if path == "/mute" && (r.Requests > 0 || r.Lost == 0 || r.FirstFail == "") {
				t.Errorf("%s %s: %+v", mode, path, r)
			}
		}
	}
}

// A server that accepts and says nothing: everything is lost, after the grace.
func TestRunLoses(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, spec := range []Spec{
		{Mode: Closed, Connections: 2, Depth: 3},
		{Mode: Connect, Connections: 6},
		{Mode: Stall, Connections: 1, RatePerSecond: 500, BlockConnections: 1, BlockPath: "/", BlockTime: time.Millisecond, Settle: time.Millisecond},
	} {
		spec.Addr, spec.ServerPID = listener.Addr().String(), os.Getpid()
		spec.Window, spec.Grace = 10*time.Millisecond, 10*time.Millisecond
		r, err := Run(spec)
		if err != nil {
			t.Fatal(err)
		}
		if r.Lost != 6 || r.Requests != 0 {
			t.Errorf("%s: %+v", spec.Mode, r)
		}
		if spec.Mode == Stall && (r.First.Count+r.Latency.Count != 5 || r.First.Max < 10*time.Millisecond) {
			t.Errorf("stall: unanswered requests have latencies %+v, %+v", r.First, r.Latency)
		}
	}
}

func TestHold(t *testing.T) {
	addr, served := serve(t)
	for _, spec := range []HoldSpec{
		{Path: "/", Connections: 120, Answered: true},
		{Path: "/wait", Connections: 120},
	} {
		spec.Addr = addr
		served.Store(0)
		opened := false
		held, err := Hold(spec, func() { opened = true }, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		if want := (Held{Connections: 120}); held != want || !opened {
			t.Errorf("%s: %+v, opened %v", spec.Path, held, opened)
		}
		if spec.Answered && served.Load() != 120 {
			t.Errorf("%s: served %d", spec.Path, served.Load())
		}
	}
	if _, err := Hold(HoldSpec{Addr: addr, Path: "/fail", Connections: 1, Answered: true}, nil, nil); err == nil {
		t.Error("a response 500 was taken for an answer")
	}
}

func TestAddress(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1", "192.0.2.1:80", "[::1]:80"} {
		if _, err := address(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
