package netpoll

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A MemoryNetwork is a simulated network for tests: engines, one for each loop, and
// ordinary goroutines (Dial) exchange bytes through memory, with the delays and faults
// that its options ask for. All chance comes from one seed: with one loop, a virtual
// clock and no goroutines beside it a run repeats itself exactly. Any goroutine may
// use it.
type MemoryNetwork struct {
	opts MemoryOptions

	// One lock for everything: all ends of all connections, the engines' event queues
	// and the random numbers. No callback runs under it.
	mu        sync.Mutex
	rand      *rand.Rand
	listeners []*memoryListener
	ports     int // given out so far
	conns     int // made so far
}

// MemoryOptions say what a simulated network does to its connections. The zero value
// delivers everything at once and whole.
type MemoryOptions struct {
	// DelayMin and DelayMax bound how long connects, bytes, FINs, resets and the news
	// of free room are on their way, on the loops' clock. Each draws its own delay, so
	// connections overtake each other; inside one direction the order is kept.
	DelayMin, DelayMax time.Duration
	// Reorder delivers what is due at one time to different connections in random
	// order instead of the order of sending.
	Reorder bool
	// ShortReads makes reads return a random part of what has arrived.
	ShortReads bool
	// SplitWrites makes sends take a random part, and what they take travel in pieces.
	SplitWrites bool
	// StallOneIn holds back one piece in so many, by up to StallMax more. 0: none.
	StallOneIn int
	StallMax   time.Duration
	// ResetOneIn resets one connection in so many, within its first ResetBytesMax
	// bytes of either direction. 0: none.
	ResetOneIn    int
	ResetBytesMax int
	// Fault, if set, decides what befalls connection number n, counted from 0, instead
	// of ResetOneIn.
	Fault func(n int) MemoryFault
	// BufferBytes bounds what one direction of a connection holds, on its way and
	// arrived but not read. Default 64 KiB.
	BufferBytes int
	// Poller makes what each engine waits with: a simulation's, which moves the virtual
	// clock on. Default: one that really waits.
	Poller func(l *fiber.Loop) (fiber.Poller, error)
}

// A MemoryFault is what befalls a connection. Bytes are counted from 1, for the
// direction away from the dialer (Up) and towards it (Down); 0 means never.
type MemoryFault struct {
	// ResetUp and ResetDown are the first byte that does not arrive because the
	// connection is reset there.
	ResetUp, ResetDown int64
	// VanishUp and VanishDown are the first byte from which on nothing arrives any
	// more, not even the end.
	VanishUp, VanishDown int64
}

// NewMemoryNetwork makes a network whose chance comes from seed.
func NewMemoryNetwork(seed uint64, o MemoryOptions) *MemoryNetwork {
	if o.BufferBytes <= 0 {
		o.BufferBytes = 64 << 10
	}
	o.DelayMax = max(o.DelayMin, o.DelayMax)
	return &MemoryNetwork{opts: o, rand: rand.New(rand.NewPCG(seed, 0x6865_6464_6c65))}
}

// A memoryListener is an address at which loops accept.
type memoryListener struct {
	src       *Source
	addr      net.Addr
	acceptors []*memoryAcceptor
	next      int // the acceptor that gets the next connection
}

// Dial connects the calling goroutine to the address that was listened on first. The
// connection is an ordinary net.Conn with deadlines on the real clock.
func (n *MemoryNetwork) Dial() (*MemoryConn, error) { return n.DialFrom(nil, "") }

// DialFrom is Dial to an address, "" for the one that was listened on first, by a peer
// whose address is from, nil for one that the network invents.
func (n *MemoryNetwork) DialFrom(from net.Addr, to string) (*MemoryConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	end, err := n.connect(nil, from, to)
	if err != nil {
		return nil, &OpError{Op: "dial", Addr: to, Err: err}
	}
	end.changed = make(chan struct{})
	return &MemoryConn{end: end}, nil
}

// connect makes a connection to an address and returns the dialer's end, which belongs
// to by, nil for an ordinary goroutine. Under mu.
func (n *MemoryNetwork) connect(by *memoryEngine, from net.Addr, to string) (*memoryEnd, error) {
	ln := n.listening(to)
	if ln == nil {
		return nil, syscall.ECONNREFUSED
	}
	if from == nil {
		n.ports++
		from = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(10000+n.ports%50000)))
	}
	a := ln.acceptors[ln.next%len(ln.acceptors)]
	ln.next++
	f := n.fault()
	dialed := &memoryEnd{net: n, engine: by, clock: by, local: from, remote: ln.addr, resetAt: f.ResetUp, vanishAt: f.VanishUp}
	taken := &memoryEnd{net: n, engine: a.engine, clock: a.engine, local: ln.addr, remote: from, resetAt: f.ResetDown, vanishAt: f.VanishDown}
	dialed.peer, taken.peer = taken, dialed
	if by == nil {
		dialed.clock = a.engine // what arrives at a goroutine is moved by the loop it talks to
	}
	taken.lastDue = a.engine.loop.Clock() + n.delay()
	a.engine.at(taken.lastDue, by, true, func() { a.arrived(taken) })
	return dialed, nil
}

// listening returns the listener of an address, nil if there is none. Under mu.
func (n *MemoryNetwork) listening(address string) *memoryListener {
	for _, ln := range n.listeners {
		if address == "" || ln.addr.String() == address {
			return ln
		}
	}
	return nil
}

// fault returns what befalls the next connection. Under mu.
func (n *MemoryNetwork) fault() MemoryFault {
	number := n.conns
	n.conns++
	o := &n.opts
	if o.Fault != nil {
		return o.Fault(number)
	}
	if o.ResetOneIn > 0 && n.rand.IntN(o.ResetOneIn) == 0 {
		at := 1 + n.rand.Int64N(int64(max(o.ResetBytesMax, 1)))
		if n.rand.IntN(2) == 0 {
			return MemoryFault{ResetUp: at}
		}
		return MemoryFault{ResetDown: at}
	}
	return MemoryFault{}
}

// delay draws how long something is on its way. Under mu.
func (n *MemoryNetwork) delay() int64 {
	o := &n.opts
	d := int64(o.DelayMin)
	if o.DelayMax > o.DelayMin {
		d += n.rand.Int64N(int64(o.DelayMax-o.DelayMin) + 1)
	}
	if o.StallOneIn > 0 && n.rand.IntN(o.StallOneIn) == 0 {
		d += n.rand.Int64N(int64(o.StallMax) + 1)
	}
	return d
}

// part draws a part of n bytes, at least one. Under mu.
func (n *MemoryNetwork) part(size int, random bool) int {
	if random && size > 1 {
		return 1 + n.rand.IntN(size)
	}
	return size
}

// address turns what was asked for into an address; port 0 becomes a free one.
// Under mu.
func (n *MemoryNetwork) address(network, address string) net.Addr {
	if host, ok := strings.CutSuffix(address, ":0"); ok && network != "unix" {
		n.ports++
		address = host + ":" + strconv.Itoa(10000+n.ports%50000)
	}
	return memoryAddress(network, address)
}

// memoryAddress returns the address as the type that a real network would have.
func memoryAddress(network, address string) net.Addr {
	if network == "unix" {
		return &net.UnixAddr{Name: address, Net: network}
	}
	if ap, err := netip.ParseAddrPort(address); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return memoryAddr(address)
}

// memoryAddr is an address that is only a name.
type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }
