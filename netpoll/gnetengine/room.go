//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// room waits until the peer of a blocked writer has taken bytes. gnet does not tell:
// its callbacks are about reading. So a duplicate of the descriptor is given to Go's own
// poller, and a goroutine waits there, for as long as the writer is blocked.
type room struct {
	conn *conn    // holder only
	file *os.File // nil if there was no descriptor left
}

// roomRetry is when to look again if the process has no descriptor left.
const roomRetry = 50 * time.Millisecond

// awaitRoom makes Writable be called when there is room. Holder only.
func (t *conn) awaitRoom() {
	if t.room != nil {
		return
	}
	r := &room{conn: t}
	t.room = r
	post := t.guest.loop.Post
	fd, err := unix.FcntlInt(uintptr(t.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		time.AfterFunc(roomRetry, func() { post(r.report) })
		return
	}
	f := os.NewFile(uintptr(fd), "gnet connection")
	r.file = f
	go func() {
		awaitWritable(f)
		f.Close()
		post(r.report)
	}()
}

// awaitWritable waits until a write to f may find room, or the deadline of f.
func awaitWritable(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	// The first look comes after Go's poller has begun to watch, so nothing is missed.
	raw.Write(func(fd uintptr) bool {
		p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(p[:], 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

// report tells the connection. Loop mode.
func (r *room) report() {
	if t := r.conn; t != nil {
		t.room = nil
		t.Writable()
	}
}

// cancel ends the wait: the duplicate must not keep the socket open. Holder only.
func (r *room) cancel() {
	r.conn.room = nil
	r.conn = nil
	if r.file != nil {
		r.file.SetWriteDeadline(time.Unix(1, 0))
	}
}
