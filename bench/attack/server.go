package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-go/heddle/bench/proc"
	"github.com/heddle-go/heddle/httpfw"
)

// The server under attack: an App with the default limits. The process tells its own
// figures, not over the network, which may be full.

// A serverSpec has limits that differ from the defaults; 0: the default.
type serverSpec struct {
	LoopConnsMax       int // Listen.ConnsMax: those beyond wait in the backlog
	ConnsMax           int // those beyond get 503
	ConnsPerAddressMax int // those beyond get 429; by default none for loopback addresses
}

// full reports whether peers can take every place that good clients need for new
// connections; what those have they keep.
func (s serverSpec) full() bool { return s.LoopConnsMax > 0 || s.ConnsMax > 0 }

// most is how many connections of peers the server may hold at once.
func (s serverSpec) most(peers int) int {
	switch {
	case s.LoopConnsMax > 0:
		return min(peers, s.LoopConnsMax*runtime.GOMAXPROCS(0))
	case s.ConnsMax > 0:
		return min(peers, s.ConnsMax)
	case s.ConnsPerAddressMax > 0:
		return min(peers, s.ConnsPerAddressMax*addresses)
	}
	return peers
}

// figures are what the server process holds.
type figures struct {
	Memory      int64 // resident, bytes
	Descriptors int
	Goroutines  int
	Fibers      int
	Go          parts `json:",omitzero"` // settled only
}

// parts are where the memory of a settled process is, by runtime.MemStats, bytes.
type parts struct{ Live, Held, Stacks, Spans, Collector, Other uint64 }

// greatest returns the greater of each figure.
func (f figures) greatest(g figures) figures {
	return figures{max(f.Memory, g.Memory), max(f.Descriptors, g.Descriptors), max(f.Goroutines, g.Goroutines), max(f.Fibers, g.Fibers), parts{}}
}

// largeBytes is the size of a reply that no socket holds.
const largeBytes = 16 << 20

func serve(specification []byte) error {
	var spec serverSpec
	if err := json.Unmarshal(specification, &spec); err != nil {
		return err
	}
	config := httpfw.Config{Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
	config.Listen.ConnsMax = spec.LoopConnsMax
	config.ConnsMax = spec.ConnsMax
	config.ConnsPerAddressMax = spec.ConnsPerAddressMax
	app := httpfw.New(config)
	app.Get("/id/:id", func(c *httpfw.Ctx) error { return c.Text(200, c.Param("id")) })
	app.Post("/echo", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Bytes(200, "text/plain", b)
	})
	app.Get("/wait", func(c *httpfw.Ctx) error {
		ms, _ := strconv.Atoi(c.Query("ms"))
		if err := c.Sleep(time.Duration(ms) * time.Millisecond); err != nil {
			return err
		}
		return c.Text(200, "waited")
	})
	large := make([]byte, largeBytes)
	app.Get("/large", func(c *httpfw.Ctx) error { return c.Bytes(200, "application/octet-stream", large) })
	srv, err := app.Start("127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := say(srv.Addr().String()); err != nil {
		return err
	}
	return obey(func(word string) (any, error) {
		switch word {
		case "settle":
			runtime.GC() // twice, for what sync.Pool keeps through one
			debug.FreeOSMemory()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			f, err := figuresOf(srv)
			f.Go = parts{Live: m.HeapAlloc, Held: m.HeapInuse, Stacks: m.StackInuse, Spans: m.MSpanInuse, Collector: m.GCSys, Other: m.OtherSys}
			return f, err
		case "look":
			return figuresOf(srv)
		}
		return nil, errWord
	})
}

func figuresOf(srv *httpfw.Server) (f figures, err error) {
	if f.Memory, err = proc.ReadRSS(os.Getpid()); err != nil {
		return f, err
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return f, err
	}
	f.Descriptors = len(open)
	f.Goroutines = runtime.NumGoroutine()
	for _, name := range srv.Runtime().Running() {
		n := 1
		if at := strings.LastIndex(name, " x"); at >= 0 {
			fmt.Sscan(name[at+2:], &n)
		}
		f.Fibers += n
	}
	return f, nil
}
