package fiber

import (
	"sync"
	"time"
)

// This file is how the primitives (Mutex, Cond, Semaphore, WaitGroup, Chan, Select)
// wait and wake. They are shared by fibers of different loops and by ordinary
// goroutines, and all follow one protocol:
//
//   - What can be done without waiting is one atomic operation, or one private
//     sync.Mutex held for a few instructions. It touches no loop and does not look
//     at cancellation: an error means that the call would have had to wait.
//   - To wait, the caller enters its loop first (misuse panics there, before
//     anything has changed), then enqueues a waiter under the private lock, then
//     parks. A nil fiber stands for an ordinary goroutine, which blocks on a channel
//     and cannot be canceled.
//   - Wake-ups mean nothing: the waiter's own state, under the private lock, is the
//     truth. A waiter that gives up takes itself out under the lock, after looking
//     whether it was granted meanwhile; a grant wins over cancellation, so nothing
//     granted is ever lost.
//   - A waiter is woken under the same lock, and looks at its state under it before
//     it returns. So no wake-up of a waiter can come after its wait has ended, and a
//     waiter, or a fiber that has ended, can be reused at once. Unpark takes no lock
//     itself; at worst it writes to the descriptor that wakes a sleeping loop.
//
// Calls in these files that name a fiber f are for f's own code, in user mode (not
// in loop mode, between Enter and Leave).

// A waiter is one fiber or goroutine in the queue of a primitive; P is what the
// primitive keeps with it.
type waiter[P any] struct {
	fiber      *Fiber        // who waits, nil for a goroutine; the waiting code
	wake       chan struct{} // a goroutine waits on it, capacity 1; kept for reuse
	next, prev *waiter[P]    // neighbours in the queue, or in a free list; under the lock
	queued     bool          // under the lock
	done       bool          // granted: its wait is over; under the lock
	p          P             // under the lock
}

// park waits for a wake-up, which may be spurious, until the time at on the loop's
// clock (0: for ever). A fiber is on the baton.
func (w *waiter[P]) park(at int64) error {
	if w.fiber != nil {
		return w.fiber.Park(at)
	}
	<-w.wake
	return nil
}

// linger is park for a wait that cancellation does not end.
func (w *waiter[P]) linger() {
	if w.fiber != nil {
		w.fiber.linger()
		return
	}
	<-w.wake
}

// parkFor is park for a goroutine that waits no longer than d.
func (w *waiter[P]) parkFor(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.wake:
		return nil
	case <-t.C:
		return ErrTimeout
	}
}

// unpark makes the waiting code look at w again. Under the lock.
func (w *waiter[P]) unpark() {
	if w.fiber != nil {
		w.fiber.Unpark()
		return
	}
	select {
	case w.wake <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// grant ends the wait of w, which was taken off its queue. Under the lock.
func (w *waiter[P]) grant() {
	w.done = true
	w.unpark()
}

// reset makes w, new or used, the waiter of f.
func (w *waiter[P]) reset(f *Fiber) {
	var none P
	w.fiber, w.done, w.p = f, false, none
	if f != nil {
		return
	}
	if w.wake == nil {
		w.wake = make(chan struct{}, 1)
	}
	select {
	case <-w.wake: // left by a wait that timed out while it was granted
	default:
	}
}

// A waiterPool keeps the waiters of all primitives of a kind. They are not kept on
// the fiber, since most fibers (idle connections) wait for no primitive.
type waiterPool[P any] struct{ pool sync.Pool }

func (p *waiterPool[P]) get(f *Fiber) *waiter[P] {
	w, _ := p.pool.Get().(*waiter[P])
	if w == nil {
		w = &waiter[P]{}
	}
	w.reset(f)
	return w
}

// put takes back a waiter that is in no queue any more.
func (p *waiterPool[P]) put(w *waiter[P]) {
	w.fiber = nil
	p.pool.Put(w)
}

// waiters is a queue, in the order of arrival. Under the lock of its primitive.
type waiters[P any] struct{ head, tail *waiter[P] }

func (q *waiters[P]) push(w *waiter[P]) {
	w.queued = true
	w.prev, w.next = q.tail, nil
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
}

// remove takes w out, if it is still in.
func (q *waiters[P]) remove(w *waiter[P]) {
	if !w.queued {
		return
	}
	w.queued = false
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

// pop takes the first waiter out, nil if there is none.
func (q *waiters[P]) pop() *waiter[P] {
	w := q.head
	if w != nil {
		q.remove(w)
	}
	return w
}

// enter is Enter for code that may be an ordinary goroutine.
func enter(f *Fiber) {
	if f != nil {
		f.Enter()
	}
}

// leave is Leave for code that may be an ordinary goroutine.
func leave(f *Fiber) {
	if f != nil {
		f.Leave()
	}
}

// verify makes the calls that do without Enter catch misuse in checked mode too.
func verify(f *Fiber) {
	if f != nil && f.loop.rt.checked {
		f.check()
	}
}
