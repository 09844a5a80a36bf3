//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

// Gnet-embed needs gnet's event loops, which this system does not have.
package main

import "log"

func main() { log.Fatal("gnet-embed: gnet has no event loops on this system") }
