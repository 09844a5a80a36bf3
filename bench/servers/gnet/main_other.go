//go:build !linux

package main

import (
	"errors"

	"github.com/heddle-go/heddle/bench/servers/command"
)

// main says why there is no such server here: the benchmark measures on Linux only.
func main() {
	command.Fail(errors.New("bench/servers/gnet: measured on Linux only"))
}
