// Package proc reads from /proc what one process has used, and places processes on cores.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// CPU is the user and system time a process has used, at one moment.
//
// Threads holds the first field of /proc/PID/task/TID/schedstat of each
// thread: nanoseconds on a CPU as the scheduler accounts them. (The ticks in
// /proc/PID/stat are sampled, and badly wrong on virtual machines.) Two weak
// points, and what is done about them:
//
//   - The field of a thread that runs at this moment is as old as its last
//     switch or tick, up to 4 ms. So read while the process is idle: the load
//     generator drains all requests before both readings.
//   - A thread that exits takes its figure with it, and one that came and went
//     between two readings was never seen. Clock, the CPU-time clock of the
//     whole process, still counts both; Since compares the two.
type CPU struct {
	Threads map[int]Ran
	Clock   time.Duration // 0 where the system has no such clock
}

// Ran is what schedstat says of one thread.
type Ran struct {
	CPU    time.Duration // on a core
	Waited time.Duration // ready, but something else had the core
}

// Used is what a process used between two readings.
type Used struct {
	Ran
	Exited int  // threads of the earlier reading that were gone at the later
	Clock  bool // the figure is the process clock's: schedstat had lost an exited thread
}

// clockSlack is how much more the process clock may show before it is believed
// over schedstat: a part of the figure, and an amount for the short windows.
const (
	clockSlackPart = 100 // one in a hundred
	clockSlack     = time.Millisecond
)

// Since returns what was used from the reading before to this one.
func (c CPU) Since(before CPU) Used {
	var used Used
	for tid, now := range c.Threads {
		// A thread unknown before started since; a smaller figure is a reused number.
		then := before.Threads[tid]
		if then.CPU > now.CPU {
			used.Exited++
			then = Ran{}
		}
		used.CPU += now.CPU - then.CPU
		used.Waited += now.Waited - then.Waited
	}
	for tid := range before.Threads {
		if _, still := c.Threads[tid]; !still {
			used.Exited++
		}
	}
	if clock := c.Clock - before.Clock; clock > used.CPU+used.CPU/clockSlackPart+clockSlack {
		used.CPU, used.Clock = clock, true
	}
	return used
}

// ReadCPU reads the times of all threads of a process.
func ReadCPU(pid int) (CPU, error) {
	tasks := filepath.Join("/proc", strconv.Itoa(pid), "task")
	entries, err := os.ReadDir(tasks)
	if err != nil {
		return CPU{}, err
	}
	cpu := CPU{Threads: make(map[int]Ran, len(entries))}
	for _, entry := range entries {
		tid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(tasks, entry.Name(), "schedstat"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoProcess) {
			continue // exited since the directory was read
		}
		if err != nil {
			return CPU{}, err
		}
		ran, err := ParseSchedstat(text)
		if err != nil {
			return CPU{}, err
		}
		cpu.Threads[tid] = ran
	}
	cpu.Clock = processClock(pid)
	return cpu, nil
}

// ParseSchedstat reads the first two fields of a schedstat file: "RAN WAITED SLICES".
func ParseSchedstat(text []byte) (Ran, error) {
	fields := bytes.Fields(text)
	if len(fields) != 3 {
		return Ran{}, fmt.Errorf("schedstat: %d fields in %q", len(fields), text)
	}
	var times [2]time.Duration
	for i := range times {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil || n < 0 {
			return Ran{}, fmt.Errorf("schedstat: no time in %q", text)
		}
		times[i] = time.Duration(n)
	}
	return Ran{CPU: times[0], Waited: times[1]}, nil
}
