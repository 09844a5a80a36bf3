package fiber

import "errors"

// Adopt makes a fiber of the calling goroutine for as long as fn runs: the way in for
// code that a foreign server calls on goroutines of its own. fn runs on the caller's
// stack, beside the loop from the start, as if in Block: it may block as it likes, and
// each framework call waits until the loop takes the fiber back, for about the price of
// two goroutine switches. The fiber belongs to one of the loops, which take turns, and
// while fn runs outside framework calls it holds a place in Block, if there is one.
//
// A panic in fn, or runtime.Goexit, passes to the caller once the fiber has ended.
// Adopt waits for the runtime to be started. It returns ErrClosed, and fn never runs,
// once the loop has ended; while it closes fn runs and its parks return ErrClosed. Any
// goroutine may call it, but not a fiber of this runtime outside Block.
func (rt *Runtime) Adopt(fn func(f *Fiber)) error {
	loops := rt.Loops()
	if len(loops) == 0 {
		return errors.New("fiber: the runtime has no loops yet")
	}
	l := loops[int(rt.nextLoop.Add(1))%len(loops)]
	f := &Fiber{}
	f.init(l, adopted(fn))
	f.detached = true
	// A new fiber that sits somewhere already: the loop starts it by handing the baton
	// to its seat, as it does for one that comes back from Block.
	s := rt.takeSeat()
	f.seat = s
	if err := l.submit(f); err != nil {
		rt.seats.Put(s)
		return err
	}
	<-s.wake
	rt.seats.Put(s)

	defer f.release()
	f.BeginUser(nil)
	f.Enter()
	f.adopted, f.offStart = true, true
	f.Leave()
	fn(f)
	return nil
}

// release ends an adopted fiber, however its function ended, and gives the baton away:
// the goroutine goes back to its owner. In a deferred call.
func (f *Fiber) release() {
	l := f.loop
	if f.user {
		f.Enter()
	}
	f.cleanUp()
	l.settle(f, Done, nil)
	l.exit(nil)
}

// Linger is Park for a wait that neither cancellation nor the closing of the runtime
// ends: for framework code that has lent something to other goroutines and must stay
// until they give it back. It returns when f is woken, maybe for no reason. Only the
// fiber's own code may call it, on the baton.
func (f *Fiber) Linger() { f.linger() }

// adopted is the machine of an adopted fiber. The loop never resumes it, since its
// goroutine is there already; it names the fiber.
type adopted func(f *Fiber)

func (fn adopted) Resume(*Fiber) Status { panic("fiber: an adopted fiber has lost its goroutine") }

func (fn adopted) String() string { return funcName(fn) }
