//go:build !linux

package load

import (
	"errors"
	"io"
)

// ErrSystem says that there is no load generator for this operating system.
var ErrSystem = errors.New("bench: the load generator needs epoll and /proc: it runs on Linux only")

// Run is not available here.
func Run(Spec) (Result, error) { return Result{}, ErrSystem }

// Hold is not available here.
func Hold(HoldSpec, func(), io.Reader) (Held, error) { return Held{}, ErrSystem }
