package proc

import (
	"os"
	"testing"
	"time"
)

// The two clocks of this process must agree about work that a thread which
// stays did, and reading memory must find some.
func TestSelf(t *testing.T) {
	before, err := ReadCPU(os.Getpid())
	if err != nil {
		t.Skip(err) // a kernel without schedstat
	}
	for until := time.Now().Add(30 * time.Millisecond); time.Now().Before(until); {
	}
	after, err := ReadCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if clock := after.Clock - before.Clock; clock <= 0 {
		t.Errorf("process clock: %v used by a busy loop", clock)
	}
	if used := after.Since(before); used.CPU <= 0 {
		t.Errorf("used by a busy loop: %+v", used)
	}
	if rss, err := ReadRSS(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("rss: %d, %v", rss, err)
	}
}
