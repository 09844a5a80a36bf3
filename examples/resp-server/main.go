// Resp-server is a small Redis: an in-memory store that speaks RESP2 and RESP3 over
// TCP. It shows a protocol of one's own on Heddle: views that lend the bytes that have
// arrived, a codec that parses them in place, and the replies to a pipelined batch sent
// together.
//
//	go run ./examples/resp-server
//	redis-cli -p 6380 set greeting hello ex 60
//	redis-cli -p 6380 get greeting
//	redis-benchmark -p 6380 -t set,get -P 16 -c 50 -n 200000
//
// PING, ECHO, SET, GET, MGET, DEL, EXISTS, EXPIRE, PEXPIRE, TTL, PTTL, INCR, INCRBY,
// DECR, DBSIZE and FLUSHALL work; what clients say when they connect is answered.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:6380", "TCP `address` to serve at")
	loops := flag.Int("loops", 0, "number of loops; 0: one a CPU")
	flag.Parse()
	if err := run(*addr, *loops); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until SIGINT or SIGTERM.
func run(addr string, loops int) error {
	s, err := start(addr, loops, newStore(time.Now))
	if err != nil {
		return err
	}
	fmt.Println("listening on", s.listener.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	stop() // a second signal ends the process at once
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.close(grace)
}
