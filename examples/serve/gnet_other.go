//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package serve

import (
	"errors"

	"github.com/heddle-go/heddle/httpfw"
)

// startGnet fails: gnet has no event loops on this system.
func startGnet(*httpfw.App, string, int) (native, error) {
	return native{}, errors.New("serve: -engine gnet is not supported on this system")
}
