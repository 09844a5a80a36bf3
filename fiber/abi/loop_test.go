package abi

import (
	"fmt"
	"runtime"
	"testing"
)

// What a Loop panics with is what gc's own loops panic with.
func TestLoopMisuse(t *testing.T) {
	caught := func(fn func()) (v any) {
		defer func() { v = recover() }()
		fn()
		return nil
	}
	var kept func() bool
	body := func(lp *Loop, leave bool) func() bool {
		return func() bool {
			lp.Enter()
			if leave {
				lp.Leave(0)
				return false
			}
			lp.Next()
			return true
		}
	}
	broken := func(lp *Loop) func() bool {
		return func() bool { lp.Enter(); panic("body") }
	}
	quiet := func(fn func() bool) { defer func() { recover() }(); fn() }
	for _, c := range []struct {
		name   string
		native func()
		ours   func()
	}{
		{"after false", func() {
			for range func(yield func() bool) { yield(); yield() } {
				break
			}
		}, func() {
			y := body(&Loop{}, true)
			y()
			y()
		}},
		{"after the end", func() {
			for range func(yield func() bool) { kept = yield } {
			}
			kept()
		}, func() {
			lp := &Loop{}
			lp.Over()
			body(lp, false)()
		}},
		{"after a panic", func() {
			for range func(yield func() bool) { quiet(yield); yield() } {
				panic("body")
			}
		}, func() {
			y := broken(&Loop{})
			quiet(y)
			y()
		}},
		{"a panic kept", func() {
			for range func(yield func() bool) { quiet(yield) } {
				panic("body")
			}
		}, func() {
			lp := &Loop{}
			quiet(broken(lp))
			lp.Over()
		}},
		{"inside itself", func() {
			var again func() bool
			for range func(yield func() bool) { again = yield; yield() } {
				again()
			}
		}, func() {
			lp := &Loop{}
			lp.Enter()
			lp.Enter()
		}},
	} {
		want, got := caught(c.native), caught(c.ours)
		if _, ok := got.(runtime.Error); !ok || fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			t.Errorf("%s: %T %v, gc has %T %v", c.name, got, got, want, want)
		}
	}
}
