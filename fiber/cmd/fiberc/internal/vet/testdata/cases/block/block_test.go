package block

import (
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func Test(t *testing.T) {
	waits := func(f *fiber.Fiber) { time.Sleep(1) }
	waits(nil)
}
