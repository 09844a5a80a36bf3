package fiber

import (
	"sync"
	"sync/atomic"
)

// A WaitGroup waits for a count to come down to zero. Fibers of any loops and
// goroutines share it. The zero WaitGroup has count 0. It must not be copied after
// first use. For children that must not outlive their parent, or that can fail, use
// a Group.
type WaitGroup struct {
	state atomic.Int64      // count << 1 | waitGroupWaiting
	mu    sync.Mutex        // guards the queue, and the state while somebody waits
	queue waiters[struct{}] // under mu
}

// waitGroupWaiting says that somebody waits: all changes of the state go through mu, so
// that exactly those are released that wait when the count comes to zero.
const waitGroupWaiting int64 = 1

var waitGroupWaiters waiterPool[struct{}]

// Add adds delta, which may be negative, to the count. At zero it releases all that
// wait. It panics if the count became negative, and leaves it as it was. Anybody may
// call it.
func (g *WaitGroup) Add(delta int) {
	for {
		v := g.state.Load()
		n := v>>1 + int64(delta)
		if n < 0 {
			panic("fiber: negative WaitGroup count")
		}
		if v&waitGroupWaiting != 0 {
			g.mu.Lock()
			ok := g.add(int64(delta))
			g.mu.Unlock()
			if ok {
				return
			}
			continue
		}
		if g.state.CompareAndSwap(v, n<<1) {
			return
		}
	}
}

// add is Add while somebody waits; it reports false if nobody does any more, or if
// the count would become negative. Under mu.
func (g *WaitGroup) add(delta int64) bool {
	v := g.state.Load()
	n := v>>1 + delta
	if v&waitGroupWaiting == 0 || n < 0 {
		return false
	}
	if n > 0 {
		g.state.Store(n<<1 | waitGroupWaiting)
		return true
	}
	g.state.Store(0)
	for w := g.queue.pop(); w != nil; w = g.queue.pop() {
		w.grant()
	}
	return true
}

// Done takes one from the count. Anybody may call it.
func (g *WaitGroup) Done() { g.Add(-1) }

// Wait waits until the count is zero. The error is the cause of f's cancellation;
// there is none if the count is zero already, or was when f was canceled. f is the
// calling fiber, nil for an ordinary goroutine, whose Wait never fails.
func (g *WaitGroup) Wait(f *Fiber) error {
	verify(f)
	if g.state.Load() == 0 {
		return nil
	}
	enter(f)
	err := g.wait(f)
	leave(f)
	return err
}

// wait waits for zero. A fiber is on the baton.
func (g *WaitGroup) wait(f *Fiber) error {
	g.mu.Lock()
	for v := g.state.Load(); v&waitGroupWaiting == 0; v = g.state.Load() {
		if v == 0 {
			g.mu.Unlock()
			return nil
		}
		g.state.CompareAndSwap(v, v|waitGroupWaiting)
	}
	w := waitGroupWaiters.get(f)
	g.queue.push(w)
	var err error
	for !w.done && err == nil {
		g.mu.Unlock()
		err = w.park(0)
		g.mu.Lock()
	}
	if w.done {
		err = nil
	} else {
		g.queue.remove(w)
		if g.queue.head == nil {
			g.state.Store(g.state.Load() &^ waitGroupWaiting)
		}
	}
	g.mu.Unlock()
	waitGroupWaiters.put(w)
	return err
}
