//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package netpoll

import "github.com/heddle-go/heddle/fiber"

// NewEngine returns the engine for a loop: fiber.Config's NewPoller. On this operating
// system it is the one over package net, for development; see NewNetEngine and
// docs/decisions/0001-windows.md.
func NewEngine(l *fiber.Loop) (fiber.Poller, error) { return NewNetEngine(l) }

// sharedSocket belongs to the readiness engines, which this system lacks.
type sharedSocket struct{}

// openSources gives every loop the same source: the engine shares what it opens.
func openSources(loops []*fiber.Loop, src *Source) ([]*Source, error) {
	list := make([]*Source, len(loops))
	for i := range list {
		list[i] = src
	}
	return list, nil
}

// close has nothing to free.
func (s *Source) close() {}
