package thread

import (
	"runtime"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

func locked(f *fiber.Fiber) {
	runtime.LockOSThread()
	f.Sleep(1) // want `fiber.Fiber.Sleep may park on a thread locked by runtime.LockOSThread \(line 11\), which ends the process: call Detach first`
	runtime.UnlockOSThread()
	f.Sleep(1)
}

func deferred(c *httpfw.Ctx) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return c.Sleep(1) // want `httpfw.Ctx.Sleep may park on a thread locked`
}

func detached(f *fiber.Fiber) {
	runtime.LockOSThread()
	f.Detach()
	f.Sleep(1)
}

func detachedBefore(c *httpfw.Ctx) {
	c.Fiber().Detach()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.Sleep(1)
}

func pin()   { runtime.LockOSThread() }
func unpin() { runtime.UnlockOSThread() }

func helpers(c *httpfw.Ctx) {
	pin()
	c.Sleep(1) // want `may park on a thread locked`
	unpin()
	c.Sleep(1)
}

func short(c *httpfw.Ctx) {
	func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}()
	c.Sleep(1)
}

func adopted(rt *fiber.Runtime) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rt.Adopt(func(f *fiber.Fiber) {
		runtime.LockOSThread()
		f.Sleep(1)
	})
}

var current *httpfw.Ctx

//export onEvent
func onEvent() {
	wait() // want `thread.wait → httpfw.Ctx.Sleep may park in a cgo callback, which ends the process: call Detach first`
}

//export onDetached
func onDetached() {
	current.Fiber().Detach()
	wait()
}

//export onQuick
func onQuick() { current.Text(200, "") }

func wait() { current.Sleep(1) }
