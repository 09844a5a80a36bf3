package main

import (
	"math"
	"slices"
)

// Spread is the middle of some figures and where the middle half of them lies.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"p25"`
	High   float64 `json:"p75"`
	N      int     `json:"n"`
}

// spread sums figures up; of none it is NaN throughout.
func spread(figures []float64) Spread {
	sorted := slices.Clone(figures)
	slices.Sort(sorted)
	return Spread{
		Median: quantile(sorted, 0.50),
		Low:    quantile(sorted, 0.25),
		High:   quantile(sorted, 0.75),
		N:      len(sorted),
	}
}

// quantile interpolates between the two nearest of sorted figures.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[below+1]*part
}

// ratio pairs the figures of two servers by round, so that what the machine
// did in a round cancels out, and sums the ratios up. What only one of the two has is left out.
func ratio(of, to []float64) Spread {
	var ratios []float64
	for i := range min(len(of), len(to)) {
		if to[i] > 0 {
			ratios = append(ratios, of[i]/to[i])
		}
	}
	return spread(ratios)
}

// known says whether there was anything to sum up.
func (s Spread) known() bool { return s.N > 0 }
