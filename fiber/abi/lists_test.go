package abi

import (
	"runtime"
	"testing"
)

// Functions as fiberc writes them: any number of outer ones, of which one may have a
// deferred call that recovers, around an inner one that waits and then does act.

type testFrame struct {
	Result[R1[int]]
	kept *int
}

type testCode struct {
	depth, guard int
	act          func()
	recovered    any
	frames       int
}

var (
	code      *testCode
	outerKind = Register[testFrame](&Kind{Name: "outer"})
	guardKind = Register[testFrame](&Kind{Name: "guard"})
	innerKind = Register[testFrame](&Kind{Name: "inner"})
)

func init() {
	resumer := func(body func(*Stack, *testFrame, int) int) func(*Stack, *Frame) {
		return func(s *Stack, h *Frame) {
			fr := As[testFrame](h)
			r := body(s, fr, 0)
			if !s.Left() {
				fr.kept = nil
				fr.R.A = r
			}
		}
	}
	kinds[outerKind].Resume = resumer(outer)
	kinds[guardKind].Resume = resumer(guard)
	kinds[innerKind].Resume = resumer(inner)
}

func leave(s *Stack, fr *testFrame, kind uint16) *testFrame {
	if fr == nil {
		fr = New[testFrame](s, kind)
		code.frames++
	}
	fr.kept = new(int)
	return fr
}

func below(s *Stack, depth int) int {
	switch {
	case depth == 0:
		return inner(s, nil, 0)
	case depth == code.guard:
		return guard(s, nil, depth)
	}
	return outer(s, nil, depth)
}

func outer(s *Stack, fr *testFrame, depth int) (r int) {
	if fr != nil {
		return Take[R1[int]](s, &fr.Frame).A + 1
	}
	r = below(s, depth-1)
	if s.Left() {
		s.Link(&leave(s, fr, outerKind).Frame, 1)
		return
	}
	return r + 1
}

func guard(s *Stack, fr *testFrame, depth int) (r int) {
	defer func() {
		if !s.Left() {
			if v := recover(); v != nil {
				code.recovered = v
			}
		}
	}()
	if fr != nil {
		s.Raise()
		return Take[R1[int]](s, &fr.Frame).A + 1
	}
	r = below(s, depth-1)
	if s.Left() {
		s.LinkGuard(&leave(s, fr, guardKind).Frame, 1)
		return
	}
	return r + 1
}

func inner(s *Stack, fr *testFrame, _ int) int {
	if fr == nil {
		s.Leave(1)
		s.Link(&leave(s, fr, innerKind).Frame, 1)
		return 0
	}
	Skip(s, &fr.Frame)
	code.act()
	return 1
}

// However functions end, all frames go back, and lead to nothing.
func TestNoFrameIsLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		depth int
		guard int
		act   func()
		ends  bool // normally
		value any  // recovered
	}{
		{"return", 5, 0, func() {}, true, nil},
		{"return, guarded", 5, 3, func() {}, true, nil},
		{"panic", 5, 0, func() { panic("out") }, false, nil},
		{"panic at once", 0, 0, func() { panic("out") }, false, nil},
		{"panic, recovered", 5, 3, func() { panic("in") }, true, "in"},
		{"panic, recovered by the outermost", 5, 5, func() { panic("in") }, true, "in"},
		{"Goexit", 5, 0, runtime.Goexit, false, nil},
		{"Goexit, guarded", 5, 3, runtime.Goexit, false, nil},
		{"panic while exiting", 5, 3, func() { defer panic("in"); runtime.Goexit() }, false, "in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Lists{}
			for range 3 { // frames are used again
				code = &testCode{depth: c.depth, guard: c.guard, act: c.act}
				ended := false
				over := make(chan any)
				go func() {
					s := &Stack{}
					defer func() {
						v := recover()
						s.Reset()
						if *s != (Stack{}) {
							t.Errorf("left in the Stack: %+v", *s)
						}
						over <- v
					}()
					s.Begin(l)
					below(s, c.depth)
					if !s.Left() {
						t.Error("did not wait")
					}
					s.Rest(l)
					s.Begin(l)
					s.Drop(s.Resume(nil))
					ended = true
				}()
				if v := <-over; ended != c.ends || code.recovered != c.value {
					t.Fatalf("ended=%v, recovered %v; panicked with %v", ended, code.recovered, v)
				}
				if code.frames != c.depth+1 {
					t.Fatalf("%d frames", code.frames)
				}
				for kind, list := range l.free {
					n := int32(0)
					for fr := list.head; fr != nil; fr = fr.up {
						n++
						if f := As[testFrame](fr); f.kept != nil || int(f.kind) != kind || f.how != 0 {
							t.Errorf("a frame of kind %d that is not used: %+v", kind, f)
						}
					}
					if n != list.n || n != list.made {
						t.Errorf("kind %d: %d frames of %d are back, %d counted", kind, n, list.made, list.n)
					}
				}
				if l.lent || *l.run != (run{lists: l}) {
					t.Errorf("lent=%v, left in the run: %+v", l.lent, l.run)
				}
			}
		})
	}
}

// Frames are made in chunks as soon as there is more than one, and chunks stay small.
func TestChunks(t *testing.T) {
	var l Lists
	var got []int
	for range 6 {
		got = append(got, l.chunk(innerKind, 32))
	}
	for i, want := range []int{1, 1, 2, 4, 4, 4} {
		if got[i] != want {
			t.Fatalf("chunks of %v frames", got)
		}
	}
	for range 6 {
		if n := l.chunk(outerKind, chunkBytes/2+1); n != 1 {
			t.Fatalf("a chunk of %d frames of more than half its size", n)
		}
	}
}

// A run serves one Stack at a time. Those that rest share one.
func TestRuns(t *testing.T) {
	var l Lists
	var a, b, c Stack
	for range 3 {
		a.Begin(&l)
		a.Begin(&l)
		b.Begin(&l)
		c.Begin(&l)
		if a.run == b.run || b.run == c.run || a.run == c.run {
			t.Fatal("two Stacks run on one run")
		}
		last := c.run
		for _, s := range []*Stack{&b, &a, &c} {
			s.Rest(&l)
			if s.Active() || s.Accept(1) {
				t.Fatal("active while it rests")
			}
		}
		if l.lent || l.run != last || l.runsN != 2 {
			t.Fatalf("lent=%v, %d others", l.lent, l.runsN)
		}
	}
	c.Begin(&l)
	mine := c.run
	c.Rest(&l)
	a.Begin(&l)
	a.Offer(1)
	if a.run != mine || c.Accept(1) || !a.Accept(1) || a.Accept(1) {
		t.Error("an offer went to another Stack, or twice")
	}
	a.Reset()
	c.Begin(&l)
	if c.run != mine {
		t.Error("the run is not used again")
	}
	c.Reset()
	if a != (Stack{}) || c != (Stack{}) {
		t.Error("something is left")
	}
}
