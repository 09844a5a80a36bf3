package fiber

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCloseNamesWhatStillRuns(t *testing.T) {
	rt := start(t, Config{Loops: 2})
	goOn, in := make(chan struct{}), make(chan struct{})
	for range 3 {
		rt.Go(func(f *Fiber) { f.Block(func() { in <- struct{}{}; <-goOn }) })
	}
	for range 3 {
		<-in
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	err := rt.Close(ctx)
	var e *CloseError
	if !errors.As(err, &e) || !errors.Is(err, why) {
		t.Fatalf("got %v", err)
	}
	if len(e.Running) != 1 || !strings.Contains(e.Running[0], "TestCloseNames") || !strings.Contains(e.Running[0], "close_test.go") || !strings.HasSuffix(e.Running[0], " x3") {
		t.Errorf("running: %q", e.Running)
	}
	close(goOn)
	if err := rt.Close(context.Background()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// What was accepted before Close runs, even if the runtime never ran.
func TestCloseBeforeStart(t *testing.T) {
	before := runtime.NumGoroutine()
	rt, err := New(Config{Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	if err := rt.Go(func(f *Fiber) { got <- f.Sleep(time.Hour) }); err != nil {
		t.Fatal(err)
	}
	if err := rt.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != ErrClosed {
		t.Errorf("got %v", err)
	}
	if err := rt.Go(func(f *Fiber) {}); err != ErrClosed {
		t.Errorf("Go after Close: %v", err)
	}
	rt.Start()
	drained(t, rt, before)
}

// Whatever Go accepts while the runtime closes runs; whatever it refuses does not.
func TestCloseWhileStarting(t *testing.T) {
	for range 50 {
		rt := start(t, Config{Loops: 2})
		var mu sync.Mutex
		accepted, ran := 0, 0
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 300 { // endless work would keep the loops alive
					if rt.Go(func(f *Fiber) {
						f.Sleep(time.Hour)
						f.Yield()
						mu.Lock()
						ran++
						mu.Unlock()
					}) != nil {
						return
					}
					mu.Lock()
					accepted++
					mu.Unlock()
				}
			})
		}
		if err := rt.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if ran != accepted {
			t.Fatalf("accepted %d, ran %d", accepted, ran)
		}
	}
}

func TestRunReturnsAfterClose(t *testing.T) {
	rt, err := New(Config{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { rt.Run(); close(done) }()
	do(t, rt, func(f *Fiber) {})
	if err := rt.Close(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
}

func TestConfigRefused(t *testing.T) {
	if _, err := New(Config{Loops: -1}); err == nil {
		t.Error("Loops -1 accepted")
	}
	closed := 0
	n := 0
	why := errors.New("no descriptor left")
	_, err := New(Config{Loops: 3, NewPoller: func(*Loop) (Poller, error) {
		if n++; n == 3 {
			return nil, why
		}
		return &countingPoller{sleeper: newSleeper(), closed: &closed}, nil
	}})
	if !errors.Is(err, why) || closed != 2 {
		t.Errorf("got %v, %d pollers closed", err, closed)
	}
}

type countingPoller struct {
	*sleeper
	closed *int
}

func (p *countingPoller) Close() error { *p.closed++; return nil }
