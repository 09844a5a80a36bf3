package fiber

import (
	"slices"
	"sync/atomic"
)

// inbox is where other goroutines leave fibers for a loop: a stack of fibers linked
// by Fiber.inbox. A fiber is in it at most once, however many reasons were posted,
// because only the poster that sets the first bit of Fiber.posted pushes it.
type inbox struct {
	head atomic.Pointer[Fiber]
}

// inboxClosed marks an inbox that accepts nothing any more.
var inboxClosed = &Fiber{}

// push adds f. Any goroutine may call it. It reports false if the inbox is closed.
func (b *inbox) push(f *Fiber) bool {
	for {
		h := b.head.Load()
		if h == inboxClosed {
			return false
		}
		f.inbox = h
		if b.head.CompareAndSwap(h, f) {
			return true
		}
	}
}

// empty reports whether there is nothing to take. Any goroutine may call it.
func (b *inbox) empty() bool { return b.head.Load() == nil }

// close closes an empty inbox and reports whether it was empty. Holder only.
func (b *inbox) close() bool { return b.head.CompareAndSwap(nil, inboxClosed) }

// take returns everything posted so far, oldest first. Holder only.
func (b *inbox) take() *Fiber {
	var first *Fiber
	for f := b.head.Swap(nil); f != nil; {
		next := f.inbox
		f.inbox = first
		first, f = f, next
	}
	return first
}

// post leaves f in its loop's inbox for the reason bit and wakes the loop if it
// waits. Any goroutine may call it. It reports false if the loop has ended.
func (f *Fiber) post(bit uint32) bool {
	if f.posted.Or(bit) != 0 {
		return true // it is in there already; the holder will see the bit
	}
	l := f.loop
	if !l.inbox.push(f) {
		f.posted.Store(0)
		return false
	}
	l.wake()
	return true
}

// drain acts on everything in the inbox. Holder only.
func (l *Loop) drain() {
	if l.inbox.empty() {
		return
	}
	f := l.inbox.take()
	if l.pick != nil {
		f = l.inOrder(f)
	}
	for f != nil {
		next := f.inbox
		f.inbox = nil
		// From here on f may be posted anew.
		bits := f.posted.Swap(0)
		if bits&postStart != 0 {
			l.adopt(f)
		}
		if bits&postRejoin != 0 {
			l.off--
			f.state = stateQueued
			l.queue.push(f)
		}
		if bits&postUnpark != 0 {
			f.Ready()
		}
		f = next
	}
}

// inOrder sorts a list taken from the inbox by the places of the fibers in the roster,
// new ones last, so that in a simulation the order in which goroutines beside the loop
// ran does not show. Holder only.
func (l *Loop) inOrder(f *Fiber) *Fiber {
	posted := map[*Fiber]bool{}
	var list []*Fiber
	for ; f != nil; f = f.inbox {
		posted[f] = true
		list = append(list, f)
	}
	var first *Fiber
	for i := len(list) - 1; i >= 0; i-- {
		if g := list[i]; g.state == stateNew || g.state == stateDone {
			g.inbox, first = first, g
		}
	}
	for _, e := range slices.Backward(l.fibers.entries) {
		if g := e.f; posted[g] {
			g.inbox, first = first, g
		}
	}
	return first
}
