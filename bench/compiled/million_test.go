package compiled

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/heddle-go/heddle/bench/proc"
	"github.com/heddle-go/heddle/fiber"
)

// A million fibers and a million goroutines are parked in processes of their own, one
// after the other: this program, with two arguments. What the ones leave behind in the
// runtime, such as descriptors of goroutines, is so not laid to the others.

const (
	ofFibers     = "fibers"
	ofGoroutines = "goroutines" // asleep, as the fibers are
	ofReceivers  = "receivers"  // goroutines at a channel, which have no timers
)

var parties = []string{ofFibers, ofGoroutines, ofReceivers}

// holding is what a process with parked ones found. Bytes are for each of them, the
// process without them taken off.
type holding struct {
	Live    float64 // objects and stacks, after a collection
	RSS     float64 // resident memory, which has what the collector left free in between
	GC      float64 // ns of a full collection, the shortest of several: on a busy machine the least disturbed
	GCCPU   float64 // ns of CPU time of one, the mean: all else in the process rests
	Threads int     // goroutines
}

// collections is how many are timed.
const collections = 9

func hold(who string, n int) (holding, error) {
	pages := func() float64 {
		rss, err := proc.ReadRSS(os.Getpid())
		if err != nil {
			return 0
		}
		return float64(rss)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	empty := pages()
	switch who {
	case ofFibers:
		rt, err := fiber.New(config)
		if err != nil {
			return holding{}, err
		}
		rt.Start()
		park(rt, n)
		defer runtime.KeepAlive(rt)
	case ofGoroutines, ofReceivers:
		var wake chan struct{}
		if who == ofReceivers {
			wake = make(chan struct{})
		}
		for range n {
			go plainParked(&thread{wake})
		}
		for arrived.Load() < int64(n) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond) // the last of them wait by then
	default:
		return holding{}, fmt.Errorf("who are %q?", who)
	}
	var found holding
	runtime.GC()
	runtime.GC() // what the first has found free is swept
	runtime.ReadMemStats(&after)
	found.Live = float64(int64(after.HeapAlloc+after.StackInuse)-int64(before.HeapAlloc+before.StackInuse)) / float64(n)
	found.RSS = (pages() - empty) / float64(n)
	found.Threads = runtime.NumGoroutine()
	var times []float64
	begin, err := cpuTime()
	if err != nil {
		return found, err
	}
	for range collections {
		at := time.Now()
		runtime.GC()
		times = append(times, float64(time.Since(at)))
	}
	found.GC = slices.Min(times)
	cpu, err := cpuTime()
	found.GCCPU = float64(cpu-begin) / collections
	return found, err
}

// TestMain lets the benchmark start this program again to hold who.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && slices.Contains(parties, os.Args[1]) {
		n, err := strconv.Atoi(os.Args[2])
		if err == nil {
			var found holding
			if found, err = hold(os.Args[1], n); err == nil {
				err = json.NewEncoder(os.Stdout).Encode(found)
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// parkedMost is how many are parked, and parkedBytes what each may take while they are
// being started: if the machine has less memory to spare, fewer are.
const (
	parkedMost  = 1_000_000
	parkedBytes = 8 << 10
)

// BenchmarkMillion parks fibers at depth 3 in Sleep, as many goroutines in time.Sleep, and
// as many that receive from a channel. Choose -benchtime 5x for medians of 5.
func BenchmarkMillion(b *testing.B) {
	wantCompiled(b)
	n := parkedMost
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if spare, err := proc.ParseKilobytes(text, "MemAvailable:"); err == nil {
			n = min(n, int(spare/parkedBytes))
		}
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	figures := map[string][]float64{}
	for range b.N {
		turn := map[string]holding{}
		for _, who := range parties {
			output, err := exec.Command(self, who, strconv.Itoa(n)).Output()
			var found holding
			if err == nil {
				err = json.Unmarshal(output, &found)
			}
			if err != nil {
				b.Fatalf("%s: %v", who, err)
			}
			if who == ofFibers && found.Threads > n/10 {
				b.Fatalf("%d parked fibers hold %d goroutines", n, found.Threads)
			}
			turn[who] = found
			for unit, figure := range map[string]float64{"B/": found.Live, "rss-B/": found.RSS, "gc-ns/": found.GC, "gc-cpu-ns/": found.GCCPU} {
				figures[unit+who] = append(figures[unit+who], figure)
			}
		}
		for _, rival := range parties[1:] {
			figures["gc/"+rival] = append(figures["gc/"+rival], turn[ofFibers].GC/turn[rival].GC)
			figures["gc-cpu/"+rival] = append(figures["gc-cpu/"+rival], turn[ofFibers].GCCPU/turn[rival].GCCPU)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(n), "parked")
	for unit, list := range figures {
		b.ReportMetric(median(list), unit)
	}
}
