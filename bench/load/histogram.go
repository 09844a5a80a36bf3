package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in log-linear buckets: each power of two is cut
// into 64, so a value is known to within 1.6 %, from 1 ns to over a minute. Its
// zero value is empty and ready. Not for concurrent use.
type Histogram struct {
	counts [buckets]uint64
	total  uint64
	max    time.Duration
}

const (
	partBits = 6
	parts    = 1 << partBits
	topBit   = 37 // values of 2^37 ns (137 s) and more count as the greatest below
	buckets  = (topBit - partBits + 1) * parts
)

// bucket returns the place of a value: below 64 itself, then 64 places for each power of two.
func bucket(v uint64) int {
	if v < parts {
		return int(v)
	}
	shift := bits.Len64(v) - partBits - 1
	return min(shift<<partBits+int(v>>shift), buckets-1)
}

// upper returns the greatest value of a bucket.
func upper(bucket int) uint64 {
	if bucket < parts {
		return uint64(bucket)
	}
	shift := bucket>>partBits - 1
	part := uint64(bucket - shift<<partBits)
	return (part+1)<<shift - 1
}

// Record counts one value; a negative one is a clock's slip and counts as 0.
func (h *Histogram) Record(d time.Duration) { h.RecordN(d, 1) }

// RecordN counts a value n times.
func (h *Histogram) RecordN(d time.Duration, n int) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))] += uint64(n)
	h.total += uint64(n)
	h.max = max(h.max, d)
}

// Count returns how many values were recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max returns the greatest value, exactly; 0 if there is none.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns a value that the part q of all values do not exceed,
// rounded up to its bucket's end, never beyond Max; 0 if there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	// The rank is rounded up: the p99 of 100 values is the 99th, of 101 the 100th.
	rank := uint64(q * float64(h.total))
	if float64(rank) < q*float64(h.total) || rank == 0 {
		rank++
	}
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return min(time.Duration(upper(i)), h.max)
		}
	}
	return h.max
}

// Reset empties the histogram.
func (h *Histogram) Reset() { *h = Histogram{} }
