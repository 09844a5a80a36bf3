package fiber

import (
	"context"
	"sync"

	"github.com/heddle-go/heddle/fiber/abi"
)

// A Group is the children of a fiber: functions that run in fibers of their own and
// do not outlive it. The first error among them, a panic (*PanicError) or
// runtime.Goexit (ErrGoexit) cancels the others with that error as the cause. The
// Group's scope lies inside the scope that was the fiber's innermost one when the
// Group was made, and each child's scope inside the Group's, so whatever cancels the
// request cancels them all.
//
// A Group is waited for: by Wait, or else, after it has been canceled, when the
// parent's user code ends, for whatever reason.
type Group struct {
	parent *Fiber // immutable
	next   *Group // in Scope.groups; the parent only
	scope  Scope  // nobody takes mu while holding a scope's lock

	mu      sync.Mutex
	limit   int      // children that may run at a time, 0 any number; under mu
	running int      // children started and not ended; under mu
	queue   []*child // children waiting for the limit; under mu
	waiting bool     // the parent waits; under mu
	over    bool     // nothing can be added any more; under mu
	err     error    // what Wait returns; set with over
}

// NewGroup returns a Group of children of f. Only f's own code may call it.
func NewGroup(f *Fiber) *Group {
	g := &Group{parent: f}
	f.Enter()
	f.shared = true
	g.scope.link(f.Scope())
	root := f.root.Load()
	g.next, root.groups = root.groups, g
	f.Leave()
	return g
}

// SetLimit lets at most n children run at a time; the functions of the others wait
// in a queue, as Go names no fiber that could. 0 or less is no limit. Call it before
// the first Go.
func (g *Group) SetLimit(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit = max(n, 0)
}

// Go runs fn in a new child on the parent's loop. It does not wait. fn runs even if
// the Group has been canceled (it may own something that it must give back), but
// then cannot wait: see Fiber.Err. Anybody may call it while the parent has not
// returned from Wait; it panics afterwards.
func (g *Group) Go(fn func(f *Fiber) error) { g.GoOn(g.parent.loop, fn) }

// GoOn is Go on another loop. If that loop has ended, fn does not run and the child
// counts as failed with ErrClosed.
func (g *Group) GoOn(l *Loop, fn func(f *Fiber) error) {
	c := &child{group: g, fn: fn}
	c.fiber.init(l, c)
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		panic("fiber: Go on a Group that has ended")
	}
	if g.limit > 0 && g.running >= g.limit {
		g.queue = append(g.queue, c)
		g.mu.Unlock()
		return
	}
	g.running++
	g.mu.Unlock()
	if err := l.submit(&c.fiber); err != nil {
		g.ended(err)
	}
}

// Wait waits until all children have ended, and ends the Group. It returns nil if
// the Group was not canceled, and else the cause: the first error of a child, what
// was given to Cancel, or the cause for which the parent was canceled. Cancellation
// does not shorten the wait: it makes the children end, and none is left when Wait
// returns. A second Wait returns the same at once. Only the parent's own code may
// call it, with the parent as f.
func (g *Group) Wait(f *Fiber) error {
	if f != g.parent {
		panic("fiber: Group.Wait by a fiber that did not make the Group")
	}
	f.Enter()
	g.finish(f)
	f.Leave()
	return g.err
}

// Cancel cancels all children. A nil cause means ErrCanceled; only the first
// cancellation counts. Anybody may call it.
func (g *Group) Cancel(cause error) {
	g.mu.Lock()
	over := g.over
	g.mu.Unlock()
	if !over {
		g.scope.Cancel(cause)
	}
}

// Context returns a context.Context that ends when the Group is canceled or ends.
// Anybody may call it.
func (g *Group) Context() context.Context { return g.scope.Context(g.parent.loop) }

// abandon ends a group that its parent did not wait for. On the baton.
func (g *Group) abandon(f *Fiber) {
	g.Cancel(f.Err())
	g.finish(f)
}

// finish waits for the children and takes the group off its parent. On the baton.
func (g *Group) finish(f *Fiber) {
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return
	}
	for g.running > 0 {
		g.waiting = true
		g.mu.Unlock()
		f.linger()
		g.mu.Lock()
	}
	g.over, g.err = true, g.scope.Err()
	g.mu.Unlock()
	for p := &f.root.Load().groups; *p != nil; p = &(*p).next {
		if *p == g {
			*p = g.next
			break
		}
	}
	g.next = nil
	if g.scope.release() {
		g.scope.Cancel(ErrCanceled)
	}
}

// ended counts a child that has ended with err and starts the next in the queue.
func (g *Group) ended(err error) {
	if err != nil {
		g.scope.Cancel(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.queue) > 0 {
		c := g.queue[0]
		g.queue[0] = nil
		g.queue = g.queue[1:]
		err := c.fiber.loop.submit(&c.fiber)
		if err == nil {
			return
		}
		g.scope.Cancel(err)
	}
	g.running--
	if g.running == 0 && g.waiting {
		g.parent.Unpark() // under mu, so that the parent cannot have ended yet
	}
}

// A child is a fiber of a Group. It is not reused: its Context may be in use.
type child struct {
	fiber Fiber
	scope Scope
	group *Group
	fn    func(f *Fiber) error
	err   error // what fn returned; the fiber only
}

// Resume runs the function. A panic passes through it to Ended, as does Goexit. The
// scope is linked here, on the baton, and not when the child is handed to its loop:
// a cancellation that posts a fiber must not meet its start.
func (c *child) Resume(f *Fiber) Status {
	if !f.Left() {
		c.scope.bindRoot(f, &c.group.scope)
		f.Offer(abi.PC(c.fn))
		f.BeginUser(f.loop.rt.siteOf(c.fn))
		c.err = c.fn(f)
	} else if done := f.Continue(); done != nil {
		c.err = abi.Results[abi.R1[error]](&f.stack, done).A
	}
	if f.Left() {
		return f.Wait()
	}
	f.EndUser()
	return Done
}

// Ended reports how the child ended.
func (c *child) Ended(_ *Fiber, cause error) {
	if cause == nil {
		cause = c.err
	}
	c.group.ended(cause)
}

// String names the child by its function.
func (c *child) String() string { return funcName(c.fn) }
