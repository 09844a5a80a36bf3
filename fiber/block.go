package fiber

import "slices"

// Block calls fn beside the loop: the baton is handed on first, so fn may block as
// it likes (a database driver, a disk, cgo, a long computation). It returns when fn
// has returned and the loop has room for the fiber again. At most Config.BlockMax
// fibers of a loop are in Block at a time; the others wait, and Block returns the
// cause without calling fn if the fiber is canceled meanwhile. fn may not use the
// fiber. A panic in fn passes through. Only the fiber's own code may call it.
func (f *Fiber) Block(fn func()) error {
	f.Enter()
	if err := f.Err(); err != nil {
		f.Leave()
		return err
	}
	if err := f.startBlock(); err != nil {
		f.Leave()
		return err
	}
	f.loop.markOff(f, false)
	f.loop.handOn()
	defer func() {
		f.rejoin()
		f.loop.endBlock()
		f.Leave()
	}()
	fn()
	return nil
}

// startBlock takes one of the loop's places in Block, waiting for it if need be, in
// the order of arrival. On the baton.
func (f *Fiber) startBlock() error {
	l := f.loop
	if l.blocking < l.rt.blockMax {
		l.blocking++
		return nil
	}
	// Others run from here on, in the middle of code that does not expect it: a call that
	// ends (Leave) or Block itself, in which what was borrowed is still good.
	l.leaves(f, false)
	w := &blockWaiter{fiber: f}
	l.blockQueue = append(l.blockQueue, w)
	for !w.granted {
		if err := f.Park(0); err != nil {
			if w.granted {
				l.endBlock()
			} else if i := slices.Index(l.blockQueue, w); i >= 0 {
				l.blockQueue = slices.Delete(l.blockQueue, i, i+1)
			}
			return err
		}
	}
	return nil
}

// endBlock gives a place back, or to the fiber that has waited longest. Holder only.
func (l *Loop) endBlock() {
	if len(l.blockQueue) == 0 {
		l.blocking--
		return
	}
	w := l.blockQueue[0]
	l.blockQueue[0] = nil
	l.blockQueue = l.blockQueue[1:]
	w.granted = true
	w.fiber.Ready()
}

// A blockWaiter is a fiber in the queue for Block.
type blockWaiter struct {
	fiber   *Fiber
	granted bool // it has a place; holder only
}
