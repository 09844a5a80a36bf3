package abi

import (
	"sync"
	"testing"
)

// Instantiations get their kinds while fibers of other loops run, which look at what
// Register writes: the race detector must not mind.
func TestKindsWhileOthersRun(t *testing.T) {
	Register[Frame](&Kind{Name: "init"})
	var generic GenericKind
	resume := func(*Stack, *Frame) {}
	var wg sync.WaitGroup
	got := make([][2]uint16, 4)
	for i := range got {
		wg.Go(func() {
			if !InUse() {
				t.Error("not in use")
			}
			got[i] = [2]uint16{KindOf[Result[R1[int]]](&generic, resume), KindOf[Result[R1[string]]](&generic, resume)}
			if kinds[got[i][1]].Resume == nil {
				t.Error("no resumer")
			}
		})
	}
	wg.Wait()
	for _, g := range got {
		if g != got[0] || g[0] == g[1] {
			t.Errorf("kinds %v", got)
		}
	}
}
