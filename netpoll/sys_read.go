//go:build dragonfly || freebsd || netbsd

package netpoll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// As sys_direct.go; Linux receives by recvfrom.

func sysRead(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
