package compiled

import (
	"runtime"
	"time"
)

// A thread is what the rivals have in place of a fiber: a goroutine, which waits at a
// channel, or without one sleeps. The functions over threads are those of source.go word for word.
type thread struct{ wake chan struct{} }

func (*thread) yield()  { runtime.Gosched() }
func (t *thread) park() { <-t.wake }

// ready wakes a thread that is in park or will be.
func (t *thread) ready() { t.wake <- struct{}{} }

//go:noinline
func plainChain(t *thread, depth, parks int) int {
	if depth == 1 {
		for range parks {
			t.yield()
		}
		return 1
	}
	return plainChain(t, depth-1, parks) + depth
}

//go:noinline
func plainAwait(t *thread, depth int) int {
	if depth == 1 {
		t.park()
		return 1
	}
	return plainAwait(t, depth-1) + depth
}

func plainParked(t *thread) { sum += plainDescend(t, parkedDepth-1) }

//go:noinline
func plainDescend(t *thread, depth int) int {
	if depth == 1 {
		arrived.Add(1)
		if t.wake == nil {
			time.Sleep(24 * time.Hour)
		} else {
			t.park()
		}
		return 1
	}
	return plainDescend(t, depth-1) + depth
}
