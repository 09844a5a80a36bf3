package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// dieWithParent has the kernel kill the child when the main thread of this process ends.
// The child gets a session of its own: see prioritize.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
}

// prioritize gives a child's session the priority of the child: where the scheduler
// groups processes by session, nice counts only within one.
func prioritize(pid, nice int) {
	os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte(strconv.Itoa(nice)), 0)
}
