package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pin becomes another program on one core: "CPU NICE PROGRAM ARGUMENT…". The
// affinity is this thread's, the thread that calls execve is the new program's
// first, and every later thread inherits from it. So the program keeps the process number
// that the driver has started, and its runtime counts one core from the start.
// It returns only if it fails.
func Pin(arguments []string) error {
	if len(arguments) < 3 {
		return errors.New("pin: want CPU NICE PROGRAM ARGUMENT…")
	}
	cpu, err := strconv.Atoi(arguments[0])
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	nice, err := strconv.Atoi(arguments[1])
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	arguments = arguments[2:]
	program, err := exec.LookPath(arguments[0])
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin: core %d: %w", cpu, err)
	}
	if nice != 0 {
		if err := prioritize(nice); err != nil {
			return err
		}
	}
	if err := RaiseDescriptors(); err != nil {
		return err
	}
	return fmt.Errorf("pin: %s: %w", program, syscall.Exec(program, arguments, os.Environ()))
}

// prioritize sets the priority of this thread, which is inherited like its
// affinity. Where the scheduler groups processes by session (autogroup), nice
// only counts within the session: so this process gets one of its own, and that the same priority.
func prioritize(nice int) error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, nice); err != nil {
		return fmt.Errorf("pin: nice %d: %w", nice, err)
	}
	if _, err := unix.Setsid(); err != nil {
		return fmt.Errorf("pin: setsid: %w", err)
	}
	err := os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(nice)), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pin: autogroup: %w", err)
	}
	return nil
}

// RaiseDescriptors sets the soft limit of open files to the hard one. It is
// said aloud, since Go lowers its own raise again when it starts a program.
func RaiseDescriptors() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("descriptors: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("descriptors: %w", err)
	}
	return nil
}

// Descriptors is how many files a process may be allowed to open.
func Descriptors() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("descriptors: %w", err)
	}
	return int(min(limit.Max, 1<<30)), nil
}

// Cores lists the cores this process may run on.
func Cores() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var cores []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cores = append(cores, cpu)
		}
	}
	return cores, nil
}
