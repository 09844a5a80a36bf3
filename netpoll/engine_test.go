package netpoll_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/heddle-go/heddle/netpoll"
	"github.com/heddle-go/heddle/netpoll/netpolltest"
)

func TestEngine(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			netpolltest.Run(t, func(t *testing.T) netpolltest.Harness {
				return netpolltest.Harness{Serve: netpolltest.Listening(netpoll.NewEngine, "tcp", address, netpolltest.DialTCP)}
			})
		})
	}
}

// memoryHarness serves on a new network for each case.
func memoryHarness(seed uint64, o netpoll.MemoryOptions) netpolltest.Harness {
	n := netpoll.NewMemoryNetwork(seed, o)
	return netpolltest.Harness{FillBytes: 1 << 20, Serve: netpolltest.Listening(n.NewEngine, "tcp", "10.0.0.1:0", func(addr net.Addr) (netpolltest.Peer, error) {
		c, err := n.DialFrom(nil, addr.String())
		if err != nil {
			return nil, err
		}
		return c, nil
	})}
}

func TestMemoryEngine(t *testing.T) {
	netpolltest.Run(t, func(t *testing.T) netpolltest.Harness { return memoryHarness(1, netpoll.MemoryOptions{}) })
}

func TestMemoryEngineUnderTrouble(t *testing.T) {
	for seed, delay := range []time.Duration{0, 0, 20 * time.Microsecond} {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			netpolltest.Run(t, func(t *testing.T) netpolltest.Harness {
				o := netpoll.MemoryOptions{DelayMax: delay, Reorder: true, ShortReads: true, SplitWrites: true}
				if delay > 0 {
					o.StallOneIn, o.StallMax = 500, time.Millisecond
				}
				return memoryHarness(uint64(seed), o)
			})
		})
	}
}
