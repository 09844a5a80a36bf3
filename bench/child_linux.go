package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when the thread that started it
// ends. The driver's goroutine is locked to the main thread (see main), which
// ends with the process, so not even SIGKILL to the driver leaves children.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
