package httpfw

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
)

// An HTTPError is an error that knows which reply it deserves. Handlers return it;
// the error handler sends it.
type HTTPError struct {
	Status  int
	Message string // for the client; in a literal, empty means the reason phrase
	Err     error  // the cause, for logs only, see DefaultError and middleware.Logger; may be nil
}

// Error makes an HTTPError. An empty message becomes the reason phrase of the status.
func Error(status int, message string) *HTTPError {
	if message == "" {
		message = http1.StatusText(status)
	}
	return &HTTPError{Status: status, Message: message}
}

// Errorf makes an HTTPError whose message is for the client, all of it: the text of a cause
// wrapped by %w too. Causes can be found by errors.Is and errors.As. To keep the text of a
// cause from the client, set HTTPError.Err instead.
func Errorf(status int, format string, args ...any) *HTTPError {
	err := fmt.Errorf(format, args...)
	cause := errors.Unwrap(err)
	if _, several := err.(interface{ Unwrap() []error }); several {
		cause = err
	}
	return &HTTPError{Status: status, Message: err.Error(), Err: cause}
}

// Error returns the status and the message, for logs; the cause is not in it.
func (e *HTTPError) Error() string {
	m := e.Message
	if m == "" {
		m = http1.StatusText(e.Status)
	}
	if m == "" {
		return fmt.Sprintf("httpfw: %d", e.Status) // one without a registered name
	}
	return fmt.Sprintf("httpfw: %d %s", e.Status, m)
}

// Unwrap returns the cause.
func (e *HTTPError) Unwrap() error { return e.Err }

// Errors of the framework's own.
var (
	errNotFound         = Error(http.StatusNotFound, "")
	errMethodNotAllowed = Error(http.StatusMethodNotAllowed, "")
	errBadPath          = Error(http.StatusBadRequest, "the path has a '..' beside an escaped slash or backslash, or a broken escape")
	errPathTooLong      = Error(http.StatusRequestURITooLong, "")
	errBodyCut          = Error(http.StatusBadRequest, "the body ended early")

	// ErrBodyTooLarge: the request's body exceeds its limit; 413. The error handler gets one
	// around it whose message has the limit.
	ErrBodyTooLarge = Error(http.StatusRequestEntityTooLarge, "")
	// ErrBodyTimeout: the client took longer than Config.BodyTimeout for more of the body,
	// or sends it at less than Config.BodyBytesPerSecondMin; 408.
	ErrBodyTimeout = Error(http.StatusRequestTimeout, "the body did not arrive in time")
	// ErrReplied: the reply has begun, so what was asked comes too late.
	ErrReplied = errors.New("httpfw: the reply has begun already")
	// ErrClientGone: the client closed or reset the connection. It is the cause with
	// which its request is canceled, so errors.Is finds context.Canceled in it too, as code
	// made for net/http expects.
	ErrClientGone error = clientGone{}
	// ErrHijacked: the connection was taken over.
	ErrHijacked = errors.New("httpfw: the connection was hijacked")
	// ErrAbort: a handler that returns it wants the connection cut, without a reply or a log
	// line.
	ErrAbort = errors.New("httpfw: abort")
)

type clientGone struct{}

func (clientGone) Error() string        { return "httpfw: the client has gone" }
func (clientGone) Is(target error) bool { return target == context.Canceled }

// StatusOf returns the status an error deserves: that of the *HTTPError or the *http1.Error
// in its chain, 504 for a deadline, 503 for cancellation, or 500.
func StatusOf(err error) int {
	var he *HTTPError
	var pe *http1.Error
	switch {
	case errors.As(err, &he):
		return he.Status
	case errors.As(err, &pe):
		return pe.Status
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, fiber.ErrTimeout):
		return http.StatusGatewayTimeout
	case errors.Is(err, fiber.ErrClosed), errors.Is(err, fiber.ErrCanceled), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// DefaultError is the default Config.ErrorHandler: it sends the status and message of
// the error as text. What is not meant for clients is not sent, but logged: the text of other
// errors, and HTTPError.Err from status 500.
func DefaultError(c *Ctx, err error) {
	status := StatusOf(err)
	message := http1.StatusText(status)
	var he *HTTPError
	var pe *http1.Error
	switch {
	case errors.As(err, &he):
		if he.Message != "" {
			message = he.Message
		}
		// A panic has its own line already, and middleware.Timeout's reply says all there is.
		var panicked *fiber.PanicError
		if he.Err != nil && status >= 500 && !errors.As(he.Err, &panicked) && !errors.Is(he.Err, context.DeadlineExceeded) {
			c.app.log.Error("httpfw: handler failed", "method", c.Method(), "path", c.Path(), "err", err, "cause", he.Err)
		}
	case errors.As(err, &pe):
		message = pe.Rule
	case status == http.StatusInternalServerError:
		c.app.log.Error("httpfw: handler failed", "method", c.Method(), "path", c.Path(), "err", err)
	}
	if !strings.HasSuffix(message, "\n") {
		message += "\n"
	}
	c.Text(status, message)
}
