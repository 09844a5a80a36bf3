//go:build linux || dragonfly || freebsd || netbsd

package netpoll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls on non-blocking descriptors, where Go makes them itself. They cannot
// block, so they tell the Go scheduler nothing (RawSyscall), which halves what a small
// read costs. sys_unix.go has the argument for safety.

func sysWrite(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

func sysWritev(fd int, iov []unix.Iovec) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(iov))), uintptr(len(iov)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
