package vet

import (
	"go/types"
	"strings"
)

// The names of the framework that the analyzers know by heart: what parks, what lends
// bytes and what runs a function elsewhere. Everything above these is found by analysis.
// TestNames holds them against the framework's sources.

// frameworkPath is the module of the framework.
const frameworkPath = "github.com/heddle-go/heddle"

const (
	fiberPath   = frameworkPath + "/fiber"
	netpollPath = frameworkPath + "/netpoll"
	httpfwPath  = frameworkPath + "/httpfw"
)

// trait is what is known of a function of the framework.
type trait uint16

const (
	parks     trait = 1 << iota // it may park the fiber it is given
	orBlocks                    // given a nil fiber it blocks the goroutine instead
	blocks                      // it blocks, and is not for fibers
	lends                       // its first result is borrowed until the next park
	lendsTo                     // it calls its function with borrowed bytes
	elsewhere                   // its function runs later, or not on the fiber
	adopts                      // its function may block: it runs beside a loop
	callsBack                   // it calls its function before it returns
	detaches                    // parks do not switch stacks afterwards
	gives                       // what it is given goes to another fiber
	waitsRead                   // its first result is an io.Reader whose Read may park
)

// framework has the functions by package and name, methods as Type.Name.
var framework = map[string]map[string]trait{
	fiberPath: {
		"Fiber.Park":        parks,
		"Fiber.Linger":      parks,
		"Fiber.Sleep":       parks,
		"Fiber.Yield":       parks,
		"Fiber.GiveWay":     parks,
		"Fiber.EndUser":     parks,
		"Fiber.Block":       parks | elsewhere,
		"Fiber.WithTimeout": callsBack,
		"Fiber.WithContext": callsBack,
		"Fiber.Detach":      detaches,
		"Fiber.Go":          elsewhere,
		"Mutex.Lock":        parks | orBlocks,
		"Cond.Wait":         parks | orBlocks,
		"Chan.Send":         parks | orBlocks | gives,
		"Chan.TrySend":      gives,
		"Chan.Recv":         parks | orBlocks,
		"Select":            parks | orBlocks,
		"Semaphore.Acquire": parks | orBlocks,
		"WaitGroup.Wait":    parks | orBlocks,
		"Group.Wait":        parks,
		"Group.Go":          elsewhere,
		"Group.GoOn":        elsewhere,
		"Loop.Go":           elsewhere,
		"Loop.Post":         elsewhere,
		"Runtime.Go":        elsewhere,
		"Runtime.Adopt":     blocks | elsewhere | adopts,
		"Runtime.Run":       blocks,
		"Runtime.Close":     blocks,
		"Runtime.Running":   blocks,
	},
	netpollPath: {
		"View.Receive":   lends,
		"View.Buffered":  lends,
		"Conn.Receive":   lends,
		"Conn.Buffered":  lends,
		"Detached.Read":  blocks,
		"Detached.Write": blocks,
	},
	httpfwPath: {
		"Ctx.RawQuery":    lends,
		"Ctx.EachHeader":  lendsTo | callsBack,
		"Ctx.Block":       parks | elsewhere,
		"Ctx.Body":        waitsRead,
		"App.Run":         blocks,
		"App.Close":       blocks,
		"Server.Shutdown": blocks,
	},
}

// traitsOf returns what is known of fn by name.
func traitsOf(fn *types.Func) trait {
	if fn == nil || fn.Pkg() == nil {
		return 0
	}
	return framework[fn.Pkg().Path()][shortName(fn)]
}

// shortName is Name, or Type.Name for a method.
func shortName(fn *types.Func) string {
	if r := fn.Signature().Recv(); r != nil {
		if n := named(r.Type()); n != nil {
			return n.Obj().Name() + "." + fn.Name()
		}
	}
	return fn.Name()
}

// title is how fn is called in a message: pkg.Name or pkg.Type.Name.
func title(fn *types.Func) string {
	if fn.Pkg() == nil {
		return shortName(fn)
	}
	return fn.Pkg().Name() + "." + shortName(fn)
}

// inFramework reports whether a package belongs to the framework's module.
func inFramework(path string) bool {
	path, _, _ = strings.Cut(path, " ") // a test variant, "path [path.test]"
	return path == frameworkPath || strings.HasPrefix(path, frameworkPath+"/")
}

// isCore reports whether a package is the runtime itself: its functions are judged by
// the table alone, since how they wait is their business.
func isCore(path string) bool {
	return path == fiberPath || path == netpollPath ||
		strings.HasPrefix(path, fiberPath+"/") && !strings.Contains(path, "/cmd/") || strings.HasPrefix(path, netpollPath+"/")
}

// named returns the named type that t or its element is, nil if there is none.
func named(t types.Type) *types.Named {
	t = types.Unalias(t)
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	n, _ := t.(*types.Named)
	return n
}

// isFiber reports whether t is *fiber.Fiber.
func isFiber(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.Pointer); !ok {
		return false
	}
	n := named(t)
	return n != nil && n.Obj().Name() == "Fiber" && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == fiberPath
}

// leadsToFiber reports whether a value of type t leads to a fiber: it is a *fiber.Fiber,
// or a pointer to a type of the framework with a method Fiber() *fiber.Fiber, such as
// *httpfw.Ctx and *netpoll.View.
func leadsToFiber(t types.Type) bool {
	if isFiber(t) {
		return true
	}
	if _, ok := types.Unalias(t).(*types.Pointer); !ok {
		return false
	}
	n := named(t)
	if n == nil || n.Obj().Pkg() == nil || !inFramework(n.Obj().Pkg().Path()) {
		return false
	}
	for m := range n.Methods() {
		if sig := m.Signature(); m.Name() == "Fiber" {
			return sig.Params().Len() == 0 && sig.Results().Len() == 1 && isFiber(sig.Results().At(0).Type())
		}
	}
	return false
}

// bearsFiber reports whether a function of this type is given a fiber.
func bearsFiber(sig *types.Signature) bool {
	if r := sig.Recv(); r != nil && leadsToFiber(r.Type()) {
		return true
	}
	for p := range sig.Params().Variables() {
		if leadsToFiber(p.Type()) {
			return true
		}
	}
	return false
}
