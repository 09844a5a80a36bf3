//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gnetengine

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/panjf2000/gnet/v2/pkg/logging"
)

// quiet is a logger for gnet that passes on warnings and errors only. gnet keeps one
// logger for the process, so the last server started decides.
type quiet struct{ log *slog.Logger }

var _ logging.Logger = quiet{}

func (q quiet) Debugf(string, ...any) {}
func (q quiet) Infof(string, ...any)  {}

func (q quiet) Warnf(format string, args ...any) {
	q.log.Warn("gnet: " + fmt.Sprintf(format, args...))
}

func (q quiet) Errorf(format string, args ...any) {
	q.log.Error("gnet: " + fmt.Sprintf(format, args...))
}

// Fatalf ends the process, as gnet expects.
func (q quiet) Fatalf(format string, args ...any) {
	q.Errorf(format, args...)
	os.Exit(1)
}
