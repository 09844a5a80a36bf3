package abi

import (
	"sync"
	"testing"
)

// An Entry knows every PC that was noted, however many and from wherever.
func TestEntry(t *testing.T) {
	var e Entry
	s := Chaos()
	accepts := func(pc uintptr) bool {
		s.Offer(pc)
		ok := s.Accepts(&e)
		if ok && s.Accepts(&e) {
			t.Error("accepts an offer twice")
		}
		s.Withdraw()
		return ok
	}
	if accepts(0) || accepts(1) {
		t.Error("an empty entry accepts")
	}
	e.Note(0)
	if accepts(0) {
		t.Error("a nil function is accepted")
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				e.Note(uintptr(1 + (i+g)%50))
			}
		})
	}
	wg.Wait()
	for pc := range uintptr(52) {
		if got, want := accepts(pc), pc >= 1 && pc <= 50; got != want {
			t.Errorf("PC %d: accepted %t", pc, got)
		}
	}
	if n := len(*e.more.Load()); n != 49 {
		t.Errorf("%d more PCs, want 49", n)
	}
}
