package fiber

import "iter"

// A cell is the place where one goroutine waits while another runs. It always
// holds exactly one blocked goroutine: either the stack of a parked fiber, or a
// standby (a goroutine that led the loop and will lead it again).
//
// swap blocks the caller in the cell and lets the goroutine that sat in it run.
// It is an iter.Pull pair used symmetrically: whichever of next and yield is due
// does the switch, so any goroutine may enter or leave any cell. A switch costs
// tens of nanoseconds and involves neither the scheduler nor a futex.
//
// A pull goroutine is born together with one cell, its birth cell. It can end
// only while a standby sits there, because its exit switches to whoever waits in
// that cell; the cell is then gone. See Loop.retire and Loop.bury.
//
// A seat without a coroutine (wake != nil) is the other way to wait: on a
// channel, for a fiber that is off the baton. See Fiber.rejoin.
type cell struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool

	fiber  *Fiber // the fiber whose stack sits here, nil for a standby; holder only
	born   *cell  // birth cell of the occupant, nil for a plain goroutine; holder only
	slot   int32  // index in Loop.free, -1 when not free; holder only
	pulled bool   // the occupant entered by next, so yield is due; holder only

	wake chan bool // a seat on a channel instead of a coroutine
}

// newCell makes a cell whose pull goroutine runs lead when first swapped in.
func newCell(l *Loop) *cell {
	c := &cell{slot: -1}
	c.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		l.lead(c)
	})
	l.cells++
	return c
}

// swap blocks the caller in c and continues the goroutine that waited there.
// Holder only, in loop mode; the goroutine that comes out is the new holder.
func (c *cell) swap() {
	if c.pulled {
		c.pulled = false
		c.yield(struct{}{})
		return
	}
	c.pulled = true
	c.next()
}

// takeCell returns a free cell (a standby sits in it) or a new one. Holder only.
func (l *Loop) takeCell() *cell {
	n := len(l.free)
	if n == 0 {
		l.trims.freeLow = 0
		return newCell(l)
	}
	c := l.free[n-1]
	l.dropFree(c)
	return c
}

// dropFree takes c off the free list. Holder only.
func (l *Loop) dropFree(c *cell) {
	last := len(l.free) - 1
	l.free[c.slot] = l.free[last]
	l.free[c.slot].slot = c.slot
	l.free[last] = nil
	l.free = l.free[:last]
	c.slot = -1
	if last < l.trims.freeLow {
		l.trims.freeLow = last
	}
}

// addFree records that a standby, born in the cell born, is about to sit in c.
// Holder only.
func (l *Loop) addFree(c, born *cell) {
	c.fiber, c.born = nil, born
	c.slot = int32(len(l.free))
	l.free = append(l.free, c)
	l.trims.cells = true
}
