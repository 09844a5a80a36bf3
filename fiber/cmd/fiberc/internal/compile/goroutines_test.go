package compile

import (
	"strings"
	"testing"
)

// What compiling is for: a fiber that waits in compiled code costs no goroutine, in
// whatever way the call that waits is made.

// What is compiled holds no goroutine while it waits; what is not does.
func TestCompiledHoldsNoGoroutine(t *testing.T) {
	t.Parallel()
	s := build(t, false, map[string]string{"main.go": `package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"runtime"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1})
	rt.Start()
	for name, fn := range map[string]func(f *fiber.Fiber){
		"call":      func(f *fiber.Fiber) { outer(f, 1) },
		"copy":      func(f *fiber.Fiber) { io.Copy(io.Discard, never{f}) },
		"readall":   func(f *fiber.Fiber) { io.ReadAll(io.LimitReader(never{f}, 9)) },
		"scanner":   func(f *fiber.Fiber) { bufio.NewScanner(never{f}).Scan() },
		"bufio":     func(f *fiber.Fiber) { bufio.NewReader(&never{f}).ReadString('x') },
		"json":      func(f *fiber.Fiber) { var v any; json.NewDecoder(never{f}).Decode(&v) },
		"interface": func(f *fiber.Fiber) { waiter(never{f}).wait(1); Waiter(never{f}).Wait(1) },
		"value":     never{}.value,
		"timeout":   func(f *fiber.Fiber) { f.WithTimeout(time.Hour, func() error { return f.Sleep(time.Hour) }) },
		"local":     func(f *fiber.Fiber) { s := func() { f.Sleep(time.Hour) }; s() },
		"unexported": func(f *fiber.Fiber) { hider(never{f}).hide() },
		"variadic":  func(f *fiber.Fiber) { varier(never{f}).Vary(1, 2) },
		"instance":  func(f *fiber.Fiber) { Waiter(&box[string]{f: f}).Wait(1) },
		"parameter": func(f *fiber.Fiber) { waitOn(never{f}) },
		"value of an instance": sleepy[int],
		"literal of a generic function": made(3),
		"body of a loop": func(f *fiber.Fiber) { for range upTo(3) { f.Sleep(time.Hour) } },
		"iterator":  func(f *fiber.Fiber) { for range slow(f, 3) { } },
		"adapter":   func(f *fiber.Fiber) { for range keep(upTo(3), func(int) bool { return true }) { f.Sleep(time.Hour) } },
		"keeps":     func(f *fiber.Fiber) { for range keep(upTo(3), func(int) bool { f.Sleep(time.Hour); return true }) { } },
		"given":     func(f *fiber.Fiber) { sum(f, upTo(3)) },
		"deferred":  func(f *fiber.Fiber) { for range upTo(3) { defer func() { f.Sleep(time.Hour) }() } },
		"keys":      func(f *fiber.Fiber) { for range map[any]int{1: 2} { f.Sleep(time.Hour) } },
		"method value of an interface": sleeper(never{}).value,
		"recursion": func(f *fiber.Fiber) { for range (&tree{l: &tree{}}).all() { f.Sleep(time.Hour) } },
	} {
		before := runtime.NumGoroutine()
		for range 200 {
			rt.Go(fn)
		}
		asleep := make(chan bool)
		rt.Go(func(f *fiber.Fiber) { f.Yield(); close(asleep) })
		<-asleep
		fmt.Println(name, runtime.NumGoroutine() > before + 100)
	}
}

func outer(f *fiber.Fiber, n int) int { return inner(f, n) + 1 }

func inner(f *fiber.Fiber, n int) int {
	f.Sleep(time.Hour)
	return n
}

type hider interface{ hide() }
type sleeper interface{ value(f *fiber.Fiber) }
type varier interface{ Vary(n ...int) }
type box[V any] struct{ f *fiber.Fiber; v V }
type tree struct{ l, r *tree }

func (n never) hide()            { n.f.Sleep(time.Hour) }
func (n never) Vary(list ...int) { n.f.Sleep(time.Hour) }
func (b *box[V]) Wait(n int)     { b.f.Sleep(time.Hour) }
func waitOn[W Waiter](w W)       { w.Wait(1) }
func sleepy[V any](f *fiber.Fiber) { f.Sleep(time.Hour) }

func made[V any](v V) func(f *fiber.Fiber) {
	return func(f *fiber.Fiber) { f.Sleep(time.Hour); fmt.Sprint(v) }
}

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func slow(f *fiber.Fiber, n int) iter.Seq[int] {
	return func(yield func(int) bool) { f.Sleep(time.Hour); yield(n) }
}

func keep[V any](seq iter.Seq[V], ok func(V) bool) iter.Seq[V] {
	return func(yield func(V) bool) {
		for v := range seq {
			if ok(v) && !yield(v) {
				return
			}
		}
	}
}

func sum(f *fiber.Fiber, seq iter.Seq[int]) (n int) {
	for v := range seq {
		f.Sleep(time.Hour)
		n += v
	}
	return
}

func (t *tree) all() iter.Seq[*tree] { return func(yield func(*tree) bool) { t.push(yield) } }
func (t *tree) push(yield func(*tree) bool) bool {
	return t == nil || t.l.push(yield) && yield(t) && t.r.push(yield)
}

type waiter interface{ wait(n int) }
type Waiter interface{ Wait(n int) }

type never struct{ f *fiber.Fiber }

func (n never) Read(p []byte) (int, error) { n.f.Sleep(time.Hour); return 1, nil }
func (n never) Wait(int)                   { n.f.Sleep(time.Hour) }
func (n never) wait(int)                   {}
func (n never) value(f *fiber.Fiber)       { f.Sleep(time.Hour) }
`})
	for _, line := range strings.Split(strings.TrimSpace(s.run(t, s.plain)), "\n") {
		if !strings.HasSuffix(line, "true") {
			t.Errorf("plain: %s", line)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(s.run(t, s.compiled)), "\n") {
		if !strings.HasSuffix(line, "false") {
			t.Errorf("compiled: %s", line)
		}
	}
}
