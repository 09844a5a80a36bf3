package abi

// Lists are what a loop lends to its fibers and gets back: frames, by kind, and runs. A
// frame in a list is zero but for its link and its kind. Baton.
type Lists struct {
	free  []list
	run   *run // the one that is lent first: it goes from fiber to fiber as they wait and wake
	lent  bool // run is in use
	runs  *run // others that are not in use
	runsN int32
}

type list struct {
	head *Frame
	n    int32
	made int32 // up to chunkBytes
}

// listMax bounds the frames kept of one kind, and runsMax the runs, so that a burst of
// fibers does not cost its memory for ever. There are as many runs in use as fibers whose
// code runs, or waits on a goroutine's stack.
const (
	listMax = 1 << 14
	runsMax = 1 << 10
)

// lend returns a run that no code uses, and makes it the one that is lent first. Baton.
func (l *Lists) lend() *run {
	if r := l.run; r != nil && !l.lent {
		l.lent = true
		return r
	}
	r := l.runs
	if r == nil {
		r = &run{lists: l}
	} else {
		l.runs, r.next = r.next, nil
		l.runsN--
	}
	l.run, l.lent = r, true
	return r
}

// give takes back another run than that. Baton.
func (l *Lists) give(r *run) {
	if l.runsN < runsMax {
		r.next, l.runs = l.runs, r
		l.runsN++
	}
}

// Frames of a kind of which there is more than one are made in chunks of so many bytes:
// every object that the garbage collector need not mark for itself saves it a third of
// what a frame costs it. A chunk is in use as long as one of its frames is, so it is small.
const chunkBytes = 128

// New returns a frame of type T, whose variables are zero, for a function that leaves.
// Baton.
func New[T any](s *Stack, kind uint16) *T {
	l := s.run.lists
	if int(kind) < len(l.free) {
		if fr := l.free[kind].head; fr != nil {
			l.free[kind].head = fr.up
			l.free[kind].n--
			fr.up = nil
			return (*T)(asPointer(fr))
		}
	}
	return more[T](l, kind)
}

// more makes frames of a kind of which none is in the list.
func more[T any](l *Lists, kind uint16) *T {
	chunk := make([]T, l.chunk(kind, sizeOf[T]()))
	for i := range chunk {
		asFrame(&chunk[i]).kind = kind
	}
	for i := len(chunk) - 1; i > 0; i-- {
		l.put(asFrame(&chunk[i]))
	}
	return &chunk[0]
}

// chunk returns how many frames of a kind, of so many bytes each, to make next: as many as
// there are, but no more than a chunk has.
func (l *Lists) chunk(kind uint16, size uintptr) int {
	l.reach(kind)
	f := &l.free[kind]
	n := max(1, min(f.made, int32(chunkBytes/size)))
	f.made = min(f.made+n, chunkBytes)
	return int(n)
}

// reach makes the lists reach to that of kind.
func (l *Lists) reach(kind uint16) {
	if k := int(kind); k >= len(l.free) {
		l.free = append(l.free, make([]list, max(k+1, 2*len(l.free))-len(l.free))...)
	}
}

// put takes back a frame. Baton.
func (l *Lists) put(fr *Frame) {
	fr.up = nil
	l.reach(fr.kind)
	if f := &l.free[fr.kind]; f.n < listMax {
		fr.up = f.head
		f.head = fr
		f.n++
	}
}

// listKept is how many frames of a kind, and how many runs, Trim leaves.
const listKept = 16

// Trim gives half of the frames and runs that are too many in a list to the collector. It
// reports whether it has left some. Baton.
func (l *Lists) Trim() (more bool) {
	for i := range l.free {
		f := &l.free[i]
		for range (f.n - listKept + 1) / 2 {
			fr := f.head
			f.head, fr.up = fr.up, nil
			f.n--
		}
		more = more || f.n > listKept
	}
	for range (l.runsN - listKept + 1) / 2 {
		r := l.runs
		l.runs, r.next = r.next, nil
		l.runsN--
	}
	return more || l.runsN > listKept
}
