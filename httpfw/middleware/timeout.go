package middleware

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// TimeoutConfig says how long handlers may take. The zero value is meant to be used.
type TimeoutConfig struct {
	// After is how long a handler may take. Default 30 s.
	After time.Duration
	// Status and Message are the reply to a request that took too long. Default 503
	// (Service Unavailable) and its reason phrase.
	Status  int
	Message string
}

// Timeout ends the waits of a handler that takes too long: a Sleep, a read of the
// body, a Write to a slow client and everything that waits on c.Context() or on c.Fiber()
// returns context.DeadlineExceeded then, and so do later ones at once. If the handler
// returns an error after that, the reply is Status instead; if it returns nil, its own
// reply stands. The handler's code is not interrupted elsewhere: one that computes or
// blocks by itself goes on until it returns. So reply and handler never race, and
// nothing needs to be buffered as in net/http.TimeoutHandler.
func Timeout(config TimeoutConfig) httpfw.Middleware {
	if config.After < 0 {
		panic("middleware: TimeoutConfig.After is negative")
	}
	if config.After == 0 {
		config.After = 30 * time.Second
	}
	if config.Status == 0 {
		config.Status = http.StatusServiceUnavailable
	}
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			late := false
			err := c.Fiber().WithTimeout(config.After, func() error {
				err := next(c)
				// In the scope, so that a deadline of somebody else's is not taken
				// for this one.
				late = errors.Is(c.Err(), context.DeadlineExceeded)
				return err
			})
			if err != nil && late && !errors.Is(err, httpfw.ErrAbort) && !c.Replied() {
				return &httpfw.HTTPError{Status: config.Status, Message: config.Message, Err: err}
			}
			return err
		}
	}
}
