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
	fr := new(T)
	asFrame(fr).kind = kind
	return fr
}

// put takes back a frame. Baton.
func (l *Lists) put(fr *Frame) {
	fr.up = nil
	k := int(fr.kind)
	if k >= len(l.free) {
		l.free = append(l.free, make([]list, max(k+1, 2*len(l.free))-len(l.free))...)
	}
	if f := &l.free[k]; f.n < listMax {
		fr.up = f.head
		f.head = fr
		f.n++
	}
}
