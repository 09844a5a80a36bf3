package fiber

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// caught returns what fn panics with.
func caught(fn func()) (msg string) {
	defer func() {
		if v := recover(); v != nil {
			msg = fmt.Sprint(v)
		}
	}()
	fn()
	return "nothing"
}

// Each misuse is caught in checked mode, in the code that is to blame, and the fiber
// that was misused goes on.
func TestCheckedMode(t *testing.T) {
	rt := start(t, Config{Loops: 1, Checked: true})
	expect := func(t *testing.T, msg, want string) {
		t.Helper()
		if strings.Contains(msg, "by code that is not running it") {
			return // compiled: it waits on no goroutine at all
		}
		if !strings.Contains(msg, want) {
			t.Errorf("caught %q, want %q", msg, want)
		}
	}
	t.Run("another goroutine", func(t *testing.T) {
		do(t, rt, func(f *Fiber) {
			got := make(chan string)
			go func() { got <- caught(f.Yield) }()
			expect(t, <-got, "was used by goroutine")
			f.Yield()
		})
	})
	t.Run("another fiber", func(t *testing.T) {
		do(t, rt, func(f *Fiber) {
			f.Go(func(g *Fiber) {
				expect(t, caught(f.Yield), "was used by goroutine")
				expect(t, caught(func() { f.Sleep(time.Second) }), "was used by goroutine")
				expect(t, caught(func() { f.Block(func() {}) }), "was used by goroutine")
				expect(t, caught(func() { f.Go(func(*Fiber) {}) }), "was used by goroutine")
				g.Yield()
			})
			f.Yield()
			f.Yield()
		})
	})
	t.Run("after the end", func(t *testing.T) {
		do(t, rt, func(f *Fiber) {
			var ended *Fiber
			f.Go(func(g *Fiber) { ended = g })
			f.Yield()
			if msg := caught(ended.Yield); msg == "nothing" {
				t.Error("not caught")
			}
		})
	})
	t.Run("inside Block", func(t *testing.T) {
		do(t, rt, func(f *Fiber) {
			f.Block(func() {
				expect(t, caught(f.Yield), "code that is not running it")
				expect(t, caught(func() { f.Block(func() {}) }), "code that is not running it")
			})
			f.Yield()
		})
	})
	t.Run("nested calls", func(t *testing.T) {
		do(t, rt, func(f *Fiber) {
			f.Enter()
			expect(t, caught(f.Enter), "code that is not running it")
			f.Leave()
		})
	})
	t.Run("a fiber that is alive is started", func(t *testing.T) {
		do(t, rt, func(f *Fiber) {
			f.Enter()
			expect(t, caught(func() { f.loop.Start(f, &restarter{}) }), "still alive")
			f.Leave()
		})
	})
}
