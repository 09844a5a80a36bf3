package middleware

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

// RecoverConfig says what Recover does with a panic. The zero value is meant to be
// used.
type RecoverConfig struct {
	// Logger gets the panic and its stack. Default: slog.Default().
	Logger *slog.Logger
	// StackBytesMax bounds the stack that is logged. Default 16 KiB; negative: no
	// stack.
	StackBytesMax int
}

// Recover turns a panic of the handler inside into an error: an *httpfw.HTTPError with
// status 500, around a *fiber.PanicError with the value and the stack. So the reply
// goes through Config.ErrorHandler, the connection stays open, and middleware outside
// sees it. If the reply had begun, the connection is cut. Without Recover a panic ends
// no more than its request either, but the reply is a bare 500 and the
// connection is closed.
//
// A panic with http.ErrAbortHandler or httpfw.ErrAbort becomes the error
// httpfw.ErrAbort and is not logged: the handler wants the connection cut.
// runtime.Goexit is left alone.
func Recover(config RecoverConfig) httpfw.Middleware {
	if config.StackBytesMax == 0 {
		config.StackBytesMax = 16 << 10
	}
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) (err error) {
			defer func() {
				// nil after an ordinary return and after runtime.Goexit; not after
				// panic(nil), whose value is a *runtime.PanicNilError.
				if v := recover(); v != nil {
					err = config.failure(c, v)
				}
			}()
			return next(c)
		}
	}
}

// failure logs a panic and returns the error that stands for it. It is called while
// the panicking stack still stands.
func (r *RecoverConfig) failure(c *httpfw.Ctx, value any) error {
	if err, ok := value.(error); ok && (errors.Is(err, http.ErrAbortHandler) || errors.Is(err, httpfw.ErrAbort)) {
		return httpfw.ErrAbort
	}
	e := &fiber.PanicError{Value: value}
	log := r.Logger
	if log == nil {
		log = slog.Default()
	}
	attrs := []slog.Attr{
		slog.String("method", c.Method()),
		slog.String("path", c.Path()),
		slog.String("route", c.Route()),
		slog.String("value", fmt.Sprint(value)),
	}
	if id := RequestIDOf(c); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	if r.StackBytesMax > 0 {
		e.Stack = c.Fiber().Trace()
		e.Stack = e.Stack[:min(len(e.Stack), r.StackBytesMax)]
		attrs = append(attrs, slog.String("stack", string(e.Stack)))
	}
	log.LogAttrs(background, slog.LevelError, "panic in a handler", attrs...)
	return &httpfw.HTTPError{Status: http.StatusInternalServerError, Err: e}
}
