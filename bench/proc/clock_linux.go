package proc

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errNoProcess is what reading a file of an exited thread returns.
var errNoProcess error = syscall.ESRCH

// processClock reads the CPU-time clock of a whole process, exited threads
// included. Its number is made as clock_getcpuclockid(3) makes it: the
// complement of the process number, shifted by three, with 2 for "scheduler time".
func processClock(pid int) time.Duration {
	const scheduler = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
