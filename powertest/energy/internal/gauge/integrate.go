package gauge

import (
	"errors"
	"math"
)

// Input is a window of time on a series of readings.
type Input struct {
	Series *Series
	// Spans are the stretches of time to be measured, in order and without overlap.
	Spans []Span
	// MaxGap is how far apart two readings may be for the time between them to count
	// as known.
	MaxGap int64
}

// Span is a stretch of time, in ns. On is how much of it counts.
type Span struct{ Start, End, On int64 }

func (in Input) edges() (start, end int64) {
	return in.Spans[0].Start, in.Spans[len(in.Spans)-1].End
}

// Result is the energy of the spans in joules.
type Result struct {
	Mean, Low, High float64
	// Readings is the number of samples in the window. Where there are none, and the
	// gauge does not hold its value, it is Interpolated.
	Readings     int
	Interpolated bool
	// BeforeWatts is the power before the window.
	BeforeWatts float64
	// Gap is the longest gap between readings, in ns.
	Gap int64
}

var (
	// ErrTooFew means that there are not enough samples to integrate.
	ErrTooFew = errors.New("too few readings of the power")
	// ErrNotBracketed means that the readings do not reach over both edges.
	ErrNotBracketed = errors.New("the readings do not reach over both edges of the window")
	// ErrGap means that readings are too far apart: by [Result.Gap].
	ErrGap = errors.New("readings too far apart")
)

// z99 is half the width of an interval in standard deviations: 99 % of a
// normal distribution.
const z99 = 2.6

// Integrate returns the energy by trapezoids, with linear interpolation at the edges.
// The error is [ErrTooFew], [ErrNotBracketed], or [ErrGap].
func Integrate(in Input) (Result, error) {
	s := in.Series
	if n := len(s.samples); n == 0 || n == 1 && !s.Sensor.Held {
		return Result{}, ErrTooFew
	}
	start, end := in.edges()
	if !s.covers(start, end) {
		return Result{}, ErrNotBracketed
	}
	if gap := s.longest(start, end); gap > in.MaxGap {
		return Result{Gap: gap}, ErrGap
	}
	first, last := s.before(start), s.before(end)
	r := Result{Readings: last - first, BeforeWatts: s.samples[first].Watts}
	r.Interpolated = r.Readings == 0 && !s.Sensor.Held
	joules, sd := s.integrate(in.Spans)
	r.Mean, r.Low, r.High = joules, max(joules-z99*sd, 0), joules+z99*sd
	return r, nil
}

// covers reports whether the samples reach over both edges.
func (s *Series) covers(start, end int64) bool {
	return len(s.samples) > 0 && s.samples[0].At <= start && s.Known() >= end
}

// longest returns the longest gap between readings from start to end.
func (s *Series) longest(start, end int64) int64 {
	longest := int64(0)
	for i := s.before(start) + 1; i < len(s.samples); i++ {
		longest = max(longest, s.samples[i].Gap)
		if s.samples[i].At >= end {
			break
		}
	}
	return longest
}

// upTo returns the joules from the first sample to t, and their variance.
func (s *Series) upTo(t int64) (joules, variance float64) {
	i := s.before(t)
	a := s.samples[i]
	b := Sample{At: max(s.Known(), t), Watts: a.Watts} // held so far
	if i+1 < len(s.samples) {
		b = s.samples[i+1]
	}
	j, v := area(a, b, a.At, t)
	return a.joules + j, a.variance + v
}

// UpTo returns the joules from the first sample to t, which the samples reach over.
func (s *Series) UpTo(t int64) float64 {
	joules, _ := s.upTo(t)
	return joules
}

// integrate returns the joules of the spans and the standard deviation of what
// the samples leave unknown.
func (s *Series) integrate(spans []Span) (joules, sd float64) {
	variance, change, starts, ends := 0.0, 0.0, 0.0, 0.0
	for _, v := range spans {
		j0, v0 := s.upTo(v.Start)
		j1, v1 := s.upTo(v.End)
		share := float64(v.On) / float64(v.End-v.Start)
		joules += share * (j1 - j0)
		change += share * (s.watts(v.End) - s.watts(v.Start))
		// The parts of the two samples at the edges are not in the difference
		// of the variances. Where spans begin and end with the load, the edges
		// err in the same direction each time.
		variance += max(v1-v0, 0)
		starts += math.Sqrt(s.edge(v.Start))
		ends += math.Sqrt(s.edge(v.End))
	}
	return joules, math.Sqrt(variance + sq(starts) + sq(ends) + sq(change*float64(s.Sensor.Late)/second)/3)
}

// watts returns the power at t, which the samples reach over.
func (s *Series) watts(t int64) float64 {
	i := s.before(t)
	a := s.samples[i]
	if i+1 == len(s.samples) || t <= a.At {
		return a.Watts
	}
	b := s.samples[i+1]
	return a.Watts + (b.Watts-a.Watts)*float64(t-a.At)/float64(b.At-a.At)
}

// unseen is how much of the energy between two samples may be on the other side of
// an edge, as a standard deviation, where the power does not seem to change.
const unseen = 0.03

// edge returns the variance that comes with an edge at t: the time of a sample
// is known to within a refresh period or a reading, while the power changes.
func (s *Series) edge(t int64) float64 {
	i := s.before(t)
	if i+1 >= len(s.samples) {
		return 0
	}
	a, b := s.samples[i], s.samples[i+1]
	change := b.Watts - a.Watts
	if i+2 < len(s.samples) {
		change = math.Max(math.Abs(change), math.Abs(s.samples[i+2].Watts-b.Watts))
	}
	dt := float64(min(b.At-a.At, max(s.Sensor.Period, b.Gap))) / second
	return max(sq(change*dt)/3, sq(unseen*(a.Watts+b.Watts)/2*dt))
}
