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
	// Limit is the power that the device may draw, in watts; 0 if it is not known.
	Limit float64
	// Logged reports whether the readings were made by someone else.
	Logged bool
}

// Span is a stretch of time, in ns. On is how much of it counts.
type Span struct{ Start, End, On int64 }

func (in Input) edges() (start, end int64) {
	return in.Spans[0].Start, in.Spans[len(in.Spans)-1].End
}

// Result is the energy of the spans in joules.
type Result struct {
	Mean, Low, High float64
	// Readings is the number of readings that showed something new in the window. Where
	// there are none, it is Interpolated.
	Readings     int
	Interpolated bool
	// BeforeWatts is the power before the window.
	BeforeWatts float64
	// Gap is the longest gap between readings, in ns.
	Gap int64
	// PartTime reports whether the sensor looks at a part of the time only.
	PartTime bool
}

var (
	// ErrTooFew means that there are not enough samples to integrate.
	ErrTooFew = errors.New("too few readings of the power")
	// ErrNotBracketed means that the readings do not reach over both edges.
	ErrNotBracketed = errors.New("the readings do not reach over both edges of the window")
	// ErrGap means that readings are too far apart: by [Result.Gap].
	ErrGap = errors.New("readings too far apart")
	// ErrStatic means that the gauge never moved.
	ErrStatic = errors.New("the power never changed")
)

// z99 is half the width of an interval in standard deviations: 99 % of a normal
// distribution; z95 is that of 97 %, for models whose shape is in doubt.
const (
	z99 = 2.6
	z95 = 2.2
)

// levelError is how well a sensor's gain holds between levels, as a share of the
// highest reading: the best line through two of them misses a third by 1 to 2 % of it.
const levelError = 0.003

// blind is how much of a long mean may swing at an edge without a trace, as where its length
// is the period of a load.
const blind = 0.15

// around is how much time around a window shows what its sensor is like, in ns.
const around = 15e9

// Integrate returns the energy with the interval of all sensors that are possible. The
// error is [ErrTooFew], [ErrNotBracketed], [ErrGap] or [ErrStatic].
func Integrate(in Input) (Result, error) {
	s := in.Series
	if n := len(s.samples); n == 0 || n == 1 && s.samples[0].At == s.samples[0].Until {
		return Result{}, ErrTooFew
	}
	start, end := in.edges()
	if !s.covers(start, end) {
		return Result{}, ErrNotBracketed
	}
	if gap := s.longest(start, end); gap > in.MaxGap {
		return Result{Gap: gap}, ErrGap
	}
	v := newView(in)
	if v.static() {
		return Result{}, ErrStatic
	}
	v.look()
	defer v.done()
	r := v.measure()
	if v.sparse() {
		r.Mean = min(max(v.trapezoids(), r.Low), r.High)
	}
	first := s.before(start)
	r.Readings, r.BeforeWatts = v.readings(first), s.samples[first].Watts
	r.Interpolated = r.Readings == 0
	return r, nil
}

// view is what is known of a window.
type view struct {
	in Input
	timeline
	traits
	spans   []stretch
	length  float64 // of what counts, in seconds
	course  course
	kernels []Kernel // that are possible
	seen    *sampled
	scratch *scratch // of which the course is
}

func newView(in Input) *view {
	s := in.Series
	start, end := in.edges()
	v := &view{in: in, timeline: timeline{series: s, origin: start}}
	from, to := s.before(start-around), min(s.before(end+around)+1, len(s.samples))
	v.traits = traitsOf(s.samples[from:to], float64(s.Sensor.Refresh)/second)
	v.timeline.refresh = v.period()
	v.timeline.jump = jumpShare * (v.most - v.least)
	for _, x := range in.Spans {
		length := v.seconds(x.End) - v.seconds(x.Start)
		v.spans = append(v.spans, stretch{v.seconds(x.Start), v.seconds(x.End), float64(x.On) / second / length})
		v.length += float64(x.On) / second
	}
	return v
}

// staticFor is how many refreshes show the same value only if nothing is measured, wholeFor
// how many do if it is one of whole watts, which may be all that there are, and loggedFor
// how many of such do in a log.
const (
	staticFor = 20
	wholeFor  = 40
	loggedFor = 300
)

// static reports whether the gauge shows one value only.
func (v *view) static() bool {
	s := v.series
	if v.moves {
		return false
	}
	enough, watts := staticFor, s.samples[0].Watts
	if watts == math.Trunc(watts) {
		if enough = wholeFor; v.in.Logged {
			enough = loggedFor
		}
	}
	read := float64(s.Seen()-s.samples[0].At) / second
	return read > float64(enough)*max(v.period(), v.gap)
}

// readings returns how many values were seen in the window, whose first sample is before
// it; where the same one was read, how often it was refreshed.
func (v *view) readings(first int) (n int) {
	s := v.series
	start, end := v.in.edges()
	for i := first; i < len(s.samples) && s.samples[i].At <= end; i++ {
		x := s.samples[i]
		if x.At > start {
			n++
		}
		if again := min(x.Until, end) - max(x.At, start); again > 0 {
			n += int(float64(again) / max(float64(x.Gap), v.period()*second))
		}
	}
	return n
}

// look finds out what the readings say of the power between them. The view must be done
// afterwards.
func (v *view) look() {
	start, end := v.spans[0].start, v.spans[len(v.spans)-1].end
	v.scratch = scratches.Get().(*scratch)
	sensor := &v.series.Sensor
	v.kernels = v.possible(sensor.ofAge(sensor.Kernels))
	all := v.timeline
	all.stalls = len(v.kernels) > 0
	for _, k := range v.kernels {
		all.stalls = all.stalls && k.Longest >= longMean*second
	}
	v.course = all.course(start-around/second, end+around/second, v.scratch.course)
	v.scratch.course = v.course
	v.seen = newSampled(v.course, max(v.spacing, v.period()), v.traits)
}

// done ends the use of the view.
func (v *view) done() { scratches.Put(v.scratch) }

// measure returns the hull over the kernels that are possible.
func (v *view) measure() (r Result) {
	if len(v.series.Sensor.Kernels) == 0 {
		return v.shifted()
	}
	r.Low, r.High = math.Inf(1), math.Inf(-1)
	means := 0.0
	r.PartTime = true
	for _, k := range v.kernels {
		r.PartTime = r.PartTime && float64(k.covers()) < seesAll*v.period()*second
		for i, c := range k.corners(v.period(), v.series.Sensor.Late) {
			joules, half := v.by(v.series.Sensor.aged(c))
			r.Low, r.High = min(r.Low, joules-half), max(r.High, joules+half)
			if i == 0 {
				r.Mean += joules
				means++
			}
		}
	}
	r.Mean /= means
	level := levelError * v.most * v.length
	r.Low, r.High = max(r.Low-level, 0), r.High+level
	// A steep rise after it takes the estimate of a short window below nothing: all of it is
	// error then.
	r.Mean = max(r.Mean, r.Low)
	return r
}

// sparsest is from how many seconds between readings on none of them says what the power
// was at another.
const sparsest = 0.9

// sparse reports whether the readings of a sensor that may be one of several are so far
// apart that one energy in the interval is as good as another. It is then that by
// trapezoids, which everybody else publishes.
func (v *view) sparse() bool { return v.spacing >= sparsest && len(v.kernels) != 1 }

// trapezoids returns the energy if the power goes in straight lines from reading to
// reading.
func (v *view) trapezoids() (joules float64) {
	samples := v.series.samples
	for _, x := range v.spans {
		for i := v.series.before(v.in.Spans[0].Start); i < len(samples); i++ {
			a := samples[i]
			joules += x.share * area(x, v.seconds(a.At), v.seconds(a.Until), a.Watts, a.Watts)
			if i+1 < len(samples) {
				b := samples[i+1]
				joules += x.share * area(x, v.seconds(a.Until), v.seconds(b.At), a.Watts, b.Watts)
			}
			if v.seconds(a.Until) >= x.end {
				break
			}
		}
	}
	return joules
}

// area returns the energy in a stretch where the power goes from one to another.
func area(x stretch, from, to, first, last float64) float64 {
	lo, hi := max(from, x.start), min(to, x.end)
	if hi <= lo {
		return 0
	}
	slope := (last - first) / (to - from)
	return (hi - lo) * (first + slope*((lo+hi)/2-from))
}

// by returns the energy by a kernel, ± half.
func (v *view) by(k kernel) (joules, half float64) {
	s := sensed{timeline: v.timeline, course: v.course, scratch: v.scratch, kernel: k, spacing: max(v.spacing, k.refresh), gap: v.gap}
	s.stalls = k.width >= longMean
	s.highest = overshoot * v.most
	if v.in.Limit > 0 {
		s.highest = max(v.in.Limit, s.highest)
	}
	s.lowest = min(v.least, floor*v.most)
	sum := s.energy(v.spans)
	missed := 0.0
	for _, x := range v.spans {
		missed += x.share * v.seen.misses(x, s.share())
		if k.width >= longMean {
			missed += x.share * blind * k.width * (v.swing(x.start, k.age()) + v.swing(x.end, k.age()))
		}
	}
	return sum.joules, math.Hypot(z95*math.Sqrt(sum.variance), missed)
}
