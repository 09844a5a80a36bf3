package fiber

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// ender is a machine whose code and whose Ended are functions.
type ender struct {
	fn    func(f *Fiber)
	loop  func(f *Fiber) Status // instead of fn, in loop mode
	ended func(f *Fiber, cause error)
}

func (e *ender) Resume(f *Fiber) Status {
	if e.loop != nil {
		return e.loop(f)
	}
	f.BeginUser(nil)
	e.fn(f)
	f.EndUser()
	return Done
}
func (e *ender) Ended(f *Fiber, cause error) { e.ended(f, cause) }

// endOf runs e and returns the cause of its end.
func endOf(t *testing.T, rt *Runtime, e *ender) error {
	t.Helper()
	got := make(chan error, 1)
	then := e.ended
	e.ended = func(f *Fiber, cause error) {
		got <- cause
		if then != nil {
			then(f, cause)
		}
	}
	l := rt.Loops()[0]
	l.Post(func() { l.Start(&Fiber{}, e) })
	cause := <-got
	do(t, rt, func(f *Fiber) { f.Sleep(time.Microsecond) }) // the loop goes on
	return cause
}

func TestPanicIsReported(t *testing.T) {
	log := &logged{}
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond, Logger: logTo(log)})
	places := map[string]func(f *Fiber){
		"before a park": func(f *Fiber) { explode() },
		"after a park":  func(f *Fiber) { f.Sleep(time.Microsecond); explode() },
		"in Block":      func(f *Fiber) { f.Block(explode) },
		"off the baton": func(f *Fiber) {
			for n := rt.Stats().Stalls; rt.Stats().Stalls == n; {
				runtime.Gosched()
			}
			explode()
		},
		"in a scope": func(f *Fiber) { f.WithTimeout(time.Hour, func() error { explode(); return nil }) },
		"in loop mode": func(f *Fiber) {
			f.Enter()
			explode()
		},
	}
	var n uint64
	for name, fn := range places {
		err := endOf(t, rt, &ender{fn: fn})
		var p *PanicError
		if !errors.As(err, &p) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(string(p.Stack), "fiber.explode") {
			t.Errorf("%s: the stack does not show the place:\n%s", name, p.Stack)
		}
		if n++; rt.Stats().Panics != n {
			t.Errorf("%s: %d panics counted, want %d", name, rt.Stats().Panics, n)
		}
	}
	if log.lines("unexpected EOF") < int(n) || log.lines("explode") < int(n) {
		t.Error("a panic was not logged")
	}
}

func explode() { panic(io.ErrUnexpectedEOF) }

func TestGoexitIsReported(t *testing.T) {
	rt := start(t, Config{Loops: 1, StallAfter: time.Millisecond, Logger: silent()})
	places := map[string]func(f *Fiber){
		"before a park": func(f *Fiber) { runtime.Goexit() },
		"after a park":  func(f *Fiber) { f.Sleep(time.Microsecond); runtime.Goexit() },
		"in Block":      func(f *Fiber) { f.Block(runtime.Goexit) },
		"after a park, locked": func(f *Fiber) {
			f.Sleep(time.Microsecond)
			f.Detach()
			runtime.LockOSThread()
			f.Sleep(time.Microsecond)
			runtime.Goexit()
		},
		"off the baton": func(f *Fiber) {
			for n := rt.Stats().Stalls; rt.Stats().Stalls == n; {
				runtime.Gosched()
			}
			runtime.Goexit()
		},
	}
	for name, fn := range places {
		for range 20 { // from every kind of goroutine
			if err := endOf(t, rt, &ender{fn: fn}); err != ErrGoexit {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := endOf(t, rt, &ender{loop: func(f *Fiber) Status { runtime.Goexit(); return Done }}); err != ErrGoexit {
		t.Errorf("in loop mode: %v", err)
	}
}

// A panic in Ended is logged, whatever it follows, and ends nothing else.
func TestPanicInEnded(t *testing.T) {
	rt := start(t, Config{Loops: 1, Logger: silent()})
	boom := func(*Fiber, error) { panic("Ended") }
	endOf(t, rt, &ender{fn: func(*Fiber) {}, ended: boom})
	endOf(t, rt, &ender{fn: func(*Fiber) { explode() }, ended: boom})
	endOf(t, rt, &ender{fn: func(*Fiber) { runtime.Goexit() }, ended: boom})
	endOf(t, rt, &ender{fn: func(*Fiber) {}, ended: func(*Fiber, error) { runtime.Goexit() }})
	if n := rt.Stats().Panics; n != 4 {
		t.Errorf("%d panics counted, want 4", n)
	}
}

// A fiber started again by its Ended is not ended a second time by a panic there.
func TestPanicAfterRestartInEnded(t *testing.T) {
	rt := start(t, Config{Loops: 1, Logger: silent()})
	again := make(chan error, 1)
	endOf(t, rt, &ender{fn: func(*Fiber) {}, ended: func(f *Fiber, _ error) {
		f.Loop().Start(f, &ender{
			fn:    func(f *Fiber) { f.Sleep(time.Microsecond) },
			ended: func(_ *Fiber, cause error) { again <- cause },
		})
		panic("after the restart")
	}})
	if err := <-again; err != nil {
		t.Error(err)
	}
}

// A fiber may end with its thread locked: nobody else runs on that goroutine.
func TestDetachedEndsLocked(t *testing.T) {
	rt := start(t, Config{Loops: 1})
	for range 50 {
		do(t, rt, func(f *Fiber) { // on a goroutine started by go
			f.Detach()
			runtime.LockOSThread()
			f.Sleep(time.Microsecond)
		})
		do(t, rt, func(f *Fiber) { // on a pull goroutine, as it comes after a park
			f.Sleep(time.Microsecond)
			f.Go(func(g *Fiber) {
				g.Detach()
				runtime.LockOSThread()
				runtime.LockOSThread()
				g.Yield()
				f.Unpark()
			})
			f.Enter()
			f.Park(0)
			f.Leave()
			for range 10 {
				f.Sleep(time.Microsecond)
			}
		})
	}
}
