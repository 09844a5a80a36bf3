package ignored

import (
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func trailing(f *fiber.Fiber) {
	time.Sleep(1) //fiberc:ignore fiberblock start-up only
	time.Sleep(1) // want `time.Sleep blocks`
}

func above(f *fiber.Fiber) {
	//fiberc:ignore fiberblock start-up only
	time.Sleep(1)
	time.Sleep(1) // want `time.Sleep blocks`
}

func without(f *fiber.Fiber) {
	time.Sleep(1) //fiberc:ignore fiberblock // want `fiberc:ignore fiberblock silences nothing without a reason` `time.Sleep blocks`
	time.Sleep(1) //fiberc:ignore fibermutex another analyzer // want `time.Sleep blocks`
	time.Sleep(1) //fiberc:ignore // want `fiberc:ignore wants the name of an analyzer` `time.Sleep blocks`
	time.Sleep(1) //fiberc:ignore block no such analyzer // want `fiberc:ignore wants the name of an analyzer` `time.Sleep blocks`
}
