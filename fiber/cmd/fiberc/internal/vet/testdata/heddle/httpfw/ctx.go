// Package httpfw stands in for the framework's in the tests of the analyzers.
package httpfw

import (
	"context"
	"io"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

type Ctx struct{ f *fiber.Fiber }

type Handler func(c *Ctx) error

func (c *Ctx) Fiber() *fiber.Fiber                            { return c.f }
func (c *Ctx) Sleep(d time.Duration) error                    { return c.f.Sleep(d) }
func (c *Ctx) Block(fn func()) error                          { return c.f.Block(fn) }
func (c *Ctx) Context() context.Context                       { return nil }
func (c *Ctx) RawQuery() []byte                               { return nil }
func (c *Ctx) EachHeader(yield func(name, value []byte) bool) {}
func (c *Ctx) Body() io.Reader                                { return nil }
func (c *Ctx) Text(status int, s string) error                { return nil }
func (c *Ctx) Write(p []byte) (int, error)                    { return 0, c.f.Park(0) }
