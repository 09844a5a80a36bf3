// Package command is what every measured server of this module has in common
// on its command line, so that the driver can treat them alike:
//
//	-addr 127.0.0.1:0      where to listen; port 0 lets the kernel choose
//	-cpuprofile FILE       optional; written when SIGTERM or SIGINT arrives
//
// and one line on standard output, "listening on 127.0.0.1:PORT", printed once
// the socket listens. It imports little, because what it imports is counted in
// the memory of each server.
package command

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Body is the reply to GET / of every server.
const Body = "Hello, World!"

// Parse reads the command line and returns the address to listen on.
func Parse() (addr string) {
	flag.StringVar(&addr, "addr", "127.0.0.1:0", "address to listen on")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	finish := startProfile(*profile)
	go func() {
		<-stop
		finish()
		os.Exit(0)
	}()
	return addr
}

// startProfile returns the function that ends the profile; without a file both do nothing.
func startProfile(file string) (finish func()) {
	if file == "" {
		return func() {}
	}
	f, err := os.Create(file)
	if err != nil {
		Fail(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		Fail(err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}

// Listening prints the line that the driver waits for.
func Listening(addr net.Addr) { fmt.Printf("listening on %s\n", addr) }

// Fail reports an error on standard error and ends the process.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Milliseconds reads the query "ms=N" of /wait and /block; anything else is 0.
func Milliseconds(query string) time.Duration {
	digits, found := strings.CutPrefix(query, "ms=")
	if !found {
		return 0
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}
