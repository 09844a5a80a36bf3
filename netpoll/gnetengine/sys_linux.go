package gnetengine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls on gnet's non-blocking descriptors. They cannot block, so they tell the
// Go scheduler nothing (RawSyscall). Why the unsafe code is safe: every pointer is
// converted in the call's own argument list, as package unsafe asks, points to memory
// that lives through the call, and is not kept by the kernel.

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

// sysWritev writes at most iovMax buffers; iov is scratch memory for as many.
func sysWritev(fd int, bufs [][]byte, iov *[iovMax]unix.Iovec) (int, error) {
	for i, p := range bufs {
		iov[i].Base = unsafe.SliceData(p)
		iov[i].SetLen(len(p))
	}
	defer clear(iov[:len(bufs)])
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(iov)), uintptr(len(bufs)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
