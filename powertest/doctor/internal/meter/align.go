package meter

import (
	"errors"
	"fmt"
	"math"
)

var (
	// ErrUnlike says that the two do not show the same load.
	ErrUnlike = errors.New("meter and device do not show the same load")
	// ErrAmbiguous says that they do so at several shifts in time.
	ErrAmbiguous = errors.New("meter and device show the same load at more than one shift in time")
)

const (
	// likely is the correlation from which on two powers are those of one load.
	likely = 0.8
	// alike is by how much less another shift must correlate to be another.
	alike = 0.03
	// mostBins bounds the work, and finestBin is how well the shift is known, in seconds.
	mostBins  = 4096
	finestBin = 0.01
	// together is how much of the shorter of the two must be at the same time, and leastBins
	// how many bins that are.
	together  = 0.5
	leastBins = 20
	// near is by how much clocks that tell the time of day differ at most, in seconds.
	near = 5.0
	// apart is how far another shift is that is not the same one, in seconds.
	apart = 3.0
)

// align returns by how much the meter's clock is ahead of the device's, in seconds, and the
// correlation of the two powers then. What the device's readings are late by makes it less.
func align(meter, device Series) (ahead, fit float64, err error) {
	width := max((meter.End()-meter.Start())/mostBins, (device.End()-device.Start())/mostBins, meter.spacing(), 2*finestBin)
	all := scan(meter, device, width, math.Inf(-1), math.Inf(1))
	best, nearest := pick(all, math.Inf(1)), pick(all, near)
	if nearest.fit >= likely && nearest.fit > best.fit-alike {
		best = nearest
	} else if other := pick(without(all, best.ahead), math.Inf(1)); best.fit >= likely && other.fit > best.fit-alike {
		return 0, 0, fmt.Errorf("%w: at %.1f s (correlation %.3f) and at %.1f s (%.3f)", ErrAmbiguous, best.ahead, best.fit, other.ahead, other.fit)
	}
	if !(best.fit >= likely) {
		return 0, 0, fmt.Errorf("%w: their powers correlate by %.2f at best, over %v and %v", ErrUnlike, max(best.fit, 0), meter.Length(), device.Length())
	}
	for width > finestBin {
		width = max(width/8, finestBin)
		if finer := pick(scan(meter, device, width, best.ahead-16*width, best.ahead+16*width), math.Inf(1)); finer.fit > 0 {
			best = finer
		}
	}
	return best.ahead, best.fit, nil
}

// shift is how well two powers correlate if one clock is ahead by so much.
type shift struct{ ahead, fit float64 }

// scan correlates the two for all shifts in whole bins of a width, from one to another.
func scan(meter, device Series, width, from, to float64) []shift {
	nm := int((meter.End()-meter.Start())/width) + 1
	nd := int((device.End()-device.Start())/width) + 1
	m, d := meter.bins(meter.Start(), width, nm), device.bins(device.Start(), width, nd)
	offset := meter.Start() - device.Start()
	least := max(int(together*float64(min(nm, nd))), leastBins)
	var list []shift
	// Bin i of the device is bin i+k of the meter.
	for k := least - nd; k <= nm-least; k++ {
		ahead := offset + float64(k)*width
		if ahead < from || ahead > to {
			continue
		}
		lo, hi := max(0, -k), min(nd, nm-k)
		if r, n := correlation(d[lo:hi], m[lo+k:hi+k]); n >= least/2 {
			list = append(list, shift{ahead, r})
		}
	}
	return list
}

// correlation returns Pearson's, of the n pairs in which both are known.
func correlation(a, b []float64) (r float64, n int) {
	var sa, sb, saa, sbb, sab float64
	for i, x := range a {
		y := b[i]
		if math.IsNaN(x) || math.IsNaN(y) {
			continue
		}
		n++
		sa, sb, saa, sbb, sab = sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	c := float64(n)
	va, vb := saa-sa*sa/c, sbb-sb*sb/c
	if n < 3 || !(va > 1e-9*saa) || !(vb > 1e-9*sbb) {
		return 0, n
	}
	return (sab - sa*sb/c) / math.Sqrt(va*vb), n
}

// pick returns the shift that fits best, of those that are no larger than some.
func pick(list []shift, most float64) (best shift) {
	for _, s := range list {
		if math.Abs(s.ahead) <= most && s.fit > best.fit {
			best = s
		}
	}
	return best
}

// without returns the shifts that are another than one.
func without(list []shift, ahead float64) (others []shift) {
	for _, s := range list {
		if math.Abs(s.ahead-ahead) > apart {
			others = append(others, s)
		}
	}
	return others
}
