//go:build unix

package httpfw

import "syscall"

// descriptors returns how many descriptors the process may have open.
func descriptors() int {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return 1 << 30
	}
	return int(min(uint64(lim.Cur), 1<<30))
}
