package main

import (
	"math"
	"slices"
	"time"
)

// quantile returns the value below which a share p of the samples lies, between
// two samples by linear interpolation: Hyndman and Fan's type 7, which is also
// what numpy, and with it most benchmarks of servers, do. Samples must be sorted;
// without any it is not known.
func quantile(sorted []time.Duration, p float64) (v time.Duration, known bool) {
	if len(sorted) == 0 {
		return 0, false
	}
	whole, part := math.Modf(p * float64(len(sorted)-1))
	i := int(whole)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + time.Duration(math.Round(part*float64(sorted[j]-sorted[i]))), true
}

func sorted(list []time.Duration) []time.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
