//go:build netbsd || openbsd

package netpoll

import "golang.org/x/sys/unix"

// waker ends a kqueue's wait by a pipe: NetBSD before 10 and OpenBSD have no
// EVFILT_USER.
type waker struct{ r, w int }

// open adds the pipe to the kqueue fd.
func (k *waker) open(fd int) error {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return err
	}
	k.r, k.w = p[0], p[1]
	var changes [1]unix.Kevent_t
	unix.SetKevent(&changes[0], k.r, unix.EVFILT_READ, unix.EV_ADD)
	for {
		_, err := unix.Kevent(fd, changes[:], nil, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			k.close()
		}
		return err
	}
}

// wake writes to the pipe. If it is full the kqueue has more than enough to wake for.
// Any goroutine may call it.
func (k *waker) wake(int) { sysWrite(k.w, []byte{1}) }

// mine empties the pipe if ev is the waker's. The filter is level-triggered, so what
// is left is reported again. Holder only.
func (k *waker) mine(ev *unix.Kevent_t) bool {
	if int(ev.Ident) != k.r {
		return false
	}
	var b [64]byte
	sysRead(k.r, b[:])
	return true
}

func (k *waker) close() {
	unix.Close(k.r)
	unix.Close(k.w)
}
