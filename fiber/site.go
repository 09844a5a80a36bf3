package fiber

import (
	"reflect"
	"sync/atomic"
	"time"
)

// A Site is a piece of user code as the stall monitor knows it: a handler, by its
// declaration. Code that has stalled its loop starts off the baton from then on,
// and is tried again on it now and then, less and less often.
type Site struct {
	name    string
	until   atomic.Int64 // loop clock: starts off the baton until then; 0 never stalled
	backoff atomic.Int64 // ns until the next trial
	stalls  atomic.Uint64
}

const (
	siteBackoffMin = int64(10 * time.Second)
	siteBackoffMax = int64(5 * time.Minute)
)

// NewSite returns a site for the function fn, named by its declaration and by
// label (a route, say), which may be empty.
func NewSite(label string, fn any) *Site {
	name := funcName(fn)
	if label != "" {
		name = label + " " + name
	}
	return &Site{name: name}
}

// Name returns the label and the declaration. Any goroutine may call it.
func (s *Site) Name() string { return s.name }

// Stalls returns how often the site has stalled a loop. Any goroutine may call it.
func (s *Site) Stalls() uint64 { return s.stalls.Load() }

// startsOff reports whether the site's code must start off the baton, or else whether
// it is on trial: if it does not stall this time, it is trusted again.
func (s *Site) startsOff(now int64) (off, trial bool) {
	until := s.until.Load()
	if until == 0 || now < until {
		return until != 0, false
	}
	// One caller tries it on the baton; the others go on as before meanwhile.
	trial = s.until.CompareAndSwap(until, now+s.backoff.Load())
	return !trial, trial
}

// passed ends a trial without a stall.
func (s *Site) passed() { s.until.Store(0) }

// stalledAt records a stall and reports whether it was the first.
func (s *Site) stalledAt(now int64) bool {
	b := min(max(2*s.backoff.Load(), siteBackoffMin), siteBackoffMax)
	s.backoff.Store(b)
	s.until.Store(now + b)
	return s.stalls.Add(1) == 1
}

// siteOf returns the site of a fiber's function if it has stalled before.
func (rt *Runtime) siteOf(fn any) *Site {
	if !rt.stalled.Load() {
		return nil
	}
	s, _ := rt.sites.Load(reflect.ValueOf(fn).Pointer())
	site, _ := s.(*Site)
	return site
}

// blame returns the site of the fiber's code, made now if it had none.
func (rt *Runtime) blame(f *Fiber) *Site {
	if f.site != nil {
		return f.site
	}
	var fn any
	switch m := f.machine.(type) {
	case plain:
		fn = m
	case *child:
		fn = m.fn
	default:
		s, _ := rt.sites.LoadOrStore(reflect.TypeOf(f.machine), &Site{name: machineName(f.machine)})
		return s.(*Site)
	}
	s, _ := rt.sites.LoadOrStore(reflect.ValueOf(fn).Pointer(), &Site{name: funcName(fn)})
	rt.stalled.Store(true)
	return s.(*Site)
}
