package fiber

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// Resume runs a stretch of acts, or a step of a machine.
func (j *job) Resume(f *Fiber) Status {
	if j.steps == 0 {
		f.BeginUser(j.site)
		j.acts(f, 1+j.rnd.IntN(8))
		f.EndUser()
		return Done
	}
	if j.kept != nil {
		if !j.kept.Load() && f.Err() == nil {
			return Waiting // woken for nothing
		}
		j.kept = nil
	}
	j.steps--
	j.note("machine")
	switch j.rnd.IntN(8) {
	case 0, 1:
		return Again
	case 2, 3:
		j.kept = new(atomic.Bool)
		j.w.owe(j, promise{f, j.kept})
		return Waiting
	case 4:
		f.SetDeadline(f.loop.Now() + int64(j.rnd.IntN(300_000)))
		return Waiting
	case 5:
		switch j.rnd.IntN(4) {
		case 0:
			j.die(errStress)
		case 1:
			j.die(ErrGoexit)
		}
	case 6, 7:
		f.Bind(new(Scope))
		f.BeginUser(j.site)
		j.acts(f, 1+j.rnd.IntN(3))
		f.EndUser()
		f.Unbind()
	}
	if j.steps == 0 {
		return Done
	}
	return Again
}

// note says what the job does, for dump.
func (j *job) note(s string) { j.last.Store(&s) }

// die ends the fiber by a panic or by Goexit.
func (j *job) die(how error) {
	j.want = how
	if how == ErrGoexit {
		runtime.Goexit()
	}
	panic(how)
}

// owe leaves a promise to whoever keeps it first.
func (w *world) owe(j *job, p promise) {
	if j.rnd.IntN(2) == 0 {
		select {
		case w.wakers <- p:
			return
		default:
		}
	}
	w.mu.Lock()
	w.promises = append(w.promises, p)
	w.mu.Unlock()
}

// await parks until the promise is kept, or as long as nobody cancels the fiber. It
// looks at the promise in user mode, perhaps off the baton.
func (j *job) await(f *Fiber, p promise, deadline int64) error {
	for !p.kept.Load() {
		f.Enter()
		err := f.Park(deadline)
		f.Leave()
		if err != nil {
			return err
		}
	}
	return nil
}

// acts does n random things.
func (j *job) acts(f *Fiber, n int) {
	for range n {
		j.act(f)
	}
}

func (j *job) act(f *Fiber) {
	w, rnd := j.w, j.rnd
	micros := func(n int) time.Duration { return time.Duration(rnd.IntN(n)) * time.Microsecond }
	switch rnd.IntN(24) {
	case 0, 1, 2, 3:
		j.note("await")
		p := promise{f, new(atomic.Bool)}
		w.owe(j, p)
		j.await(f, p, 0)
	case 4:
		j.note("await a fiber of the same loop")
		p := promise{f, new(atomic.Bool)}
		f.Go(func(g *Fiber) {
			g.Enter()
			p.kept.Store(true)
			f.Ready()
			g.Leave()
		})
		if rnd.IntN(2) == 0 {
			f.Yield()
		}
		j.await(f, p, 0)
	case 5:
		j.note("keep promises")
		w.mu.Lock()
		list := w.promises[:len(w.promises)/2]
		w.promises = w.promises[len(list):]
		w.mu.Unlock()
		for _, p := range list {
			p.keep()
		}
	case 6:
		j.note("sleep")
		if err := f.Sleep(micros(400)); err != nil && f.Err() == nil {
			w.t.Errorf("Sleep: %v", err)
		}
	case 7:
		j.note("block")
		ran := false
		err := f.Block(func() {
			ran = true
			switch rnd.IntN(8) {
			case 0:
				j.die(errStress)
			case 1:
				j.die(ErrGoexit)
			case 2:
				time.Sleep(micros(500))
			}
		})
		if ran != (err == nil) {
			w.t.Errorf("Block: ran=%v err=%v", ran, err)
		}
	case 8:
		j.stall()
	case 9, 10, 11:
		j.note("spawn")
		for range rnd.IntN(4) {
			w.spawn(rnd, f)
		}
	case 12:
		j.note("yield")
		for range rnd.IntN(5) {
			f.Yield()
		}
	case 13:
		j.detached(f)
	case 14:
		j.note("timeout")
		err := f.WithTimeout(micros(300), func() error {
			j.maybeDie()
			if rnd.IntN(4) == 0 {
				_ = f.Context()
			}
			return j.await(f, promise{f, new(atomic.Bool)}, 0) // nobody owes it
		})
		if !errors.Is(err, context.DeadlineExceeded) && f.Err() == nil {
			w.t.Errorf("WithTimeout: %v", err)
		}
	case 15:
		j.context(f)
	case 16:
		j.note("own deadline")
		err := j.await(f, promise{f, new(atomic.Bool)}, f.loop.Clock()+int64(micros(300)))
		if !errors.Is(err, ErrTimeout) && f.Err() == nil {
			w.t.Errorf("Park with a deadline: %v", err)
		}
	case 17:
		j.note("cancel others")
		w.mu.Lock()
		w.scopes = append(w.scopes, f.Scope())
		s := w.scopes[rnd.IntN(len(w.scopes))]
		w.mu.Unlock()
		if rnd.IntN(3) == 0 {
			s.Cancel(nil)
		}
	case 18:
		j.note("overstay")
		for end := time.Now().Add(w.rt.stallAfter * 2); rnd.IntN(2) == 0 && time.Now().Before(end); {
			f.Enter()
			f.Leave()
		}
	case 19:
		j.note("cancel myself")
		f.WithTimeout(time.Hour, func() error {
			s := f.Scope()
			go s.Cancel(errStress)
			if err := j.await(f, promise{f, new(atomic.Bool)}, 0); !errors.Is(err, errStress) && w.rt.loops[0].closing.Load() == false && !errors.Is(err, ErrCanceled) {
				w.t.Errorf("canceled with %v", err)
			}
			return nil
		})
	case 20:
		j.maybeDie()
	default:
		j.note("unpark somebody for nothing")
		f.Unpark()
	}
}

func (j *job) maybeDie() {
	switch j.rnd.IntN(6) {
	case 0:
		j.die(errStress)
	case 1:
		j.die(ErrGoexit)
	}
}

// stall keeps the loop without telling it, and may die while off the baton.
func (j *job) stall() {
	if j.rnd.IntN(4) > 0 {
		return
	}
	w := j.w
	d := w.rt.stallAfter * 2
	switch j.rnd.IntN(4) {
	case 0:
		j.note("stall: sleep")
		time.Sleep(d)
	case 1:
		j.note("stall: channel")
		c := make(chan int)
		time.AfterFunc(d, func() { c <- 1 })
		<-c
	case 2:
		j.note("stall: mutex")
		c := make(chan int)
		go func() {
			w.slow.Lock()
			close(c)
			time.Sleep(d)
			w.slow.Unlock()
		}()
		<-c
		w.slow.Lock()
		w.slow.Unlock()
	case 3:
		j.note("stall: spin")
		for end := time.Now().Add(d); time.Now().Before(end); {
		}
	}
	j.maybeDie()
}

// detached parks with the thread locked.
func (j *job) detached(f *Fiber) {
	if j.rnd.IntN(3) > 0 {
		return
	}
	j.note("detached")
	f.Detach()
	locks := j.rnd.IntN(3)
	for range locks {
		runtime.LockOSThread()
	}
	p := promise{f, new(atomic.Bool)}
	j.w.owe(j, p)
	j.await(f, p, 0)
	f.Yield()
	if j.rnd.IntN(3) == 0 {
		j.maybeDie()
		return // locked
	}
	for range locks {
		runtime.UnlockOSThread()
	}
}

// context binds the fiber to a context that is canceled in one of several ways.
func (j *job) context(f *Fiber) {
	j.note("context")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	switch j.rnd.IntN(3) {
	case 0:
		cancel(errStress)
	case 1:
		go cancel(errStress)
	default:
		go func() { runtime.Gosched(); cancel(errStress) }()
	}
	err := f.WithContext(ctx, func() error {
		if j.rnd.IntN(3) == 0 {
			derived, stop := context.WithCancel(f.Context())
			defer stop()
			f.Block(func() { <-derived.Done() })
		}
		return j.await(f, promise{f, new(atomic.Bool)}, 0)
	})
	if !errors.Is(err, errStress) && f.Err() == nil {
		j.w.t.Errorf("WithContext: %v", err)
	}
}
