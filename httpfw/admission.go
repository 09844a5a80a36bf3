package httpfw

import (
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/netpoll"
)

// An admission counts the connections of a server, in all and by client, and turns away
// those that are too many. A connection counts from accept to its end, also after it was
// hijacked. Any goroutine.
type admission struct {
	limits *limits
	open   atomic.Int64 // connections

	mu        sync.Mutex
	byAddress map[addressKey]int32 // open ones of clients that are limited; under mu
	most      int                  // entries that byAddress has had since it was made; under mu
}

// addressesKept is the number of clients for which the map may keep its memory.
const addressesKept = 1024

// An addressKey is the client an address belongs to: an IPv4 address, or the first half of
// an IPv6 address, which is what one subscriber has at the least. (::/32, in which IPv4
// addresses fall as numbers, is nobody's.)
type addressKey uint64

// keyOf returns the key of an address; ok is false if its connections are not limited.
func (a *admission) keyOf(addr netip.Addr) (key addressKey, ok bool) {
	addr = addr.Unmap()
	switch {
	case a.limits.perAddress == 0 || !addr.IsValid() || !a.limits.nearToo && isNear(addr):
		return 0, false
	case addr.Is4():
		b := addr.As4()
		return addressKey(b[0])<<24 | addressKey(b[1])<<16 | addressKey(b[2])<<8 | addressKey(b[3]), true
	}
	b := addr.As16()
	for _, c := range b[:8] {
		key = key<<8 | addressKey(c)
	}
	return key, true
}

// isNear reports whether an address is of the same machine or network, where many clients
// may be behind one proxy.
func isNear(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// admit counts a connection, or returns the status with which to turn it away.
func (a *admission) admit(nc *netpoll.Conn) (refusal int) { return a.admitAddress(nc.RemoteIP()) }

// admitAddress is admit for a client's address.
func (a *admission) admitAddress(addr netip.Addr) (refusal int) {
	if a.open.Add(1) > a.limits.conns {
		a.open.Add(-1)
		return http.StatusServiceUnavailable
	}
	key, ok := a.keyOf(addr)
	if !ok {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byAddress[key] >= a.limits.perAddress {
		a.open.Add(-1)
		return http.StatusTooManyRequests
	}
	if a.byAddress == nil {
		a.byAddress = map[addressKey]int32{}
	}
	a.byAddress[key]++
	a.most = max(a.most, len(a.byAddress))
	return 0
}

// left takes back what admit has counted, by the peer's address.
func (a *admission) left(addr netip.Addr) {
	a.open.Add(-1)
	key, ok := a.keyOf(addr)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.byAddress[key]; n > 1 {
		a.byAddress[key] = n - 1
	} else {
		delete(a.byAddress, key)
		a.shrink()
	}
}

// shrink moves the entries to a map of their size, since a map keeps the memory of what is
// deleted from it. Under mu.
func (a *admission) shrink() {
	if a.most <= addressesKept || len(a.byAddress) > a.most/4 {
		return
	}
	a.most = len(a.byAddress)
	smaller := make(map[addressKey]int32, a.most)
	maps.Copy(smaller, a.byAddress)
	a.byAddress = smaller
}

// tellEvery is how often a loop may say that it turns clients away, ns.
const tellEvery = int64(10e9)

// turnAway ends a connection that was not admitted, with a reply that does not look at the
// request. Loop mode.
func (sh *shard) turnAway(nc *netpoll.Conn, status int) {
	sh.turned++
	if now := sh.loop.Now(); now >= sh.tellAt {
		sh.app.log.Warn("httpfw: clients are turned away: too many connections", "status", status, "client", nc.RemoteIP(), "since the last line", sh.turned)
		sh.turned, sh.tellAt = 0, now+tellEvery
	}
	nc.Receive() // left unread it would turn the close into a reset, before the reply is read
	var b []byte
	b = http1.AppendStatusLine(b, 1, status)
	b = append(b, sh.fields()...)
	b = append(b, "Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"...)
	nc.TrySend(b)
	nc.Close()
}

// connsDefault is the default of Config.ConnsMax: it leaves some descriptors to whatever
// else the process does.
func connsDefault() int { return min(descriptors()/8*7, 1<<18) }
