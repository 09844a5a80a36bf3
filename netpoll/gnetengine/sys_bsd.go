//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package gnetengine

import "golang.org/x/sys/unix"

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

// sysWritev sends by sendmsg, which x/sys has on all of these systems.
func sysWritev(fd int, bufs [][]byte, _ *[iovMax]unix.Iovec) (int, error) {
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
