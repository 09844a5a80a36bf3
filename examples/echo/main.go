// Echo sends back what it gets, over TCP: the smallest server without HTTP. Each
// connection is a fiber that reads and writes in straight-line code.
//
//	go run ./examples/echo
//	nc 127.0.0.1 7000
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:7000", "TCP `address` to serve at")
	loops := flag.Int("loops", 0, "number of loops; 0: one a CPU")
	flag.Parse()
	if err := run(*addr, *loops); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until SIGINT or SIGTERM.
func run(addr string, loops int) error {
	rt, ln, err := listen(addr, loops)
	if err != nil {
		return err
	}
	fmt.Println("listening on", ln.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	stop() // a second signal ends the process at once
	ln.Close()
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return rt.Close(grace)
}

// listen starts the loops and accepts connections on each.
func listen(addr string, loops int) (*fiber.Runtime, *netpoll.Listener, error) {
	rt, err := fiber.New(fiber.Config{Loops: loops, NewPoller: netpoll.NewEngine})
	if err != nil {
		return nil, nil, err
	}
	ln, err := netpoll.Listen(rt, "tcp", addr, netpoll.ListenConfig{}, accept)
	if err != nil {
		rt.Close(context.Background())
		return nil, nil, err
	}
	return rt, ln, nil
}

// accept gives a connection to a fiber of its loop.
func accept(c *netpoll.Conn) {
	c.Loop().Go(func(f *fiber.Fiber) {
		v := c.As(f)
		defer v.Close()
		if err := echo(v); err != nil {
			v.Abort() // the peer shall not take a part for the whole
		}
	})
}

// idleMax is how long a connection may say nothing, or take nothing.
const idleMax = 5 * time.Minute

// echo returns nil when the peer has said all, and has got it back.
func echo(v *netpoll.View) error {
	for {
		v.SetDeadline(time.Now().Add(idleMax))
		// The bytes lie in the loop's own read buffer: while nothing comes, the
		// connection has none.
		lent, err := v.Receive()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		// Lent bytes are good until the next wait. Write may be given them all the same:
		// should it have to wait, it sees to it that they stay.
		if _, err := v.Write(lent); err != nil {
			return err
		}
		v.Consume(len(lent))
	}
}
