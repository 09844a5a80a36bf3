package fiber

// A roster is all live fibers of a loop, in one table: first those that have a time at
// which to look at their deadline, a 4-ary min-heap by it; behind them the others, in no
// order. Each fiber knows its place. Holder only.
//
// One table serves both purposes because the garbage collector has to follow each
// pointer to a fiber, and with a million of them that is what a collection takes. A list
// through all fibers would have two more in each, and could only be followed one after
// the other; see docs/decisions/0015-parked-fibers-and-the-collector.md.
type roster struct {
	entries []entry
	timed   int // entries in the heap
}

type entry struct {
	at int64 // in the heap: when to look at the deadline of f, no later than that
	f  *Fiber
}

// rosterMin is the room that a table keeps. Of more it keeps no more than four times
// what it needs, so that a burst of fibers does not cost its memory for ever.
const rosterMin = tableKept

// add takes in a fiber that starts.
func (r *roster) add(f *Fiber) {
	f.place = int32(len(r.entries))
	r.entries = append(r.entries, entry{0, f})
}

// remove takes out a fiber that has ended.
func (r *roster) remove(f *Fiber) {
	if int(f.place) < r.timed {
		r.clearTime(int(f.place))
	}
	last := len(r.entries) - 1
	if i := int(f.place); i != last {
		r.set(i, r.entries[last])
	}
	r.entries[last] = entry{}
	r.entries = r.entries[:last]
	f.place = -1
	if c := cap(r.entries); c > rosterMin && last < c/4 {
		r.entries = append(make([]entry, 0, c/2), r.entries...)
	}
}

// setTime has the deadline of the fiber at i looked at at the time at, which is earlier
// than it would be.
func (r *roster) setTime(i int, at int64) {
	if i >= r.timed {
		e := r.entries[i]
		r.set(i, r.entries[r.timed])
		i = r.timed
		r.set(i, e)
		r.timed++
	}
	r.entries[i].at = at
	r.siftUp(i)
}

// clearTime takes the entry at i out of the heap.
func (r *roster) clearTime(i int) {
	r.timed--
	last := r.timed
	if i == last {
		return
	}
	moved := r.entries[last]
	r.set(last, r.entries[i])
	r.entries[i] = moved
	r.siftDown(i)
	r.siftUp(int(moved.f.place))
}

func (r *roster) set(i int, e entry) {
	r.entries[i] = e
	e.f.place = int32(i)
}

func (r *roster) siftUp(i int) {
	e := r.entries[i]
	for i > 0 {
		p := (i - 1) / 4
		if r.entries[p].at <= e.at {
			break
		}
		r.set(i, r.entries[p])
		i = p
	}
	r.set(i, e)
}

func (r *roster) siftDown(i int) {
	heap := r.entries[:r.timed]
	e := heap[i]
	for {
		first := 4*i + 1
		if first >= len(heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(heap)); c++ {
			if heap[c].at < heap[least].at {
				least = c
			}
		}
		if e.at <= heap[least].at {
			break
		}
		r.set(i, heap[least])
		i = least
	}
	r.set(i, e)
}
