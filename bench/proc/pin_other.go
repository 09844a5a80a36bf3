//go:build !linux

package proc

import "errors"

var errSystem = errors.New("bench: placing processes on cores is done on Linux only")

// Pin is not available here.
func Pin([]string) error { return errSystem }

// RaiseDescriptors is not available here.
func RaiseDescriptors() error { return errSystem }

// Descriptors is not available here.
func Descriptors() (int, error) { return 0, errSystem }

// Cores is not available here.
func Cores() ([]int, error) { return nil, errSystem }
