package load

import (
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is an epoll descriptor with its batch of events. Descriptors are
// registered edge-triggered, once.
type poller struct {
	fd     int
	events [256]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &poller{fd: fd}, nil
}

// add registers fd; slot comes back with its events.
func (p *poller) add(fd, slot int, events uint32) error {
	event := unix.EpollEvent{Events: events | unix.EPOLLET | unix.EPOLLRDHUP, Fd: int32(slot)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event))
}

// wait returns the events there are, waiting for the first until the timeout:
// 0 never waits, and is a raw system call, since it cannot block.
func (p *poller) wait(timeout time.Duration) ([]unix.EpollEvent, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events)), uintptr(len(p.events)), 0, 0, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("epoll_pwait", errno)
	}
	if n > 0 || timeout <= 0 {
		return p.events[:n], nil
	}
	milliseconds := int((timeout + time.Millisecond - 1) / time.Millisecond)
	ready, err := unix.EpollWait(p.fd, p.events[:], milliseconds)
	if err == unix.EINTR {
		return nil, nil
	}
	return p.events[:max(ready, 0)], os.NewSyscallError("epoll_wait", err)
}

func (p *poller) close() { unix.Close(p.fd) }

// readNow and writeNow are for non-blocking sockets: they cannot block, so the
// Go scheduler need not hear of them.
func readNow(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

func writeNow(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return int(n), errno
}

// sources is how many loopback addresses 127.0.0.1… lasting connections come
// from: the ports of one are 28,000 by default, and may be fewer.
const sources = 4

// address parses where the server listens.
func address(text string) (*unix.SockaddrInet4, error) {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	if !a.Addr().Is4() || !a.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not an IPv4 loopback address", text)
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, nil
}

// open makes a non-blocking socket whose source is the n-th address. Binding
// leaves the port open until connect, which may then use one port for several servers.
func open(n int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	source := unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + n%sources)}}
	if n%sources != 0 {
		unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, &source); err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("bind", err)
		}
	}
	return fd, nil
}

// dialTime is how long a connection may take to be made when there is nothing else to do.
const dialTime = 5 * time.Second

// dial makes a connection and waits for it.
func dial(to *unix.SockaddrInet4, n int) (int, error) {
	fd, err := open(n)
	if err != nil {
		return -1, err
	}
	if err := finishDial(fd, to); err != nil {
		unix.Close(fd)
		return -1, err
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	return fd, nil
}

func finishDial(fd int, to *unix.SockaddrInet4) error {
	err := unix.Connect(fd, to)
	if err == nil {
		return nil
	}
	if err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	if err := await(fd, unix.POLLOUT, dialTime); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if code != 0 {
		return os.NewSyscallError("connect", unix.Errno(code))
	}
	return nil
}

// await waits until one descriptor is ready.
func await(fd int, events int16, timeout time.Duration) error {
	for until := time.Now().Add(timeout); ; {
		left := time.Until(until)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		polled := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(polled, int(left/time.Millisecond)+1)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		if n > 0 {
			return nil
		}
	}
}
