package fiber

import "time"

// A loop keeps what may soon be needed again: cells, reliefs, frames of compiled code,
// the tables that grew. What a burst has left of these is given up within some seconds:
// each trimPeriod half of what was not needed, so that a burst that comes again in the
// meantime finds the rest. A loop that has nothing to give up does not wake up to look.
// Holder only.

const (
	trimPeriod  = int64(time.Second)
	cellsKept   = 4   // free cells that are never given up before the end
	reliefsKept = 2   // plain reliefs, likewise
	tableKept   = 256 // entries of a table, likewise
)

// trims is what a loop remembers of what it may give up. Holder only.
type trims struct {
	fns       []func() (more bool) // see OnTrim; set up before the loop runs
	at        int64                // when to look again
	freeLow   int                  // least len(Loop.free) since at was set
	surplus   int                  // cells still to be given up
	dismissed int                  // plain reliefs still to be ended
	rotated   int                  // reliefs that led since a cell was given up
	cells     bool                 // giving up cells did not prove impossible since one was freed
	soon      bool                 // something else may be too much
}

// OnTrim registers fn to be called, in loop mode, some time after TrimSoon was: the place
// to give up memory that a burst has left, about half of it at a time. more asks for
// another call, a second later. Call OnTrim before the loop runs.
func (l *Loop) OnTrim(fn func() (more bool)) { l.trims.fns = append(l.trims.fns, fn) }

// TrimSoon says that the functions of OnTrim may find something to give up. Holder only.
func (l *Loop) TrimSoon() { l.trims.soon = true }

// trimming reports whether there may be something to give up when the time for it has come.
func (l *Loop) trimming() bool {
	t := &l.trims
	return t.soon || t.cells && len(l.free) > cellsKept || l.plainIdle > reliefsKept
}

// givingUp reports whether cells or reliefs are being given up, one a turn.
func (l *Loop) givingUp() bool { return l.trims.surplus > 0 || l.trims.dismissed > 0 }

// trimDue reports whether it is time to give something up. Cells are tried again also
// after it proved impossible, since the loop is awake anyway.
func (l *Loop) trimDue() bool {
	return l.givingUp() || l.now >= l.trims.at && (len(l.free) > cellsKept || l.trimming())
}

// trim gives something up. It reports true if the calling goroutine must end: another
// one has the baton then.
func (l *Loop) trim(born *cell) bool {
	t := &l.trims
	if !l.givingUp() {
		l.look()
	}
	t.dismissed = min(t.dismissed, max(0, l.plainIdle-reliefsKept)) // some may be needed by now
	switch {
	case t.surplus > 0:
		end, moved := l.retire(born)
		if !moved {
			// The goroutines that could end are stacks of fibers.
			t.surplus, t.cells = 0, false
		}
		return end
	case t.dismissed > 0:
		return l.dismiss(born)
	}
	return false
}

// look gives up memory, and finds out how many goroutines there are too many.
func (l *Loop) look() {
	t := &l.trims
	t.at = l.now + trimPeriod
	t.soon = l.frames.Trim()
	if oversized(l.free) {
		l.free = resized(l.free)
	}
	for _, fn := range t.fns {
		if fn() {
			t.soon = true
		}
	}
	t.surplus = (max(0, min(t.freeLow, len(l.free)-cellsKept)) + 1) / 2
	t.freeLow = len(l.free)
	t.dismissed = max(0, l.plainIdle-reliefsKept+1) / 2
}

// oversized reports whether the memory of a list is much too large for it.
func oversized[T any](list []T) bool { return cap(list) > tableKept && len(list) < cap(list)/4 }

// resized moves a list to memory of twice its size.
func resized[T any](list []T) []T {
	return append(make([]T, 0, max(2*len(list), tableKept)), list...)
}

// dismiss ends a plain relief, or the caller in its place, or takes a step towards that.
// It reports true if the caller must end.
func (l *Loop) dismiss(born *cell) bool {
	if born == nil {
		l.trims.dismissed--
		l.handOn()
		return true
	}
	// Reliefs lead in the order in which they stood aside: one of them is plain.
	l.standAside(born)
	l.handOn()
	return !l.relieve(born)
}

// retire ends one goroutine and its birth cell, or takes a step towards that. end
// says that it is the caller who must end, moved that there was a step to take.
func (l *Loop) retire(born *cell) (end, moved bool) {
	t := &l.trims
	if born != nil && born.slot >= 0 {
		l.dropFree(born)
		l.cells--
		t.surplus = max(t.surplus-1, 0)
		t.rotated = 0
		return true, true
	}
	for i := len(l.free) - 1; i >= 0; i-- {
		// A standby whose birth cell holds a standby: exchange places with it.
		if c := l.free[i]; c.born != nil && c.born.slot >= 0 {
			l.dropFree(c)
			l.addFree(c, born)
			c.swap()
			return false, true
		}
	}
	if t.rotated < l.idleReliefs {
		// The standbys are plain goroutines, so some pull goroutines are reliefs: let
		// each of them have a look.
		t.rotated++
		if born == nil {
			l.handOn()
			return true, true
		}
		l.standAside(born)
		l.handOn()
		return !l.relieve(born), true
	}
	t.rotated = 0
	return false, false
}
