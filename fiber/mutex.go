package fiber

import (
	"sync"
	"sync/atomic"
)

// A Mutex is a lock between fibers of any loops, and goroutines. The zero Mutex is
// unlocked. It must not be copied after first use.
//
// Whoever comes may take a free lock, even past fibers that wait for it, since that
// costs no switch. The fiber that has waited longest is woken when the lock becomes
// free; if it finds the lock taken again mutexPatience times, the next Unlock hands
// it over directly. So nobody starves.
//
// The holder may park, block or stall. A lock is not bound to its fiber: another may
// unlock it.
type Mutex struct {
	state atomic.Uint32     // mutexLocked and mutexWaiting
	mu    sync.Mutex        // guards the queue, and the transitions with a queue
	queue waiters[mutexTry] // under mu
}

const (
	mutexLocked  uint32 = 1
	mutexWaiting uint32 = 2 // Unlock must look at the queue, which may be empty; changed under mu

	// mutexPatience is counted in failures, not in time, so that a seeded
	// simulation repeats exactly.
	mutexPatience = 3
)

// mutexTry is what a Mutex keeps with a waiter.
type mutexTry struct {
	woken    bool // told that the lock is free, and on its way; only the head
	failures int  // how often it then found the lock taken
}

var mutexWaiters waiterPool[mutexTry]

// Lock locks m, waiting for it if need be. It returns nil exactly if the caller
// holds the lock. The error is the cause of f's cancellation, and it must be looked
// at: the caller does not hold the lock then. A fiber that was canceled still gets
// a lock that is free. f is the calling fiber, nil for an ordinary goroutine, whose
// Lock never fails.
func (m *Mutex) Lock(f *Fiber) error {
	verify(f)
	if m.state.CompareAndSwap(0, mutexLocked) {
		return nil
	}
	enter(f)
	err := m.lock(f, true)
	leave(f)
	return err
}

// TryLock locks m if it is free, and reports whether it did. Anybody may call it.
func (m *Mutex) TryLock() bool {
	s := m.state.Load()
	for s&mutexLocked == 0 {
		if m.state.CompareAndSwap(s, s|mutexLocked) {
			return true
		}
		s = m.state.Load()
	}
	return false
}

// Unlock frees m. It panics if m is not locked. Anybody may call it.
func (m *Mutex) Unlock() {
	if m.state.CompareAndSwap(mutexLocked, 0) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// The lock bit is the caller's. mu keeps the other bit still, so this cannot
	// race.
	if m.state.Load()&mutexLocked == 0 {
		panic("fiber: Unlock of unlocked Mutex")
	}
	w := m.queue.head
	if w != nil && !w.p.woken && w.p.failures >= mutexPatience {
		m.queue.remove(w)
		m.state.Store(mutexLocked | m.waiting())
		w.grant()
		return
	}
	// Tell the head of the queue, if it is not on its way already. It sets
	// mutexWaiting again if it has to wait on.
	m.state.Store(0)
	if w != nil && !w.p.woken {
		w.p.woken = true
		w.unpark()
	}
}

// waiting is the bit for the present queue. Under mu.
func (m *Mutex) waiting() uint32 {
	if m.queue.head == nil {
		return 0
	}
	return mutexWaiting
}

// lock waits for the lock. If not cancelable it returns nil. A fiber is on the
// baton.
func (m *Mutex) lock(f *Fiber, cancelable bool) error {
	m.mu.Lock()
	if m.acquire(nil) {
		m.mu.Unlock()
		return nil
	}
	w := mutexWaiters.get(f)
	m.queue.push(w)
	m.mu.Unlock()
	var err error
	for {
		if cancelable {
			err = w.park(0)
		} else {
			w.linger()
		}
		m.mu.Lock()
		if w.done {
			err = nil
			break
		}
		if w.p.woken {
			if m.acquire(w) {
				m.queue.remove(w)
				err = nil
				break
			}
			w.p.woken = false
			w.p.failures++
		}
		if err != nil {
			// w was not on its way to a free lock, or it would have it now. So the
			// lock is taken and mutexWaiting set, or another is on its way.
			m.queue.remove(w)
			break
		}
		m.mu.Unlock()
	}
	m.mu.Unlock()
	mutexWaiters.put(w)
	return err
}

// acquire takes the lock if it is free, for w at the head of the queue or (nil) for
// somebody outside it; or else makes sure that Unlock will look at the queue. Under
// mu; the queue is about to change accordingly.
func (m *Mutex) acquire(w *waiter[mutexTry]) bool {
	for {
		s := m.state.Load()
		if s&mutexLocked != 0 {
			if s&mutexWaiting != 0 || m.state.CompareAndSwap(s, s|mutexWaiting) {
				return false
			}
			continue
		}
		next := mutexLocked | m.waiting()
		if w != nil && w.next == nil {
			next = mutexLocked
		}
		if m.state.CompareAndSwap(s, next) {
			return true
		}
	}
}
