package abi

// Lists are the frames of a loop that wait to be used again, by kind. A frame in a list
// is zero but for its link and its kind. Baton.
type Lists struct {
	tail *Frame // outermost frame linked so far, while a fiber of the loop leaves
	free []list
}

type list struct {
	head *Frame
	n    int32
}

// listMax bounds the frames kept of one kind, so that a burst of waiting fibers does not
// cost its memory for ever.
const listMax = 1 << 14

// NewStack returns a Stack for the fibers of the loop that l belongs to.
func (l *Lists) NewStack() *Stack { return &Stack{lists: l} }

// Reset makes s, whose last function has returned, ready for another fiber. Baton.
func (s *Stack) Reset() {
	s.flush()
	s.offer, s.guards, s.raised, s.out, s.fault = 0, 0, nil, nil, nil
	s.leaf.R.A = nil
}

// New returns a frame of type T, whose variables are zero, for a function that leaves.
// Baton.
func New[T any](s *Stack, kind uint16) *T {
	l := s.lists
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

// listKept is how many frames of a kind Trim leaves.
const listKept = 16

// Trim gives half of the frames that are too many in a list to the collector. It reports
// whether it has left some. Baton.
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
	return more
}
