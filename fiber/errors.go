package fiber

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that waits return; test for them with errors.Is.
var (
	// ErrClosed: the runtime, channel or primitive was closed.
	ErrClosed = errors.New("fiber: closed")
	// ErrCanceled: the scope was canceled without a cause of its own.
	ErrCanceled = errors.New("fiber: canceled")
	// ErrTimeout: the deadline given to this wait has passed. It is a net.Error
	// whose Timeout method reports true.
	ErrTimeout error = timeoutError{}
	// ErrGoexit: the fiber's code called runtime.Goexit.
	ErrGoexit = errors.New("fiber: runtime.Goexit was called")
)

type timeoutError struct{}

func (timeoutError) Error() string   { return "fiber: deadline exceeded" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// A PanicError says that a fiber's code panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of its code, taken where it panicked; see Fiber.Trace
}

func (e *PanicError) Error() string { return fmt.Sprintf("fiber: panic: %v", e.Value) }

// Unwrap returns the panic value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A CloseError says which fibers had not ended when Close gave up.
type CloseError struct {
	Running []string // their names, with a count where several share one
	Cause   error    // why Close gave up
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("fiber: close: %v; still running: %s", e.Cause, strings.Join(e.Running, ", "))
}

// Unwrap returns the cause.
func (e *CloseError) Unwrap() error { return e.Cause }
