package fiber

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Scope is what cancellation reaches: a request, a connection, a Group. It is
// canceled once, with a cause; every fiber bound to it or to a scope inside it then
// leaves the park it is in, and enters no other, with that cause as the error.
//
// A Scope costs nothing until it is used: no channel, no goroutine, no timer. A
// deadline is kept by the parks of its fibers; a real context.Context is made only
// when Context is called. The zero Scope is a root that was not canceled.
type Scope struct {
	deadline int64       // loop clock, 0 for none; set before use
	canceled atomic.Bool // cause is set

	mu       sync.Mutex
	cause    error                   // why it was canceled; under mu
	fiber    *Fiber                  // the fiber whose innermost scope this is; under mu
	outer    *Scope                  // the fiber's scope before this one; the fiber only
	parent   *Scope                  // nil when not linked; the fiber only
	children *Scope                  // under mu
	prev     *Scope                  // siblings; under parent.mu
	next     *Scope                  // siblings; under parent.mu
	inner    *Scope                  // of a root: the fiber's innermost scope, nil if it is the root; the fiber only
	groups   *Group                  // of a root: the fiber's groups not waited for yet; the fiber only
	base     context.Context         // where values come from, may be nil; immutable
	std      context.Context         // made by Context; under mu
	cancel   context.CancelCauseFunc // of std; under mu
	stop     func() bool             // ends the bridge from an outer context; the fiber only
}

// Err returns the cause of the cancellation, nil while there is none.
// Any goroutine may call it.
func (s *Scope) Err() error {
	if !s.canceled.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Cancel ends the scope and all scopes inside it. A nil cause means ErrCanceled;
// only the first call counts. Any goroutine may call it.
func (s *Scope) Cancel(cause error) {
	if cause == nil {
		cause = ErrCanceled
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return
	}
	s.cause = cause
	s.canceled.Store(true)
	if s.cancel != nil {
		s.cancel(cause)
	}
	if s.fiber != nil {
		s.fiber.Unpark()
	}
	// Parent before child is the only order in which two scopes are locked.
	for c := s.children; c != nil; c = c.next {
		c.Cancel(cause)
	}
}

// expire cancels s because its deadline has passed.
func (s *Scope) expire() { s.Cancel(context.DeadlineExceeded) }

// Context returns a context.Context that ends with s and carries its deadline and
// the values of its base. context.Cause of it is the cause of the cancellation. It
// is a standard context, so deriving from it starts no goroutine.
// Any goroutine may call it.
func (s *Scope) Context(l *Loop) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.std != nil {
		return s.std
	}
	base := context.Background()
	if s.base != nil {
		base = context.WithoutCancel(s.base)
	}
	var deadlineCancel context.CancelFunc
	if s.deadline != 0 && l.rt.virtual == nil {
		at := time.Now().Add(time.Duration(s.deadline - l.rt.clock()))
		base, deadlineCancel = context.WithDeadline(base, at)
	}
	std, cancel := context.WithCancelCause(base)
	s.std, s.cancel = std, cancel
	if deadlineCancel != nil {
		// The timer of the context may fire while the fiber is off the baton.
		stop := context.AfterFunc(std, func() { s.Cancel(context.Cause(std)) })
		s.cancel = func(cause error) {
			stop()
			cancel(cause)
			deadlineCancel()
		}
	}
	if s.cause != nil {
		s.cancel(s.cause)
	}
	return s.std
}

// bind makes s the innermost scope of f, inside the one it has.
func (s *Scope) bind(f *Fiber) {
	s.outer = f.Scope()
	s.outer.setFiber(nil) // f hears of its cancellation through s
	s.setFiber(f)
	f.root.Load().inner = s
	s.link(s.outer)
}

// bindRoot makes s the root scope of f, which has not started, inside parent.
func (s *Scope) bindRoot(f *Fiber, parent *Scope) {
	s.setFiber(f)
	f.root.Store(s)
	s.link(parent)
}

func (s *Scope) setFiber(f *Fiber) {
	s.mu.Lock()
	s.fiber = f
	s.mu.Unlock()
}

// link puts s inside parent, which may be nil.
func (s *Scope) link(parent *Scope) {
	if parent == nil {
		return
	}
	s.parent = parent
	if s.base == nil {
		s.base = parent.base
	}
	if parent.deadline != 0 && (s.deadline == 0 || parent.deadline < s.deadline) {
		s.deadline = parent.deadline
	}
	parent.mu.Lock()
	cause := parent.cause
	s.next = parent.children
	if s.next != nil {
		s.next.prev = s
	}
	parent.children = s
	parent.mu.Unlock()
	if cause != nil {
		s.Cancel(cause)
	}
}

// unlink takes s out of its parent.
func (s *Scope) unlink() {
	p := s.parent
	if p == nil {
		return
	}
	p.mu.Lock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		p.children = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	p.mu.Unlock()
	s.parent = nil
}

// release ends the binding of s to a fiber, and reports whether anything was
// derived from s.
func (s *Scope) release() bool {
	s.unlink()
	if s.stop != nil {
		s.stop()
	}
	s.mu.Lock()
	s.fiber = nil
	derived := s.cancel != nil || s.children != nil
	s.mu.Unlock()
	return derived
}

// Bind makes s the scope of f for a stretch of work, inside the one f has; Unbind
// ends it. On the baton only.
func (f *Fiber) Bind(s *Scope) { s.bind(f) }

// Unbind ends the scope that was bound last and cancels what was derived from it
// with ErrCanceled, as the work is over. On the baton only.
func (f *Fiber) Unbind() { f.unbind() }

// unbind is Unbind, and returns the scope that is the innermost one then, nil if none is.
func (f *Fiber) unbind() *Scope {
	root := f.root.Load()
	s := f.innermost()
	outer := s.outer
	s.outer = nil
	switch outer {
	case nil:
		f.root.Store(nil)
	case root:
		root.inner = nil
	default:
		root.inner = outer
	}
	if s.release() {
		s.Cancel(ErrCanceled)
	}
	if outer != nil {
		outer.setFiber(f)
	}
	return outer
}

// EndScopes ends all scopes of f, for a machine whose work (a request) is over and
// that goes on with other work. It reports whether there were any: then a context
// may have been made, which somebody may still hold. On the baton only.
func (f *Fiber) EndScopes() bool {
	if f.root.Load() == nil {
		return false
	}
	for f.unbind() != nil {
	}
	return true
}

// Cancel cancels whatever f does now with cause: all its waits end, until EndScopes
// or the end of the fiber. Any goroutine may call it while f lives.
func (f *Fiber) Cancel(cause error) { f.rootScope().Cancel(cause) }

// rootScope returns the outermost scope of f, made now if it has none. It is made on
// demand, by the fiber or by whoever cancels it, because most work never needs one.
func (f *Fiber) rootScope() *Scope {
	if s := f.root.Load(); s != nil {
		return s
	}
	s := &Scope{fiber: f}
	if b, ok := f.machine.(interface{ BaseContext() context.Context }); ok {
		s.base = b.BaseContext()
	}
	if f.root.CompareAndSwap(nil, s) {
		return s
	}
	return f.root.Load()
}

// innermost returns the innermost scope of f, nil if it has none.
func (f *Fiber) innermost() *Scope {
	r := f.root.Load()
	if r != nil && r.inner != nil {
		return r.inner
	}
	return r
}

// Err returns why the fiber must stop: the cause with which its innermost scope was
// canceled, context.DeadlineExceeded once the scope's deadline has passed, ErrClosed
// while its runtime closes, nil otherwise. Only the fiber's own code may call it, in
// user or loop mode.
func (f *Fiber) Err() error {
	if s := f.innermost(); s != nil && s.deadline != 0 && s.deadline <= f.loop.rt.clock() {
		s.expire()
	}
	return f.canceled()
}

// canceled is Err without a look at the clock, for parks, which keep deadlines by
// other means.
func (f *Fiber) canceled() error {
	if s := f.innermost(); s != nil {
		if err := s.Err(); err != nil {
			return err
		}
	}
	if f.loop.closing.Load() {
		return ErrClosed
	}
	return nil
}

// Scope returns the innermost scope of f, a new one if it has none; the values of its
// Context come from the fiber's machine, if that has a method BaseContext. Canceling
// it ends every wait of the fiber. Only the fiber's own code may call it.
func (f *Fiber) Scope() *Scope {
	f.rootScope()
	return f.innermost()
}

// Context returns a context.Context that ends when the fiber is canceled or ends,
// for libraries that take one. Only the fiber's own code may call it.
func (f *Fiber) Context() context.Context { return f.Scope().Context(f.loop) }

// WithTimeout calls fn in a scope that is canceled d from now with
// context.DeadlineExceeded: waits in fn return that then. It returns fn's error.
// Only the fiber's own code may call it.
func (f *Fiber) WithTimeout(d time.Duration, fn func() error) error {
	return f.within(&Scope{deadline: f.loop.rt.after(d)}, fn)
}

// WithContext calls fn in a scope that is canceled when ctx is, with the cause of
// ctx, and whose Context carries the values of ctx. It returns fn's error.
// Only the fiber's own code may call it.
func (f *Fiber) WithContext(ctx context.Context, fn func() error) error {
	s := &Scope{base: ctx}
	if at, ok := ctx.Deadline(); ok {
		s.deadline = f.loop.rt.after(time.Until(at))
	}
	s.stop = context.AfterFunc(ctx, func() { s.Cancel(context.Cause(ctx)) })
	return f.within(s, fn)
}

func (f *Fiber) within(s *Scope, fn func() error) error {
	f.Bind(s)
	defer f.Unbind()
	return fn()
}
