package fiber

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Select waits for the first of several channel operations.
//
// It holds the locks of all its channels, taken in the order of their ids (so that
// no two Selects deadlock), while it looks for a case that can proceed and while it
// enqueues itself with each of them. Whoever finds it in one of the queues later
// holds the lock of that channel only, and claims it by a CAS on the selection;
// losers drop the entry. An active operation is never in a queue itself, so no two
// claims ever have to be made at once: that is why the locks are all held, and why a
// Select that sends and receives on one channel cannot meet itself.

// A Case is one operation of a Select, made by Chan.SendCase or Chan.RecvCase. It may
// be used again, but not by two Selects at a time. The zero Case never proceeds.
type Case struct {
	ch   selectable
	ptr  any // *T: the value to send, or where to put what is received
	send bool
}

// SendCase is the case of sending *v. It is read by the Select that is called, not
// here, so a Case serves for many values. A nil channel never proceeds. It panics if
// v is nil.
func (c *Chan[T]) SendCase(v *T) Case {
	if c == nil {
		return Case{}
	}
	if v == nil {
		panic("fiber: SendCase(nil)")
	}
	return Case{c, v, true}
}

// RecvCase is the case of receiving into *v, which is set only if Select returns the
// case without an error; a nil v drops the value. A nil channel never proceeds.
func (c *Chan[T]) RecvCase(v *T) Case {
	if c == nil {
		return Case{}
	}
	return Case{c, v, false}
}

// selectable is a *Chan[T] for any T. All but order need its lock.
type selectable interface {
	order() uint64
	lock() *sync.Mutex
	// attempt does the operation if it needs no wait.
	attempt(c *Case) (bool, error)
	// enqueue adds a waiter for case i of s and returns it.
	enqueue(c *Case, s *selection, i int) any
	// dequeue ends it; if the case was claimed it delivers the result.
	dequeue(c *Case, node any, claimed bool) error
}

// A selection is a Select at work.
type selection struct {
	claimed atomic.Int32     // index+1 of the case that proceeds, 0 none yet
	wake    waiter[struct{}] // parks the caller; only its fiber and channel are used
	chans   []selectable     // distinct, in the order of their locks
	nodes   []any            // the waiter of each case, nil for a case that never proceeds
}

var selections = sync.Pool{New: func() any { return &selection{} }}

// Select waits until one of the cases can proceed, does that one and returns its
// index. If several can, it chooses one at random. Several cases may name one
// channel, even for both directions. The error is
//
//   - ErrClosed with the index of a case whose channel is closed (for receiving:
//     and empty);
//   - ErrTimeout with index -1 when timeout has passed. A timeout of 0 does not wait
//     at all, a negative one waits for ever;
//   - the cause of f's cancellation with index -1; a Select that need not wait does
//     not look at cancellation.
//
// With index -1 no case took place. Without any case that can ever proceed it waits
// for the timeout or the cancellation. f is the calling fiber, nil for an ordinary
// goroutine.
func Select(f *Fiber, timeout time.Duration, cases ...Case) (int, error) {
	verify(f)
	s := selections.Get().(*selection)
	s.prepare(cases)
	start := pickCase(f, len(cases))
	s.lock()
	i, err := s.attempt(cases, start)
	s.unlock()
	if i < 0 && timeout == 0 {
		err = ErrTimeout
	}
	if i < 0 && timeout != 0 {
		enter(f)
		i, err = s.wait(f, timeout, cases, start)
		leave(f)
	}
	s.free()
	return i, err
}

// pickCase chooses which of n cases is looked at first.
func pickCase(f *Fiber, n int) int {
	if n < 2 {
		return 0
	}
	if f == nil || f.loop.pick == nil {
		return rand.IntN(n)
	}
	f.Enter() // a simulation decides
	i := f.loop.pick(n)
	f.Leave()
	return i
}

// prepare collects the channels of the cases.
func (s *selection) prepare(cases []Case) {
	for i := range cases {
		if ch := cases[i].ch; ch != nil {
			if ch.order() == 0 {
				panic("fiber: Select on a Chan that NewChan did not make")
			}
			s.chans = append(s.chans, ch)
		}
	}
	slices.SortFunc(s.chans, func(a, b selectable) int { return cmp.Compare(a.order(), b.order()) })
	s.chans = slices.Compact(s.chans)
}

// free puts s back for reuse; it is in no queue any more.
func (s *selection) free() {
	clear(s.chans)
	clear(s.nodes)
	s.chans, s.nodes = s.chans[:0], s.nodes[:0]
	s.wake.fiber = nil
	s.claimed.Store(0)
	selections.Put(s)
}

func (s *selection) lock() {
	for _, ch := range s.chans {
		ch.lock().Lock()
	}
}

func (s *selection) unlock() {
	for _, ch := range s.chans {
		ch.lock().Unlock()
	}
}

// claim makes case i the one that proceeds, unless there is one already. Under the
// lock of that case's channel.
func (s *selection) claim(i int) bool { return s.claimed.CompareAndSwap(0, int32(i)+1) }

// attempt does the first case, counted from start, that needs no wait. It returns
// -1 if there is none. Under all locks.
func (s *selection) attempt(cases []Case, start int) (int, error) {
	for k := range cases {
		i := start + k
		if i >= len(cases) {
			i -= len(cases)
		}
		c := &cases[i]
		if c.ch == nil {
			continue
		}
		if ok, err := c.ch.attempt(c); ok || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// wait enqueues the caller with all its channels and waits. A fiber is on the baton.
func (s *selection) wait(f *Fiber, timeout time.Duration, cases []Case, start int) (int, error) {
	at := int64(0)
	if f != nil && timeout > 0 {
		at = f.loop.rt.clock() + int64(timeout)
	}
	s.wake.reset(f)
	s.lock()
	if i, err := s.attempt(cases, start); i >= 0 {
		s.unlock()
		return i, err
	}
	for i := range cases {
		var node any
		if ch := cases[i].ch; ch != nil {
			node = ch.enqueue(&cases[i], s, i)
		}
		s.nodes = append(s.nodes, node)
	}
	s.unlock()
	var err error
	for err == nil && s.claimed.Load() == 0 {
		if f == nil && timeout > 0 {
			err = s.wake.parkFor(timeout)
		} else {
			err = s.wake.park(at)
		}
	}
	s.lock()
	// Nobody can claim it any more, nor be in the middle of it.
	claimed := int(s.claimed.Load()) - 1
	if claimed >= 0 {
		err = nil
	}
	for i := range cases {
		if ch := cases[i].ch; ch != nil {
			if e := ch.dequeue(&cases[i], s.nodes[i], i == claimed); e != nil {
				err = e
			}
		}
	}
	s.unlock()
	return claimed, err
}

func (c *Chan[T]) order() uint64     { return c.id }
func (c *Chan[T]) lock() *sync.Mutex { return &c.mu }

func (c *Chan[T]) attempt(k *Case) (bool, error) {
	if k.send {
		return c.send(*k.ptr.(*T))
	}
	v, ok, err := c.recv()
	if p := k.ptr.(*T); ok && p != nil {
		*p = v
	}
	return ok, err
}

func (c *Chan[T]) enqueue(k *Case, s *selection, i int) any {
	w := c.wait()
	w.p.sel, w.p.index = s, i
	if k.send {
		w.p.value = *k.ptr.(*T)
		c.senders.push(w)
	} else {
		c.receivers.push(w)
	}
	return w
}

func (c *Chan[T]) dequeue(k *Case, node any, claimed bool) error {
	w := node.(*waiter[chanOp[T]])
	var err error
	switch {
	case !claimed:
	case w.p.closed:
		err = ErrClosed
	case !k.send:
		if p := k.ptr.(*T); p != nil {
			*p = w.p.value
		}
	}
	if k.send {
		c.senders.remove(w)
	} else {
		c.receivers.remove(w)
	}
	c.unwait(w)
	return err
}
