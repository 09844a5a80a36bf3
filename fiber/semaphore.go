package fiber

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// ErrSemaphoreSize: more was asked of a Semaphore than it has in all.
var ErrSemaphoreSize = errors.New("fiber: more than the semaphore's size")

// A Semaphore bounds a total weight, such as bytes or requests in flight. Fibers of
// any loops and goroutines share it. Waiters are served strictly in the order in
// which they came: a small demand does not overtake a large one, which therefore
// does not starve. It must not be copied.
type Semaphore struct {
	size  int64          // immutable
	state atomic.Int64   // free weight << 1 | semWaiting
	mu    sync.Mutex     // guards the queue, and the state while somebody waits
	queue waiters[int64] // p is the weight; under mu
}

// semWaiting says that somebody waits: all changes of the state go through mu.
const semWaiting int64 = 1

var semaphoreWaiters waiterPool[int64]

// NewSemaphore returns a Semaphore of which n can be held at a time. It panics if n
// is negative or more than 1<<62-1.
func NewSemaphore(n int64) *Semaphore {
	if n < 0 || n > 1<<62-1 {
		panic(fmt.Sprintf("fiber: NewSemaphore(%d)", n))
	}
	s := &Semaphore{size: n}
	s.state.Store(n << 1)
	return s
}

// Acquire takes n, waiting until it is free and everybody who came before has been
// served. It returns nil exactly if n was taken. The error is the cause of f's
// cancellation, or wraps ErrSemaphoreSize if n can never be free. A fiber that was
// canceled still gets what it need not wait for. f is the calling fiber, nil for an
// ordinary goroutine. It panics if n is negative.
func (s *Semaphore) Acquire(f *Fiber, n int64) error {
	verify(f)
	if s.TryAcquire(n) {
		return nil
	}
	if n > s.size {
		return fmt.Errorf("%w: %d of %d", ErrSemaphoreSize, n, s.size)
	}
	enter(f)
	err := s.acquire(f, n)
	leave(f)
	return err
}

// TryAcquire takes n if it is free and nobody waits, and reports whether it did.
// Anybody may call it. It panics if n is negative.
func (s *Semaphore) TryAcquire(n int64) bool {
	if n < 0 {
		panic(fmt.Sprintf("fiber: Semaphore: weight %d", n))
	}
	for {
		v := s.state.Load()
		if v&semWaiting != 0 || v>>1 < n {
			return false
		}
		if s.state.CompareAndSwap(v, v-n<<1) {
			return true
		}
	}
}

// Release gives n back. Anybody may call it. It panics if n is negative or more
// than is held.
func (s *Semaphore) Release(n int64) {
	for {
		v := s.state.Load()
		if n < 0 || n > s.size-v>>1 {
			panic(fmt.Sprintf("fiber: Semaphore: release of %d when %d is held", n, s.size-v>>1))
		}
		if v&semWaiting != 0 {
			s.mu.Lock()
			ok := s.release(n)
			s.mu.Unlock()
			if ok {
				return
			}
			continue
		}
		if s.state.CompareAndSwap(v, v+n<<1) {
			return
		}
	}
}

// release gives n back while somebody waits; it reports false if nobody does any
// more, or if n is too much. Under mu.
func (s *Semaphore) release(n int64) bool {
	v := s.state.Load()
	if v&semWaiting == 0 || n > s.size-v>>1 {
		return false
	}
	s.serve(v>>1 + n)
	return true
}

// serve grants to the head of the queue as long as its weight is free. Under mu,
// with semWaiting set.
func (s *Semaphore) serve(free int64) {
	for s.queue.head != nil && s.queue.head.p <= free {
		w := s.queue.pop()
		free -= w.p
		w.grant()
	}
	v := free << 1
	if s.queue.head != nil {
		v |= semWaiting
	}
	s.state.Store(v)
}

// acquire waits for n. A fiber is on the baton.
func (s *Semaphore) acquire(f *Fiber, n int64) error {
	w := semaphoreWaiters.get(f)
	w.p = n
	s.mu.Lock()
	// Once semWaiting is set, only mu changes the state.
	for v := s.state.Load(); v&semWaiting == 0; v = s.state.Load() {
		s.state.CompareAndSwap(v, v|semWaiting)
	}
	s.queue.push(w)
	s.serve(s.state.Load() >> 1) // it may have become free meanwhile
	var err error
	for !w.done {
		if err != nil {
			s.queue.remove(w)
			s.serve(s.state.Load() >> 1) // those behind it may ask for less
			break
		}
		s.mu.Unlock()
		err = w.park(0)
		s.mu.Lock()
	}
	if w.done {
		err = nil
	}
	s.mu.Unlock()
	semaphoreWaiters.put(w)
	return err
}
