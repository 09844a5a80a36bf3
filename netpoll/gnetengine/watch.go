//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"os"
	"time"

	"github.com/heddle-go/heddle/netpoll"
	"golang.org/x/sys/unix"
)

// gnet tells about arrived bytes and the end of them only. For what else a connection
// may wait for, a duplicate of its descriptor is given to Go's own poller, and a
// goroutine waits there: until a blocked writer's peer has taken bytes, or, once gnet
// has closed a connection that fibers still hold, until the peer resets it.

// watch is such a wait. The duplicate must not outlive its purpose, since it keeps the
// socket open.
type watch struct {
	conn *conn    // nil when nobody waits any more; holder only
	file *os.File // nil if there was no descriptor left
}

// roomRetry is when to look again for room if the process has no descriptor left.
const roomRetry = 50 * time.Millisecond

// awaitRoom makes Writable be called when there is room. Holder only.
func (t *conn) awaitRoom() {
	if t.room != nil {
		return
	}
	w := &watch{conn: t}
	t.room = w
	post := t.guest.loop.Post
	if w.open(t.fd) != nil {
		time.AfterFunc(roomRetry, func() { post(w.hasRoom) })
		return
	}
	go func() {
		if raw, err := w.file.SyscallConn(); err == nil {
			// The first look comes after Go's poller has begun to watch, so nothing is
			// missed.
			raw.Write(func(fd uintptr) bool { return poll(fd, unix.POLLOUT) != 0 })
		}
		w.file.Close()
		post(w.hasRoom)
	}()
}

// hasRoom reports to the connection. Loop mode.
func (w *watch) hasRoom() {
	if t := w.conn; t != nil {
		t.room = nil
		t.Writable()
	}
}

// awaitReset makes Gone be called when the peer, which has closed its side, resets the
// connection. Holder only.
func (t *conn) awaitReset() error {
	w := &watch{conn: t}
	if err := w.open(t.fd); err != nil {
		return err
	}
	t.reset = w
	post := t.guest.loop.Post
	go func() {
		var cause error
		if raw, err := w.file.SyscallConn(); err == nil {
			raw.Read(func(fd uintptr) bool {
				if poll(fd, 0)&(unix.POLLERR|unix.POLLHUP) == 0 {
					return false
				}
				// Without an error both sides have closed in order: nothing else can come.
				cause = fault(fd)
				return true
			})
		}
		w.file.Close()
		if cause != nil {
			post(func() { w.wasReset(cause) })
		}
	}()
	return nil
}

// wasReset reports to the connection; what arrived before can still be received.
// Loop mode.
func (w *watch) wasReset(cause error) {
	t := w.conn
	if t == nil {
		return
	}
	t.reset = nil
	t.broken(&netpoll.OpError{Op: "read", Err: cause})
}

// fault takes the error of a socket, nil if there is none.
func fault(fd uintptr) error {
	switch code, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); code {
	case 0:
		return nil
	case int(unix.EPIPE): // Linux: a reset after the end
		return unix.ECONNRESET
	default:
		return unix.Errno(code)
	}
}

// open makes the duplicate.
func (w *watch) open(fd int32) error {
	dup, err := duplicate(fd)
	if err != nil {
		return err
	}
	w.file = os.NewFile(uintptr(dup), "gnet connection")
	return nil
}

// cancel ends the wait. Holder only.
func (w *watch) cancel() {
	w.conn = nil
	if w.file != nil {
		w.file.SetDeadline(time.Unix(1, 0)) // the goroutine closes the file
	}
}

// poll asks for the state of a descriptor, without waiting.
func poll(fd uintptr, events int16) int16 {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		if _, err := unix.Poll(p[:], 0); err != unix.EINTR {
			return p[0].Revents
		}
	}
}

func duplicate(fd int32) (int32, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, &netpoll.OpError{Op: "dup", Err: err}
	}
	return int32(dup), nil
}
