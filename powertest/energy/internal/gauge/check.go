package gauge

import "slices"

// Mean is the mean power of a stretch of time, where that is known beside the
// readings, and Period the refresh period of what it is the mean of.
type Mean struct {
	From, To int64
	Watts    float64
	Period   float64
}

// Check is the energy of spans of a counter by the power gauge beside it: in joules, with
// an interval for all that the sensor may be, but for its gain and offset.
type Check struct {
	Joules, Low, High float64
	// PartTime reports whether the sensor may look at a part of the time only, which a
	// load of nearly its period can hide from.
	PartTime bool
}

// CrossCheck returns the energy by the gauge of a device that has a counter, too: by
// its readings, or else by a mean. ok is false where neither reaches over the spans.
func CrossCheck(in Input, mean Mean) (c Check, ok bool) {
	s := in.Series
	start, end := in.edges()
	if s.covers(start, end) && s.longest(start, end) <= in.MaxGap {
		v := newView(in)
		v.look()
		defer v.done()
		r := v.measure()
		joules := v.at(0) // as the readings are
		return Check{joules, min(r.Low, joules), max(r.High, joules), v.partTime()}, true
	}
	if len(in.Spans) == 1 && mean.From == start && mean.To == end {
		joules := mean.Watts * float64(end-start) / second
		// Either edge may have a sample more or less than is its due, and all may be late.
		_, late := s.Sensor.ages()
		half := mean.Watts * (mean.Period + float64(late)) / second
		return Check{joules, max(joules-half, 0), joules + half, true}, true
	}
	return Check{}, false
}

// partTime reports whether the sensor may look at a part of the time only.
func (v *view) partTime() bool {
	return len(v.kernels) == 0 || slices.ContainsFunc(v.kernels, func(k Kernel) bool {
		return float64(k.covers()) < seesAll*v.period()*second
	})
}
