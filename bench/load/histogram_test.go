package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	previous := -1
	for _, v := range []uint64{0, 1, 63, 64, 65, 127, 128, 129, 1000, 1 << 20, 1<<20 + 1<<14, 1<<37 - 1} {
		i := bucket(v)
		if i < previous {
			t.Errorf("bucket(%d) = %d, below that of a smaller value", v, i)
		}
		previous = i
		if up := upper(i); up < v || float64(up-v) > float64(v)/parts {
			t.Errorf("bucket(%d) ends at %d", v, up)
		}
	}
	for i := range buckets {
		if got := bucket(upper(i)); got != i {
			t.Fatalf("bucket(upper(%d)) = %d", i, got)
		}
	}
	if i := bucket(1 << 62); i != buckets-1 {
		t.Errorf("a huge value is in bucket %d", i)
	}
}

func TestQuantileAgainstSorting(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	for range 50 {
		var h Histogram
		values := make([]time.Duration, 1+random.IntN(3000))
		for i := range values {
			values[i] = time.Duration(random.Uint64N(1 << (10 + random.Uint64N(25))))
			h.Record(values[i])
		}
		slices.Sort(values)
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
			rank := int(q*float64(len(values)) + 0.999999)
			want := values[max(rank, 1)-1]
			if got := h.Quantile(q); got < want || got > want+want/parts+1 {
				t.Fatalf("seed %d: %d values, quantile %v: %v, want %v", seed, len(values), q, got, want)
			}
		}
		if h.Max() != values[len(values)-1] || h.Count() != uint64(len(values)) {
			t.Fatalf("seed %d: max %v, count %d", seed, h.Max(), h.Count())
		}
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if h.Quantile(0.99) != 0 || h.Max() != 0 {
		t.Error("an empty histogram has values")
	}
	h.Record(-time.Second)
	if h.Quantile(0.5) != 0 || h.Count() != 1 {
		t.Error("a negative value is not 0")
	}
	h.Reset()
	if h.Count() != 0 {
		t.Error("Reset left something")
	}
}
