package httpfw

import (
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"unsafe"
)

// A client is an IPv4 address, in whatever form, or an IPv6 network of 64 bits.
func TestAdmissionKey(t *testing.T) {
	lim := (&Config{}).limits()
	a := &admission{limits: &lim}
	key := func(s string) addressKey {
		k, ok := a.keyOf(netip.MustParseAddr(s))
		if !ok {
			t.Errorf("%s is not limited", s)
		}
		return k
	}
	for _, same := range [][2]string{
		{"198.51.100.7", "::ffff:198.51.100.7"}, {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"}, {"2001:db8:1:2::", "2001:db8:1:2::1"},
	} {
		if key(same[0]) != key(same[1]) {
			t.Errorf("%s and %s are different clients", same[0], same[1])
		}
	}
	seen := map[addressKey]string{}
	for _, s := range []string{"198.51.100.7", "198.51.100.8", "198.51.101.7", "7.100.51.198", "2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db9:1:2::1", "255.255.255.255", "100.64.0.1"} {
		if other, ok := seen[key(s)]; ok {
			t.Errorf("%s and %s are one client", s, other)
		}
		seen[key(s)] = s
	}
	near := []string{"127.0.0.1", "127.8.8.8", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::ffff:10.0.0.1", "fd00::1", "fe80::1%eth0", "169.254.1.1"}
	for _, s := range near {
		if _, ok := a.keyOf(netip.MustParseAddr(s)); ok {
			t.Errorf("%s is limited by default", s)
		}
	}
	if _, ok := a.keyOf(netip.Addr{}); ok {
		t.Error("what has no address is limited")
	}
	lim = (&Config{ConnsPerAddressMax: 5}).limits()
	for _, s := range near {
		key(s)
	}
	lim = (&Config{ConnsPerAddressMax: -1}).limits()
	if _, ok := a.keyOf(netip.MustParseAddr("198.51.100.7")); ok {
		t.Error("the limit is not off")
	}
}

// The table forgets who has left.
func TestAdmissionForgets(t *testing.T) {
	lim := (&Config{ConnsPerAddressMax: 1}).limits()
	a := &admission{limits: &lim}
	for i := range 1000 {
		addr := netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
		key, _ := a.keyOf(addr)
		a.open.Add(1)
		a.byAddress = map[addressKey]int32{key: 1}
		a.left(addr)
	}
	if len(a.byAddress) != 0 || a.open.Load() != 0 {
		t.Errorf("%d clients, %d connections", len(a.byAddress), a.open.Load())
	}
}

// What an idle connection and a request cost is a promise.
func TestSizes(t *testing.T) {
	if n := unsafe.Sizeof(conn{}); n > 176 && unsafe.Sizeof(uintptr(0)) == 8 {
		t.Errorf("a conn has %d bytes", n)
	}
	if n := unsafe.Sizeof(Ctx{}) + unsafe.Sizeof(work{}); n > 512 {
		t.Errorf("a Ctx has %d bytes", n)
	}
}

// A client's lag is the time it was waited for less the time its bytes may take; what it
// was ahead does not count.
func TestLag(t *testing.T) {
	const second = int64(1e9)
	var l lag
	l.begin(10 * second)
	l.begin(11 * second) // the same wait
	if at := l.until(5*second, 0, 0); at != 15*second {
		t.Error(at)
	}
	if at := l.until(0, 0, second); at != 0 {
		t.Error(at)
	}
	if at := l.until(5*second, 100, 3*second); at != 13*second {
		t.Error(at)
	}
	l.moved(100, 12*second, 100) // two seconds for one second's worth
	if l.debt != second {
		t.Error(l.debt)
	}
	if at := l.until(5*second, 100, 3*second); at != 14*second {
		t.Error(at)
	}
	l.end()
	l.moved(1<<30, 0, 100) // without a wait
	if l.debt != 0 {
		t.Error(l.debt)
	}
	l.begin(20 * second)
	if at := l.until(0, 100, 3*second); at != 23*second {
		t.Error(at)
	}
}

// The table gives back the memory of a crowd that has left, and still knows who is there.
func TestAdmissionShrinks(t *testing.T) {
	lim := (&Config{ConnsPerAddressMax: 1, ConnsMax: -1}).limits()
	a := &admission{limits: &lim}
	const n = 100 * addressesKept
	client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)}) }
	size := func() (bytes uint64) {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what the tests before have left in a sync.Pool
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := size()
	for i := range n {
		if refusal := a.admitAddress(client(i)); refusal != 0 {
			t.Fatalf("client %d got %d", i, refusal)
		}
	}
	full := size()
	for i := range n - 10 {
		a.left(client(i))
	}
	after := size()
	t.Logf("%d bytes before, %d with %d clients, %d after", before, full, n, after)
	if full < before+n*8 || after > before+(full-before)/20 {
		t.Errorf("%d bytes before, %d with %d clients, %d after", before, full, n, after)
	}
	for i := n - 10; i < n; i++ {
		if refusal := a.admitAddress(client(i)); refusal != http.StatusTooManyRequests {
			t.Errorf("client %d, which is connected, got %d for another connection", i, refusal)
		}
	}
	runtime.KeepAlive(a)
}
