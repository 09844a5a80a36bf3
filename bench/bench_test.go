package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/bench/load"
	"github.com/heddle-go/heddle/bench/proc"
	"github.com/heddle-go/heddle/bench/roster"
)

// TestMain lets the driver start this test binary as it starts itself.
func TestMain(m *testing.M) {
	runtime.LockOSThread()
	switch err := subcommand(os.Args[1:]); {
	case err == nil:
		return
	case !errors.Is(err, errNone):
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		figures []float64
		want    Spread
	}{
		{[]float64{7}, Spread{7, 7, 7, 1}},
		{[]float64{2, 1}, Spread{1.5, 1.25, 1.75, 2}},
		{[]float64{5, 1, 4, 2, 3}, Spread{3, 2, 4, 5}},
	} {
		if got := spread(c.figures); got != c.want {
			t.Errorf("%v: %+v", c.figures, got)
		}
	}
	if s := spread(nil); s.known() || !math.IsNaN(s.Median) {
		t.Errorf("of nothing: %+v", s)
	}
}

// The machine gets three times as slow in the middle; the ratios do not see it.
func TestRatioIsPaired(t *testing.T) {
	of, to := []float64{2, 6, 2, 6, 2}, []float64{4, 12, 4, 12, 4}
	if got, want := ratio(of, to), (Spread{0.5, 0.5, 0.5, 5}); got != want {
		t.Errorf("%+v", got)
	}
	if got := ratio(of, []float64{0, 6}); got != (Spread{1, 1, 1, 1}) {
		t.Errorf("a round without figures: %+v", got)
	}
	if got := ratio(nil, to); got.known() {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	Table{
		Header: []string{"server", "time", "of x"},
		Rows:   [][]string{{"a", "12 µs", "1"}, {"longest", "3 ms", ""}},
	}.print(&b)
	want := "" +
		"  server    time  of x\n" +
		"  -------  -----  ----\n" +
		"  a        12 µs     1\n" +
		"  longest   3 ms\n"
	if b.String() != want {
		t.Errorf("\n%s", b.String())
	}
}

func TestCells(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{duration(0), "0.00 µs"}, {duration(490), "0.49 µs"}, {duration(9999), "10.00 µs"}, {duration(12345), "12.3 µs"},
		{duration(1234567), "1.23 ms"}, {duration(2.5e9), "2.50 s"},
		{ratioCell(Spread{}), "-"}, {ratioCell(Spread{1, 1, 1, 1}), "1.00"},
		{ratioCell(Spread{0.876, 0.8, 0.9, 9}), "0.88 (0.80..0.90)"},
		{spreadCell(Spread{512, 500, 600, 3}, bytesOf), "512 B (500 B..600 B)"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestAims(t *testing.T) {
	a, b := Series{Server: "a"}, Series{Server: "b"}
	for _, n := range []float64{1, 2, 3} {
		a.add(cpuPerRequest, n)
		b.add(cpuPerRequest, 2*n)
		a.add(cpuIdle, 3*n)
	}
	outcomes := []Outcome{{Scenario: "keepalive", Series: []Series{a, b}}}
	found := aims([]Target{
		against("keepalive", "a", "b", 0.50),
		against("keepalive", "a", "b", 0.49),
		against("keepalive", "a", "absent", 1),
		against("other", "a", "b", 1),
		{Scenario: "keepalive", Server: "a", Metric: cpuIdle, Over: cpuPerRequest, Limit: 3, AtLeast: true, cell: part},
		{Scenario: "keepalive", Server: "a", Metric: cpuPerRequest, Limit: 1.5, cell: part},
	}, outcomes)
	var verdicts []bool
	for _, f := range found {
		verdicts = append(verdicts, f.OK)
	}
	if len(found) != 4 || !verdicts[0] || verdicts[1] || !verdicts[2] || verdicts[3] {
		t.Errorf("%+v", found)
	}
	if text := aimTable(found); text.Rows[1][5] != "SHORT" || text.Rows[2][3] != ">= 3.00" {
		t.Errorf("%v", text.Rows)
	}
}

// Every target must name what exists, or it would never be looked at.
func TestTargetsNameServersAndScenarios(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios {
		names[s.name] = true
	}
	for _, target := range targets {
		if !names[target.Scenario] {
			t.Errorf("no scenario %q", target.Scenario)
		}
		for _, server := range []string{target.Server, target.Rival} {
			if _, found := roster.Find(server); server != "" && server != roster.HeddleBefore && !found && target.Scenario != "park" && target.Scenario != "compile" {
				t.Errorf("no server %q", server)
			}
		}
	}
}

func TestParse(t *testing.T) {
	var usage bytes.Buffer
	o, err := parse([]string{"-quick", "-only", "connect,keepalive", "-servers", "net/http,gnet", "-rounds", "3"}, &usage)
	if err != nil || len(o.scenarios) != 2 || o.scenarios[0].name != "keepalive" ||
		len(o.servers) != 2 || o.servers[0].Name != "gnet" || o.sizes.Rounds != 3 || o.sizes.Window != quick.Window {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parse(nil, &usage); err != nil || len(o.scenarios) == 0 ||
		slices.ContainsFunc(o.scenarios, func(s scenario) bool { return s.alone }) {
		t.Errorf("without flags: %v, %v", o.scenarios, err)
	}
	if o, err = parse([]string{"-only", "compile"}, &usage); err != nil || len(o.scenarios) != 1 {
		t.Errorf("-only compile: %v, %v", o.scenarios, err)
	}
	for _, bad := range [][]string{{"-only", "nothing"}, {"-servers", "apache"}, {"word"}, {"-unknown"}} {
		if _, err := parse(bad, &usage); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestReason(t *testing.T) {
	output := "# example.org/x\n\nx.go:1:1: wrong\nx.go:2:1: more\n"
	if got := reason([]byte(output), nil); got != "x.go:1:1: wrong" {
		t.Errorf("%q", got)
	}
	if got := reason(nil, errors.New("exit status 1")); got != "exit status 1" {
		t.Errorf("%q", got)
	}
}

func TestListening(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"listening on 127.0.0.1:8080", "127.0.0.1:8080"},
		{"hello: http://127.0.0.1:41000/ on 1 loop", "127.0.0.1:41000"},
		{"Launching on 127.0.0.1:0", ""}, // the port asked for, not yet the one given
	} {
		if got := listening.FindString(c.line); got != c.want {
			t.Errorf("%q: %q", c.line, got)
		}
	}
}

func TestFlaw(t *testing.T) {
	if said := flaw(load.Result{Requests: 1}); said != "" {
		t.Errorf("a flawless run: %s", said)
	}
	for _, r := range []load.Result{{}, {Requests: 9, Lost: 1}, {Requests: 9, Bad: 1}, {Requests: 9, Failed: 1, FirstFail: "read"}} {
		if said := flaw(r); !strings.Contains(said, r.FirstFail) || said == "" {
			t.Errorf("%+v: %q", r, said)
		}
	}
}

func TestModelName(t *testing.T) {
	if got := modelName([]byte("processor\t: 0\nmodel name\t: A: B\n")); got != "A: B" {
		t.Errorf("%q", got)
	}
}

func TestSizesWithin(t *testing.T) {
	if s := full.within(20000); s.Idle != full.Idle || s.Parked != full.Parked {
		t.Errorf("20,000 descriptors: %+v", s)
	}
	if s := full.within(4096); s.Idle > 4096-full.Connections || s.Idle < 3000 || s.Parked != s.Idle {
		t.Errorf("4,096 descriptors: %+v", s)
	}
}

// The whole of it once, very short: builds the net/http server, starts it on its core,
// and runs every scenario. A server that does not exist is skipped in one line.
func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a server")
	}
	if cores, err := proc.Cores(); err != nil || len(cores) < 2 {
		t.Skipf("needs two cores: %v, %v", cores, err)
	}
	cores, _ := proc.Cores()
	nethttp, _ := roster.Find(roster.NetHTTP)
	absent := roster.Server{Name: "absent", Hello: roster.Command{Package: nethttp.Hello.Package + "/absent"}}
	// The scenarios park and compile have no server; they would build a package's tests and all examples.
	served := slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return s.name == "park" || s.alone })
	o := options{
		scenarios: served, servers: []roster.Server{absent, nethttp}, chosen: true,
		server: cores[0], load: cores[1],
		sizes: sizes{
			Rounds: 2, Window: 10 * time.Millisecond, Connections: 5, Connecting: 4, Depth: 4,
			Idle: 20, Parked: 20, MemoryRuns: 1,
			StallRuns: 1, StallTime: 50 * time.Millisecond, StallRate: 500, Blocking: 2, Block: 20 * time.Millisecond,
		},
	}
	var out, complaints bytes.Buffer
	report, err := o.run(context.Background(), &out, newProgress(&complaints))
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	if len(report.Problems) > 0 || len(report.Skipped) != 1 {
		t.Errorf("problems %q, skipped %q", report.Problems, report.Skipped)
	}
	for _, outcome := range report.Outcomes {
		if len(outcome.Series) != 1 || len(outcome.table.Rows) != 1 {
			t.Errorf("%s: %d servers", outcome.Scenario, len(outcome.Series))
		}
	}
	for _, want := range []string{"machine ", "keepalive: ", "net/http", "skipped absent: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := report.write(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	var read Report
	if err != nil || json.Unmarshal(text, &read) != nil || len(read.Outcomes) != len(served) {
		t.Errorf("report: %v, %d bytes", err, len(text))
	}
}

// A run that is interrupted ends with an error, and its children with it.
func TestInterrupted(t *testing.T) {
	cores, err := proc.Cores()
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	at := place{core: cores[0], procs: 1}
	cancelled, err := startSelf(ctx, at, "hold", load.HoldSpec{Addr: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := cancelled.line(); err != nil || text != "held" {
		t.Fatalf("%q, %v", text, err)
	}
	cancel()
	if text, err := cancelled.line(); err == nil {
		t.Errorf("said %q after the end", text)
	}
	if cancelled.command.ProcessState == nil {
		t.Error("still running")
	}
}

func TestBenchmarks(t *testing.T) {
	const output = "goos: linux\nBenchmarkParkReady-2 \t 9567517\t       122.4 ns/op\t       0 B/op\nBenchmarkChannelPair \t 10\t 250 ns/op\nBenchmarkX-2 5 6 B/op\nPASS\n"
	got := benchmarks(output)
	if len(got) != 2 || got["BenchmarkParkReady"] != 122.4 || got["BenchmarkChannelPair"] != 250 {
		t.Errorf("got %v", got)
	}
}
