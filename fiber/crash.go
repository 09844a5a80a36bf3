package fiber

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strconv"
)

// crash ends a fiber whose code panicked (with value) or called runtime.Goexit
// (value nil). It runs in a deferred call on the fiber's goroutine, wherever that
// stands; afterwards the goroutine is on the baton. The other fibers see nothing.
// resumed says that it was its Ended: f is out of the loop, or in it anew.
func (l *Loop) crash(f *Fiber, value any, resumed bool) {
	var cause error = ErrGoexit
	if value != nil {
		cause = l.panicked(f, value)
	}
	if resumed {
		return
	}
	if f.user {
		f.Enter()
	}
	f.cleanUp()
	defer func() {
		if v := recover(); v != nil {
			l.panicked(f, v) // its Ended, too
		}
	}()
	l.settle(f, Done, cause)
}

// panicked reports a panic, in a deferred call.
func (l *Loop) panicked(f *Fiber, value any) *PanicError {
	e := &PanicError{Value: value, Stack: f.Trace()}
	l.rt.panics.Add(1)
	l.rt.log.Error("fiber: panic", "fiber", f.Name(), "value", fmt.Sprint(value), "stack", string(e.Stack))
	return e
}

// machineName names a machine by the declaration of its function or by its type.
func machineName(m Machine) string {
	switch m := m.(type) {
	case plain:
		return funcName(m)
	case posted:
		return funcName(m)
	case fmt.Stringer:
		return m.String()
	}
	return fmt.Sprintf("%T", m)
}

// funcName says where a function is declared: name, file and line.
func funcName(fn any) string {
	p := reflect.ValueOf(fn).Pointer()
	r := runtime.FuncForPC(p)
	if r == nil {
		return "unknown function"
	}
	file, line := r.FileLine(p)
	return fmt.Sprintf("%s (%s:%d)", r.Name(), file, line)
}

// goroutineID reads the number of the calling goroutine from its stack trace. Go
// has no other way; it costs about a microsecond, so only checked mode asks.
func goroutineID() uint64 {
	var buf [40]byte
	b := buf[:runtime.Stack(buf[:], false)]
	b = bytes.TrimPrefix(b, []byte("goroutine "))
	n := bytes.IndexByte(b, ' ')
	if n < 0 {
		return 0
	}
	id, _ := strconv.ParseUint(string(b[:n]), 10, 64)
	return id
}
