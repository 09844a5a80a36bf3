package fiber

import "sync"

// A Cond is a place to wait for a change in what a Mutex guards. Fibers of any
// loops and goroutines share it. It must not be copied after first use.
type Cond struct {
	lock  *Mutex
	mu    sync.Mutex        // guards queue
	queue waiters[struct{}] // under mu
}

var condWaiters waiterPool[struct{}]

// NewCond returns a Cond for what m guards.
func NewCond(m *Mutex) *Cond { return &Cond{lock: m} }

// Wait unlocks the Mutex, which the caller holds, waits for Signal or Broadcast,
// and locks it again. It holds the lock when it returns, with an error too, so that
// a deferred Unlock fits both; a canceled fiber therefore still waits for the lock.
// The error is the cause of f's cancellation. A Signal that reached a fiber just
// before its cancellation counts: Wait returns nil then. Callers wait in a loop,
// as the condition may have changed again by the time Wait returns. f is the calling
// fiber, nil for an ordinary goroutine, whose Wait never fails.
func (c *Cond) Wait(f *Fiber) error {
	if c.lock.state.Load()&mutexLocked == 0 {
		panic("fiber: Cond.Wait without holding its Mutex")
	}
	enter(f)
	w := condWaiters.get(f)
	c.mu.Lock()
	c.queue.push(w)
	c.mu.Unlock()
	c.lock.Unlock()
	err := c.wait(w)
	condWaiters.put(w)
	if !c.lock.TryLock() {
		c.lock.lock(f, false)
	}
	leave(f)
	return err
}

func (c *Cond) wait(w *waiter[struct{}]) error {
	for {
		err := w.park(0)
		c.mu.Lock()
		if w.done {
			c.mu.Unlock()
			return nil
		}
		if err != nil {
			c.queue.remove(w)
			c.mu.Unlock()
			return err
		}
		c.mu.Unlock()
	}
}

// Signal wakes the one that has waited longest, if any. Anybody may call it, with
// or without the lock.
func (c *Cond) Signal() {
	c.mu.Lock()
	if w := c.queue.pop(); w != nil {
		w.grant()
	}
	c.mu.Unlock()
}

// Broadcast wakes all that wait. Anybody may call it, with or without the lock.
func (c *Cond) Broadcast() {
	c.mu.Lock()
	for w := c.queue.pop(); w != nil; w = c.queue.pop() {
		w.grant()
	}
	c.mu.Unlock()
}
