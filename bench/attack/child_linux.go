package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when the main thread of this process ends.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
