package httpfw

import "math"

// lag is how far a client lags behind the least rate at which it must send a body or take
// a reply, and how long it has done nothing at all. Only time spent waiting for the client
// counts, so that one whose handler is slow is not blamed; and what it was ahead is not
// kept, so that nobody sends a burst to drip for an hour afterwards. On the baton.
//
// A wait begins with begin, every byte is reported by moved, and until says when the wait
// is to be given up.
type lag struct {
	since int64 // loop clock: when the wait began, or the last byte in it moved; 0: no wait
	debt  int64 // ns that the bytes up to then are late
}

// begin starts a wait, unless one is on.
func (l *lag) begin(now int64) {
	if l.since == 0 {
		l.since = now
	}
}

// moved takes note of n bytes at a least rate of so many a second, 0 for none.
func (l *lag) moved(n int, now, rate int64) {
	if l.since != 0 {
		l.debt += now - l.since
		l.since = now
	}
	if rate == 0 {
		l.debt = 0
		return
	}
	l.debt = max(0, l.debt-int64(float64(n)*1e9/float64(rate)))
}

// end ends a wait, because the bytes that were asked for are there.
func (l *lag) end() { l.since = 0 }

// until says when a wait that has begun is to be given up: each is how long nothing may
// move, grace how late the bytes may be, both ns, 0 for ever. The result is a time of the
// loop clock, 0 for never.
func (l *lag) until(each, rate, grace int64) int64 {
	at := int64(math.MaxInt64)
	if each > 0 {
		at = l.since + each
	}
	if rate > 0 && grace > 0 {
		at = min(at, l.since+grace-l.debt)
	}
	if at == math.MaxInt64 {
		return 0
	}
	return max(at, 1)
}
