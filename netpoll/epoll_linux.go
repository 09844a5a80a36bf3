package netpoll

import (
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// epoll is the engine of Linux: edge-triggered, one registration a descriptor for
// its whole life, so the kernel holds at most one pending notification of each:
// nothing overflows, nothing is lost, idle connections cost nothing, and nobody is
// served twice before the others.
type epoll struct {
	readiness
	fd     int
	wakeFD int
	events []unix.EpollEvent
}

const eventsMax = 256

// NewEngine returns the engine of this operating system for a loop: fiber.Config's
// NewPoller.
func NewEngine(l *fiber.Loop) (fiber.Poller, error) { return newEpoll(l) }

func newEpoll(l *fiber.Loop) (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, &OpError{Op: "epoll_create1", Err: err}
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(fd)
		return nil, &OpError{Op: "eventfd", Err: err}
	}
	e := &epoll{fd: fd, wakeFD: wake, events: make([]unix.EpollEvent, eventsMax)}
	e.init(l)
	// Edge-triggered, so the counter need never be read.
	if err := e.watch(wake, 0, unix.EPOLLIN|unix.EPOLLET); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *epoll) Lacks() Lacks { return Lacks{} }

// watch asks the kernel for the events of a descriptor.
func (e *epoll) watch(fd int, gen uint32, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(gen)}
	if err := unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return &OpError{Op: "epoll_ctl", Err: err}
	}
	return nil
}

// watchConnection asks for everything that happens to a connection.
func (e *epoll) watchConnection(fd int, gen uint32) error {
	return e.watch(fd, gen, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

// watchListener asks for the events of a listening socket, which other loops may
// watch too: one of them is woken for a connection.
func (e *epoll) watchListener(fd int, gen uint32) error {
	return e.watch(fd, gen, unix.EPOLLIN|unix.EPOLLET|unix.EPOLLEXCLUSIVE)
}

// unwatch ends it.
func (e *epoll) unwatch(fd int) { unix.EpollCtl(e.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// arm asks for the events of the connections that came since the last wait.
func (e *epoll) arm() {
	for i, s := range e.fresh {
		e.fresh[i] = nil
		if s.armed {
			continue
		}
		s.armed = true
		if err := e.watchConnection(int(s.fd), s.gen); err != nil {
			s.Conn.fail(err, false)
		}
	}
	e.fresh = e.fresh[:0]
}

func (e *epoll) Poll(d time.Duration) {
	if len(e.fresh) > 0 {
		e.arm()
	}
	var n int
	var err error
	if d == 0 {
		n, err = sysPoll(e.fd, e.events)
	} else {
		n, err = sysWait(e.fd, e.events, d)
	}
	if err != nil {
		return // EINTR: the loop comes again
	}
	for i := range e.events[:n] {
		ev := &e.events[i]
		p := e.at(int(ev.Fd))
		if p == nil || p.generation() != uint32(ev.Pad) {
			continue // an earlier event of this batch closed it
		}
		p.event(ev.Events&unix.EPOLLIN != 0, ev.Events&unix.EPOLLOUT != 0,
			ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP) != 0, ev.Events&unix.EPOLLERR != 0)
	}
}

// one is what is written to the wake-up counter.
var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

func (e *epoll) Wake() { sysWrite(e.wakeFD, one) }

func (e *epoll) Close() error {
	e.closeAll()
	unix.Close(e.wakeFD)
	return unix.Close(e.fd)
}

// systemEngine is the readiness engine of this operating system.
type systemEngine = epoll
