package fiber

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A Chan hands values from senders to receivers, through a buffer of fixed
// capacity; with capacity 0 a sender and a receiver meet. Fibers of any loops and
// goroutines share it. Values arrive in the order in which they were sent, and
// waiters are served in the order in which they came.
//
// An operation either takes place or returns an error, never both and never half:
// a nil error from Send means that the value is in the channel or with a receiver,
// an error that it is not and never will be; a value that reached a receiver is
// returned by its Recv, however soon after it the receiver was canceled. What need
// not wait does not look at cancellation.
//
// Nothing panics on a closed channel: sending reports ErrClosed, receiving does so
// once the buffer is empty, and Close may be called again.
type Chan[T any] struct {
	id uint64     // orders the locks that a Select holds; immutable
	mu sync.Mutex // guards what follows

	buf    []T // a ring
	first  int // index of the oldest value
	n      int // values in buf
	closed bool

	// Senders wait only while the buffer is full and receivers only while it is
	// empty; both at once only with capacity 0, and then all belong to one Select.
	senders   waiters[chanOp[T]]
	receivers waiters[chanOp[T]]

	free  *waiter[chanOp[T]] // used waiters, linked by next
	freeN int
}

// chanOp is what a Chan keeps with a waiter.
type chanOp[T any] struct {
	value  T          // to send, or received
	closed bool       // the wait ended because the channel was closed
	sel    *selection // the Select that waits, nil for Send and Recv
	index  int        // of the case in it
}

// chanFreeMax bounds the waiters that a channel keeps for reuse.
const chanFreeMax = 32

var chanIDs atomic.Uint64

// NewChan returns a channel with room for capacity values. It panics if capacity is
// negative.
func NewChan[T any](capacity int) *Chan[T] {
	if capacity < 0 {
		panic(fmt.Sprintf("fiber: NewChan(%d)", capacity))
	}
	return &Chan[T]{id: chanIDs.Add(1), buf: make([]T, capacity)}
}

// Send sends v, waiting for room or a receiver. The error is ErrClosed, if the
// channel is or becomes closed, or the cause of f's cancellation; v was not sent
// then. f is the calling fiber, nil for an ordinary goroutine.
func (c *Chan[T]) Send(f *Fiber, v T) error {
	verify(f)
	if ok, err := c.TrySend(v); ok || err != nil {
		return err
	}
	enter(f)
	defer leave(f)
	c.mu.Lock()
	if ok, err := c.send(v); ok || err != nil {
		c.mu.Unlock()
		return err
	}
	w := c.wait()
	w.reset(f)
	w.p.value = v
	c.senders.push(w)
	_, err := c.await(w, &c.senders)
	return err
}

// Recv receives a value, waiting for one. The error is ErrClosed, if the channel is
// closed and empty, or the cause of f's cancellation; no value was taken then. f is
// the calling fiber, nil for an ordinary goroutine.
func (c *Chan[T]) Recv(f *Fiber) (T, error) {
	verify(f)
	if v, ok, err := c.TryRecv(); ok || err != nil {
		return v, err
	}
	enter(f)
	defer leave(f)
	c.mu.Lock()
	if v, ok, err := c.recv(); ok || err != nil {
		c.mu.Unlock()
		return v, err
	}
	w := c.wait()
	w.reset(f)
	c.receivers.push(w)
	return c.await(w, &c.receivers)
}

// TrySend sends v if that needs no wait and reports whether it did; the error is
// ErrClosed if the channel is closed. Anybody may call it.
func (c *Chan[T]) TrySend(v T) (bool, error) {
	c.mu.Lock()
	ok, err := c.send(v)
	c.mu.Unlock()
	return ok, err
}

// TryRecv receives a value if that needs no wait and reports whether it did; the
// error is ErrClosed if the channel is closed and empty. Anybody may call it.
func (c *Chan[T]) TryRecv() (T, bool, error) {
	c.mu.Lock()
	v, ok, err := c.recv()
	c.mu.Unlock()
	return v, ok, err
}

// Close closes the channel. Values in the buffer can still be received; senders that
// wait get ErrClosed. Anybody may call it, any number of times.
func (c *Chan[T]) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, q := range []*waiters[chanOp[T]]{&c.senders, &c.receivers} {
		for w := claim(q); w != nil; w = claim(q) {
			w.p.closed = true
			finish(w)
		}
	}
}

// Len returns how many values are in the buffer. Anybody may call it.
func (c *Chan[T]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Cap returns the capacity. Anybody may call it.
func (c *Chan[T]) Cap() int { return len(c.buf) }

// send sends v if that needs no wait. Under mu.
func (c *Chan[T]) send(v T) (bool, error) {
	if c.closed {
		return false, ErrClosed
	}
	if w := claim(&c.receivers); w != nil {
		w.p.value = v
		finish(w)
		return true, nil
	}
	if c.n == len(c.buf) {
		return false, nil
	}
	c.push(v)
	return true, nil
}

// recv receives a value if that needs no wait. Under mu.
func (c *Chan[T]) recv() (v T, ok bool, err error) {
	if c.n > 0 {
		var none T
		v, c.buf[c.first] = c.buf[c.first], none
		c.n--
		if c.first++; c.first == len(c.buf) {
			c.first = 0
		}
		if w := claim(&c.senders); w != nil {
			c.push(w.p.value)
			finish(w)
		}
		return v, true, nil
	}
	if w := claim(&c.senders); w != nil {
		v = w.p.value
		finish(w)
		return v, true, nil
	}
	if c.closed {
		return v, false, ErrClosed
	}
	return v, false, nil
}

// push appends v to the buffer, which has room. Under mu.
func (c *Chan[T]) push(v T) {
	i := c.first + c.n
	if i >= len(c.buf) {
		i -= len(c.buf)
	}
	c.buf[i] = v
	c.n++
}

// claim takes the first waiter that can still be granted. One that belongs to a
// Select which another channel has claimed is dropped; its Select looks after it.
// Under the lock of the queue's channel.
func claim[T any](q *waiters[chanOp[T]]) *waiter[chanOp[T]] {
	for w := q.pop(); w != nil; w = q.pop() {
		if w.p.sel == nil || w.p.sel.claim(w.p.index) {
			return w
		}
	}
	return nil
}

// finish grants a waiter that was claimed. The code of a Select waits in the
// selection, not in its waiters. Under mu.
func finish[T any](w *waiter[chanOp[T]]) {
	if s := w.p.sel; s != nil {
		s.wake.unpark()
		return
	}
	w.grant()
}

// wait makes a waiter, for reset. Under mu.
func (c *Chan[T]) wait() *waiter[chanOp[T]] {
	w := c.free
	if w == nil {
		return &waiter[chanOp[T]]{}
	}
	c.free, w.next = w.next, nil
	c.freeN--
	return w
}

// unwait takes back a waiter that is in no queue any more. Under mu.
func (c *Chan[T]) unwait(w *waiter[chanOp[T]]) {
	var none chanOp[T]
	w.fiber, w.done, w.p = nil, false, none
	if c.freeN < chanFreeMax {
		w.next = c.free
		c.free = w
		c.freeN++
	}
}

// await waits until w, which is in q, is granted or canceled. It is called under mu
// and releases it. A fiber is on the baton.
func (c *Chan[T]) await(w *waiter[chanOp[T]], q *waiters[chanOp[T]]) (T, error) {
	var err error
	for !w.done && err == nil {
		c.mu.Unlock()
		err = w.park(0)
		c.mu.Lock()
	}
	if w.done {
		err = nil
	}
	if w.p.closed {
		err = ErrClosed
	}
	q.remove(w)
	v := w.p.value
	c.unwait(w)
	c.mu.Unlock()
	return v, err
}
