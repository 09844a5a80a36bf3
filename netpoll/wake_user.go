//go:build darwin || dragonfly || freebsd

package netpoll

import "golang.org/x/sys/unix"

// waker ends a kqueue's wait by an event of the user's (EVFILT_USER).
type waker struct{}

// open adds the event to the kqueue fd.
func (waker) open(fd int) error {
	return submit(fd, unix.Kevent_t{Filter: unix.EVFILT_USER, Flags: unix.EV_ADD | unix.EV_CLEAR})
}

// wake triggers it. Any goroutine may call it.
func (waker) wake(fd int) {
	submit(fd, unix.Kevent_t{Filter: unix.EVFILT_USER, Fflags: unix.NOTE_TRIGGER})
}

// mine reports whether ev is the waker's. Holder only.
func (waker) mine(ev *unix.Kevent_t) bool { return ev.Filter == unix.EVFILT_USER }

func (waker) close() {}

// submit makes one change and collects nothing.
func submit(fd int, change unix.Kevent_t) error {
	changes := [1]unix.Kevent_t{change}
	for {
		if _, err := unix.Kevent(fd, changes[:], nil, nil); err != unix.EINTR {
			return err
		}
	}
}
