//go:build unix

package main

import "syscall"

// shrink makes the kernel keep little of what this side does not read.
func (p *peer) shrink() {
	p.f.Enter()
	syscall.SetsockoptInt(p.v.Conn().FD(), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
	p.f.Leave()
}
