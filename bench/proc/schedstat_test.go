package proc

import (
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	for _, c := range []struct {
		text string
		want Ran
		bad  bool
	}{
		{text: "844899982 43606460 5115\n", want: Ran{844899982, 43606460}},
		{text: "0 0 0\n", want: Ran{}},
		{text: "9223372036854775807 1 1\n", want: Ran{9223372036854775807, 1}},
		{text: "", bad: true},
		{text: "12 13\n", bad: true},
		{text: "-1 2 3\n", bad: true},
		{text: "x 2 3\n", bad: true},
	} {
		got, err := ParseSchedstat([]byte(c.text))
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
}

// threads makes the figures of threads from pairs: number, time on a core.
func threads(pairs ...time.Duration) map[int]Ran {
	all := map[int]Ran{}
	for i := 0; i < len(pairs); i += 2 {
		all[int(pairs[i])] = Ran{CPU: pairs[i+1]}
	}
	return all
}

func TestSince(t *testing.T) {
	before := CPU{Threads: threads(1, 100, 2, 200, 3, 300), Clock: 600}
	for _, c := range []struct {
		name string
		now  CPU
		want Used
	}{
		{"same threads", CPU{Threads: threads(1, 150, 2, 200, 3, 301), Clock: 651}, Used{Ran: Ran{CPU: 51}}},
		{"a new thread", CPU{Threads: threads(1, 100, 2, 200, 3, 300, 4, 7), Clock: 607}, Used{Ran: Ran{CPU: 7}}},
		{"one exited, little lost", CPU{Threads: threads(1, 100, 2, 260), Clock: 670}, Used{Ran: Ran{CPU: 60}, Exited: 1}},
		{"one exited, much lost",
			CPU{Threads: threads(1, 100, 2, 200), Clock: 600 + 5*time.Millisecond},
			Used{Ran: Ran{CPU: 5 * time.Millisecond}, Exited: 1, Clock: true}},
		{"a number used again", CPU{Threads: threads(1, 100, 2, 200, 3, 10)}, Used{Ran: Ran{CPU: 10}, Exited: 1}},
		{"no process clock", CPU{Threads: threads(1, 101, 2, 200, 3, 300)}, Used{Ran: Ran{CPU: 1}}},
	} {
		if got := c.now.Since(before); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestParseKilobytes(t *testing.T) {
	text := []byte("55d7-7ffd ---p 00000000 00:00 0    [rollup]\nRss:                1788 kB\nPss:  355 kB\n")
	if n, err := ParseKilobytes(text, "Rss:"); err != nil || n != 1788<<10 {
		t.Errorf("Rss: %d, %v", n, err)
	}
	if _, err := ParseKilobytes(text, "Swap:"); err == nil {
		t.Error("a missing line was found")
	}
}
