//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net"
	"testing"
)

// entry is what a test puts into the table of descriptors.
type entry struct{ gen uint32 }

func (e *entry) event(_, _, _, _ bool) {}
func (e *entry) generation() uint32    { return e.gen }

// tableOf runs fn on a loop with its engine.
func tableOf(t *testing.T, fn func(e *systemEngine)) {
	t.Helper()
	rt := runLoops(t, 1)
	l := rt.Loops()[0]
	done := make(chan struct{})
	if err := l.Post(func() {
		defer close(done)
		fn(l.Poller().(*systemEngine))
	}); err != nil {
		t.Fatal(err)
	}
	<-done
}

// The table of descriptors shrinks once those of a burst are closed, and never below one
// that is open; those it no longer reaches are as closed as any.
func TestTableShrinks(t *testing.T) {
	tableOf(t, func(e *systemEngine) {
		const low, middle, high = 3 * tableKept, 40 * tableKept, 100 * tableKept // above what this process has open
		owner := map[int]*entry{}
		for _, fd := range []int{low, middle, high} {
			owner[fd] = &entry{e.newGen()}
			e.enter(fd, owner[fd])
		}
		defer func() { // what is left of them is no descriptor to close
			for fd := range owner {
				e.leave(fd)
			}
			e.trim()
		}()
		check := func(after string, size int, open ...int) {
			t.Helper()
			e.trim()
			if cap(e.table) > size {
				t.Errorf("after %s: room for %d, want at most %d", after, cap(e.table), size)
			}
			for _, fd := range open {
				if e.at(fd) != pollable(owner[fd]) {
					t.Errorf("after %s: descriptor %d, which is open, is not there", after, fd)
				}
			}
		}
		full := cap(e.table)
		check("nothing", full, low, middle, high)
		e.leave(high)
		check("the highest has left", middle+1, low, middle)
		e.leave(low)
		check("a low one has left", middle+1, middle)
		e.leave(middle)
		check("all have left", tableKept)
		for _, fd := range []int{middle, high, -1, len(e.table)} {
			if e.at(fd) != nil {
				t.Errorf("something is at %d", fd)
			}
		}
		e.leave(high) // a late cancel
		owner[high] = &entry{e.newGen()}
		e.enter(high, owner[high])
		check("one came anew", high*2, high)
	})
}

// A connect that was canceled, or is settled, may be canceled again when the table no
// longer reaches its descriptor.
func TestTableCancelTwice(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	tableOf(t, func(e *systemEngine) {
		cancel, err := e.Connect("tcp", ln.Addr(), func(*Conn, error) { t.Error("a canceled connect was settled") })
		if err != nil {
			t.Error(err)
			return
		}
		cancel()
		e.table = e.table[:0:0] // as after a trim
		cancel()
	})
}
