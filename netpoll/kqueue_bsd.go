//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"time"

	"github.com/heddle-go/heddle/fiber"
	"golang.org/x/sys/unix"
)

// kqueue is the engine of macOS and the BSDs: edge-triggered (EV_CLEAR), a read and a
// write filter for each descriptor. What is to be watched is noted in a list of
// changes, and the one kevent call that collects events submits it.
//
// A descriptor that is closed loses its filters, so events of a closed socket can
// only be in the batch at hand; readiness.at finds them out.
type kqueue struct {
	readiness
	fd      int
	waker   waker
	changes []unix.Kevent_t // not submitted yet; holder only
	events  []unix.Kevent_t // the batch
	timeout unix.Timespec   // of the wait at hand; here because a local one would be allocated
}

const eventsMax = 256

// waitMax is the longest wait asked of the kernel: macOS refuses very long ones.
const waitMax = 24 * time.Hour

// NewEngine returns the engine of this operating system for a loop: fiber.Config's
// NewPoller.
func NewEngine(l *fiber.Loop) (fiber.Poller, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, &OpError{Op: "kqueue", Err: err}
	}
	unix.CloseOnExec(fd) // a child does not inherit it anyway
	e := &kqueue{fd: fd, events: make([]unix.Kevent_t, eventsMax)}
	e.init(l)
	if err := e.waker.open(fd); err != nil {
		unix.Close(fd)
		return nil, &OpError{Op: "kevent", Err: err}
	}
	return e, nil
}

func (e *kqueue) Lacks() Lacks { return Lacks{} }

// change notes a change of one filter.
func (e *kqueue) change(fd, filter, flags int) {
	e.changes = append(e.changes, unix.Kevent_t{})
	unix.SetKevent(&e.changes[len(e.changes)-1], fd, filter, flags)
}

// watchConnection asks for everything that happens to a connection. The generation
// need not go to the kernel, see readiness.at. It never fails: the kernel refuses a
// change in Poll.
func (e *kqueue) watchConnection(fd int, _ uint32) error {
	e.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR)
	e.change(fd, unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_CLEAR)
	return nil
}

// watchListener asks for the events of a listening socket, which other loops may
// watch too: all of them are woken for a connection, and one gets it.
func (e *kqueue) watchListener(fd int, _ uint32) error {
	e.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR)
	return nil
}

// unwatch ends it. Changes that the kernel has not seen are dropped: the descriptor
// may be another's when it does. The deletion itself does no harm then, because
// whoever adds filters of that descriptor anew does so later in the list.
func (e *kqueue) unwatch(fd int) {
	kept := e.changes[:0]
	for _, c := range e.changes {
		if int(c.Ident) != fd {
			kept = append(kept, c)
		}
	}
	dropped := len(kept) < len(e.changes)
	e.changes = kept
	if !dropped {
		e.change(fd, unix.EVFILT_READ, unix.EV_DELETE)
		e.change(fd, unix.EVFILT_WRITE, unix.EV_DELETE)
	}
}

// arm asks for the events of the connections that came since the last wait.
func (e *kqueue) arm() {
	for i, s := range e.fresh {
		e.fresh[i] = nil
		if s.armed {
			continue
		}
		s.armed = true
		e.watchConnection(int(s.fd), s.gen)
	}
	e.fresh = e.fresh[:0]
}

func (e *kqueue) Poll(d time.Duration) {
	if len(e.fresh) > 0 {
		e.arm()
	}
	// A refused change takes a place in the batch, so no more may be submitted at a
	// time than have room there: otherwise the kernel stops at the first.
	for len(e.changes) > len(e.events) {
		if !e.kevent(len(e.events), 0) {
			return
		}
	}
	e.kevent(len(e.changes), d)
}

// kevent submits the first n changes, waits at most d for events, and acts on them.
// It reports false if it was interrupted before.
func (e *kqueue) kevent(n int, d time.Duration) bool {
	var timeout *unix.Timespec
	if d >= 0 {
		e.timeout = unix.NsecToTimespec(int64(min(d, waitMax)))
		timeout = &e.timeout
	}
	got, err := unix.Kevent(e.fd, e.changes[:n], e.events, timeout)
	if err != nil && err != unix.EINTR {
		return false // the loop comes again, with the same changes
	}
	// An interrupted call has applied its changes: only the wait was cut short.
	e.changes = e.changes[:copy(e.changes, e.changes[n:])]
	if err != nil {
		return false
	}
	seen := e.gens
	for i := range e.events[:got] {
		e.dispatch(&e.events[i], seen)
	}
	return true
}

// dispatch acts on one event of a batch that was collected when seen was the
// newest generation.
func (e *kqueue) dispatch(ev *unix.Kevent_t, seen uint32) {
	fd := int(ev.Ident)
	if e.waker.mine(ev) {
		return
	}
	p := e.atBefore(fd, seen)
	if p == nil {
		return
	}
	flags := int(ev.Flags)
	if flags&unix.EV_ERROR != 0 {
		// A change was refused. A deletion that came after the close (ENOENT, EBADF)
		// concerns nobody: nobody is at that place, or somebody whose filters are
		// added later. A refused addition means a descriptor that can never wake.
		if errno := unix.Errno(ev.Data); errno != 0 && errno != unix.ENOENT && errno != unix.EBADF {
			p.event(true, true, false, true)
		}
		return
	}
	// At the end of the stream fflags holds the socket's error, if it has one.
	eof := flags&unix.EV_EOF != 0
	broken := eof && ev.Fflags != 0
	switch int(ev.Filter) {
	case unix.EVFILT_READ:
		p.event(true, false, eof, broken)
	case unix.EVFILT_WRITE:
		// The end on the writing side alone is our own CloseWrite or a peer that reads
		// no more; the next write tells.
		p.event(false, true, false, broken)
	}
}

func (e *kqueue) Wake() { e.waker.wake(e.fd) }

func (e *kqueue) Close() error {
	e.closeAll()
	e.waker.close()
	return unix.Close(e.fd)
}

// systemEngine is the readiness engine of this operating system.
type systemEngine = kqueue

// atBefore is at, nil also if who is there came after the batch of
// events at hand: seen is the newest generation of when that was collected. It serves
// engines whose kernel forgets a descriptor's events when it is closed, but those
// already in the batch.
func (r *readiness) atBefore(fd int, seen uint32) pollable {
	p := r.at(fd)
	if p == nil || int32(p.generation()-seen) > 0 {
		return nil
	}
	return p
}
