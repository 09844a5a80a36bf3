// Package netpoll connects fibers to the network: engines that report readiness or
// lend arrived bytes, connections, listeners, dialing, datagrams.
//
// There are two ways to use a connection. A machine (fiber.Machine) works in loop
// mode with Conn's own methods, which never wait: Receive lends bytes or says
// ErrWouldBlock, Send takes bytes or owes them, and Conn wakes the fibers that asked
// to be woken. Straight-line code uses a View (Conn.As), a net.Conn whose calls park
// the fiber until they can go on; any other goroutine uses Conn.Detached.
package netpoll
