//go:build !linux

package proc

import (
	"errors"
	"time"
)

var errNoProcess = errors.New("no such process")

func processClock(int) time.Duration { return 0 }
