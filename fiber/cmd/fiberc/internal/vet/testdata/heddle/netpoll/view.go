// Package netpoll stands in for the framework's in the tests of the analyzers.
package netpoll

import "github.com/heddle-go/heddle/fiber"

type View struct {
	f   *fiber.Fiber
	buf []byte
}

func (v *View) Fiber() *fiber.Fiber { return v.f }

func (v *View) Receive() ([]byte, error)    { return v.buf, v.f.Park(0) }
func (v *View) Buffered() []byte            { return v.buf }
func (v *View) Consume(n int)               {}
func (v *View) Read(p []byte) (int, error)  { return 0, v.f.Park(0) }
func (v *View) Write(p []byte) (int, error) { return len(p), v.f.Park(0) }
