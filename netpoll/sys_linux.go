package netpoll

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// As sys_unix.go, with the same argument for safety.

// sysAccept accepts a connection, non-blocking and closed on exec, and keeps the
// peer's address.
func sysAccept(fd int, p *peer) (int, error) {
	var rsa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&rsa)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	p.set(&rsa)
	return int(n), nil
}

// sysPoll collects events without waiting.
func sysPoll(epfd int, events []unix.EpollEvent) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// sysWait collects events and waits for the first at most d, for ever if negative.
func sysWait(epfd int, events []unix.EpollEvent, d time.Duration) (int, error) {
	var ts *unix.Timespec
	if d >= 0 {
		t := unix.NsecToTimespec(int64(d))
		ts = &t
	}
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epfd), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), uintptr(unsafe.Pointer(ts)), 0, 0)
	if errno == unix.ENOSYS {
		// Before Linux 5.11: whole milliseconds, rounded up.
		ms := -1
		if d >= 0 {
			ms = int((d + time.Millisecond - 1) / time.Millisecond)
		}
		return unix.EpollWait(epfd, events, ms)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// sysSocket opens a non-blocking socket that is closed on exec.
func sysSocket(family, kind int) (int, error) {
	return unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// sysRecvFrom receives one datagram. truncated says that p was too short for it.
func sysRecvFrom(fd int, p []byte, from *peer) (n int, truncated bool, err error) {
	for {
		var rsa unix.RawSockaddrAny
		size := uint32(unix.SizeofSockaddrAny)
		// With MSG_TRUNC the kernel returns the datagram's own length.
		r, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), unix.MSG_TRUNC, uintptr(unsafe.Pointer(&rsa)), uintptr(unsafe.Pointer(&size)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, false, errno
		}
		from.set(&rsa)
		return min(int(r), len(p)), int(r) > len(p), nil
	}
}

// sysSendTo sends one datagram.
func sysSendTo(fd int, p []byte, to netip.AddrPort, zone uint32, v6 bool) error {
	for {
		var errno unix.Errno
		if v6 {
			sa := unix.RawSockaddrInet6{Family: unix.AF_INET6, Scope_id: zone, Addr: to.Addr().As16()}
			putNetworkOrder(&sa.Port, to.Port())
			_, _, errno = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
				uintptr(len(p)), unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&sa)), unix.SizeofSockaddrInet6)
		} else {
			sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().Unmap().As4()}
			putNetworkOrder(&sa.Port, to.Port())
			_, _, errno = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))),
				uintptr(len(p)), unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&sa)), unix.SizeofSockaddrInet4)
		}
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}

// sysRecv and sysSend receive and send on a stream socket. recvfrom and sendto reach
// the socket without the file layer that read and write pass through.

func sysRecv(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

func sysSend(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
