// Package fiber stands in for the framework's in the tests of the analyzers.
package fiber

import (
	"context"
	"time"
)

type Fiber struct{ detached bool }

func (f *Fiber) Park(deadline int64) error                          { return nil }
func (f *Fiber) Sleep(d time.Duration) error                        { return nil }
func (f *Fiber) Yield()                                             {}
func (f *Fiber) GiveWay()                                           {}
func (f *Fiber) Enter()                                             {}
func (f *Fiber) Leave()                                             {}
func (f *Fiber) Block(fn func()) error                              { fn(); return nil }
func (f *Fiber) Detach()                                            { f.detached = true }
func (f *Fiber) Go(fn func(f *Fiber))                               {}
func (f *Fiber) WithTimeout(d time.Duration, fn func() error) error { return fn() }

type Mutex struct{}

func (m *Mutex) Lock(f *Fiber) error { return nil }
func (m *Mutex) Unlock()             {}

type Chan[T any] struct{}

func NewChan[T any](capacity int) *Chan[T]        { return nil }
func (c *Chan[T]) Recv(f *Fiber) (v T, err error) { return v, nil }
func (c *Chan[T]) Send(f *Fiber, v T) error       { return nil }

type Group struct{}

func NewGroup(f *Fiber) *Group              { return nil }
func (g *Group) Go(fn func(f *Fiber) error) {}
func (g *Group) Wait(f *Fiber) error        { return nil }

type Runtime struct{}

func (rt *Runtime) Go(fn func(f *Fiber)) error      { return nil }
func (rt *Runtime) Adopt(fn func(f *Fiber)) error   { return nil }
func (rt *Runtime) Close(ctx context.Context) error { return nil }

func (c *Chan[T]) TrySend(v T) (bool, error) { return true, nil }
