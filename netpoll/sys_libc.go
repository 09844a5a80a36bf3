//go:build darwin || openbsd

package netpoll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls on non-blocking descriptors, where they may be made through the C
// library only (OpenBSD refuses others, macOS does not keep their numbers). sys_unix.go
// has the argument for safety.

func sysRead(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if err == nil {
			return n, nil
		}
		if err != unix.EINTR {
			return 0, err
		}
	}
}

func sysWrite(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		if err == nil {
			return n, nil
		}
		if err != unix.EINTR {
			return 0, err
		}
	}
}

// sysWritev sends by sendmsg, which x/sys has on both systems. It allocates.
func sysWritev(fd int, iov []unix.Iovec) (int, error) {
	bufs := make([][]byte, len(iov))
	for i := range iov {
		bufs[i] = unsafe.Slice(iov[i].Base, int(iov[i].Len))
	}
	for {
		n, err := unix.SendmsgBuffers(fd, bufs, nil, nil, 0)
		if err == nil {
			return n, nil
		}
		if err != unix.EINTR {
			return 0, err
		}
	}
}
