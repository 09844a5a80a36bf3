package load

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// holdBatch is how many connections are opened before the server is asked
// whether it has accepted them: below any usual backlog.
const holdBatch = 100

// Hold opens connections, sends one request on each, says so by opened, and
// keeps them until keep has ended. Then it looks what became of them.
func Hold(spec HoldSpec, opened func(), keep io.Reader) (Held, error) {
	to, err := address(spec.Addr)
	if err != nil {
		return Held{}, err
	}
	var fds []int
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	one := request(spec.Path, spec.Addr, false, 1)
	for len(fds) < spec.Connections {
		first := len(fds)
		for range min(holdBatch, spec.Connections-first) {
			fd, err := dial(to, len(fds))
			if err != nil {
				return Held{}, fmt.Errorf("connection %d: %w", len(fds)+1, err)
			}
			fds = append(fds, fd)
			if n, errno := writeNow(fd, one); errno != 0 || n < len(one) {
				return Held{}, fmt.Errorf("connection %d: wrote %d: %w", len(fds), n, errno)
			}
		}
		if spec.Answered {
			for i, fd := range fds[first:] {
				if err := readOne(fd); err != nil {
					return Held{}, fmt.Errorf("connection %d: %w", first+i+1, err)
				}
			}
		} else if err := sentinel(to); err != nil {
			return Held{}, fmt.Errorf("after %d connections: %w", len(fds), err)
		}
	}
	opened()
	if _, err := io.Copy(io.Discard, keep); err != nil {
		return Held{}, err
	}
	held := Held{Connections: len(fds)}
	for _, fd := range fds {
		// Nothing should have come since, not even an end.
		if _, errno := readNow(fd, make([]byte, 1)); errno != unix.EAGAIN {
			held.Lost++
		}
	}
	return held, nil
}

// answerTime is how long one response may take while nothing else loads the server.
const answerTime = 10 * time.Second

// readOne waits for one response, which must be 200.
func readOne(fd int) error {
	buffer := make([]byte, headMax)
	filled := 0
	for {
		if err := await(fd, unix.POLLIN, answerTime); err != nil {
			return fmt.Errorf("no response: %w", err)
		}
		n, errno := readNow(fd, buffer[filled:])
		if errno != 0 {
			return os.NewSyscallError("read", errno)
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		filled += n
		response, err := Scan(buffer[:filled])
		if err != nil {
			return err
		}
		if response.Size == 0 {
			continue
		}
		if response.Status != 200 || response.Size != filled {
			return fmt.Errorf("status %d, %d bytes of %d", response.Status, response.Size, filled)
		}
		return nil
	}
}

// sentinel makes one request on a new connection: its answer says that the
// connections before it in the listener's queue have been accepted.
func sentinel(to *unix.SockaddrInet4) error {
	fd, err := dial(to, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request := request("/", "sentinel", true, 1)
	if n, errno := writeNow(fd, request); errno != 0 || n < len(request) {
		return os.NewSyscallError("write", errno)
	}
	return readOne(fd)
}
