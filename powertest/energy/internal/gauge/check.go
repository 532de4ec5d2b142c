package gauge

import "math"

// Mean is the mean power of a stretch of time, where that is known beside the
// readings, and Period the refresh period of what it is the mean of.
type Mean struct {
	From, To int64
	Watts    float64
	Period   float64
}

// Check is the energy of the spans of a counter by the power gauge beside it: in
// joules, with an interval for when within the readings the power changed, and for
// sensors of all kinds: prompt ones, late ones, and means over a second.
type Check struct{ Joules, Low, High float64 }

// A gauge whose kind is not known may be late by promptDelay or less, or show a mean over a
// time between shortMean and longMean that ended up to meanDelay ago, all in ns.
const (
	promptDelay = 250e6
	shortMean   = 950e6
	longMean    = 1200e6
	meanDelay   = 100e6
	hullSteps   = 4 // how many in between are tried
)

// CrossCheck returns the energy by the gauge of a device that has a counter, too: by
// its readings, or else by a mean. The device draws less than most watts. ok is false where
// neither reaches over the spans.
func CrossCheck(in Input, mean Mean, most float64) (c Check, ok bool) {
	s := in.Series
	start, end := in.edges()
	if s.covers(start, end) {
		joules, sd := s.integrate(in.Spans)
		c = Check{joules, joules - z99*sd, joules + z99*sd}
		for k := range int64(hullSteps) {
			later, sd := s.integrate(shifted(in.Spans, (k+1)*promptDelay/hullSteps))
			c.take(later-z99*sd, later+z99*sd)
			over := shortMean + k*(longMean-shortMean)/(hullSteps-1)
			c.take(s.byMeans(in.Spans, over, most))
			c.take(s.byMeans(shifted(in.Spans, meanDelay), over, most))
		}
		return c, true
	}
	if len(in.Spans) == 1 && mean.From == start && mean.To == end {
		joules := mean.Watts * float64(end-start) / second
		// Either edge may have a sample more or less than is its due, and all may be late.
		half := mean.Watts * (z99*mean.Period/math.Sqrt(6) + longMean) / second
		return Check{joules, joules - half, joules + half}, true
	}
	return Check{}, false
}

// take widens the interval.
func (c *Check) take(low, high float64) {
	c.Low, c.High = min(c.Low, low), max(c.High, high)
}

// shifted returns the spans as much later.
func shifted(spans []Span, by int64) []Span {
	list := make([]Span, len(spans))
	for i, v := range spans {
		list[i] = Span{v.Start + by, v.End + by, v.On}
	}
	return list
}

// byMeans bounds the joules of spans if each reading is the mean of some time before it,
// in ns: those so much apart add up to the energy. What is left of a span at its start
// is a part of one mean, whose other part is of what another mean is of, and cannot have had
// more than the device draws.
func (s *Series) byMeans(spans []Span, over int64, most float64) (low, high float64) {
	for _, v := range spans {
		share := float64(v.On) / float64(v.End-v.Start)
		at, sum := v.End, 0.0
		for ; at-over >= v.Start; at -= over {
			sum += s.watts(at) * float64(over) / second
		}
		whole, rest := s.watts(at)*float64(over)/second, float64(at-v.Start)/second
		other := min(most*(float64(over)/second-rest), s.watts(v.Start)*float64(over)/second)
		low += share * (sum + max(whole-other, 0))
		high += share * (sum + min(whole, most*rest))
	}
	return low, high
}
