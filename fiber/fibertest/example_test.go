package fibertest_test

import (
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/fiber/fibertest"
)

// A hundred seeds, each with another order of the two fibers, in no time.
func ExampleSeeds() {
	var t *testing.T // the argument of the test function

	fibertest.Seeds(t, 100, func(t *testing.T, sim *fibertest.Sim) {
		sim.Run(func(f *fiber.Fiber) {
			stock := 1
			for range 2 {
				f.Go(func(g *fiber.Fiber) {
					if stock > 0 {
						g.Sleep(time.Duration(sim.Rand().IntN(10)) * time.Second)
						stock-- // wrong: it has waited since it looked
					}
				})
			}
			f.Sleep(time.Minute)
			if stock < 0 {
				t.Error("sold what was not there")
			}
		})
	})
}
