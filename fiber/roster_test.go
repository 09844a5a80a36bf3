package fiber

import (
	"testing"
	"unsafe"
)

// What a fiber costs while it waits is a promise: docs/COMPILER.md, docs/benchmarks.md.
func TestFiberSize(t *testing.T) {
	if n := unsafe.Sizeof(Fiber{}) + unsafe.Sizeof(entry{}); n > 144 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a fiber and its entry have %d bytes", n)
	}
}

// The table shrinks with the number of fibers, and every fiber keeps its place.
func TestRosterShrinks(t *testing.T) {
	const n = 20 * rosterMin
	var r roster
	fibers := make([]*Fiber, n)
	for i := range fibers {
		fibers[i] = &Fiber{}
		r.add(fibers[i])
		if i%3 == 0 {
			r.setTime(i, int64(n-i))
		}
	}
	for i, f := range fibers {
		r.remove(f)
		left := n - i - 1
		if len(r.entries) != left || cap(r.entries) > max(rosterMin, 4*(left+1)) {
			t.Fatalf("%d entries and room for %d with %d fibers", len(r.entries), cap(r.entries), left)
		}
	}
	if r.timed != 0 {
		t.Errorf("%d in the heap", r.timed)
	}
}
