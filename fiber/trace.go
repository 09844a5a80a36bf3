package fiber

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Trace returns the stack of f's code as debug.Stack does, and what that cannot know: under
// fiberc a function that goes on after a wait is not called by those that called it. They
// wait for it, each in a frame, and are listed behind, the innermost first, with the
// line at which each goes on. In a deferred call, while a panic that has come out of such a function
// passes, the stack that it came from is listed too. Only f's own code may call it.
func (f *Fiber) Trace() []byte {
	text := debug.Stack()
	if f == nil {
		return text
	}
	pcs, callers := f.stack.Callers()
	b := bytes.NewBuffer(text)
	if len(pcs) > 0 {
		b.WriteString("\nthe panic came from:\n")
		for frames := runtime.CallersFrames(pcs); ; {
			fr, more := frames.Next()
			fmt.Fprintf(b, "%s(...)\n\t%s:%d\n", fr.Function, fr.File, fr.Line)
			if !more {
				break
			}
		}
	}
	if len(callers) > 0 {
		b.WriteString("\nfor this function others wait:\n")
		for _, c := range callers {
			b.WriteString(c + "\n")
		}
	}
	return b.Bytes()
}
