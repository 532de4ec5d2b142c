package main

import (
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// knownErrors are the errors of windows that were measured, in per cent.
type knownErrors struct {
	lengths  []time.Duration // rising
	percents []float64
	gauge    bool
}

func (k *knownErrors) has(length time.Duration) bool { return slices.Contains(k.lengths, length) }

// knownFrom measures windows of all lengths that fit into what was watched. The
// findings say why others have no number.
func knownFrom(w *watch) (*knownErrors, map[time.Duration]*energy.Finding) {
	k, why := &knownErrors{gauge: w.gauges()}, map[time.Duration]*energy.Finding{}
	for _, length := range niceLengths {
		percent, f := w.errAt(length)
		if f != nil {
			why[length] = f
			continue
		}
		k.lengths, k.percents = append(k.lengths, length), append(k.percents, percent)
	}
	return k, why
}

// at returns the error of a window: what was measured, or what follows from the
// longest that was measured and is shorter. What is not known of a window is at
// its edges, whatever its length, so that the share falls as 1/length. A gauge has
// an error in every interval, and if those are independent it falls as 1/√length.
func (k *knownErrors) at(length time.Duration) (percent float64, ok bool) {
	for i := len(k.lengths) - 1; i >= 0; i-- {
		if k.lengths[i] > length {
			continue
		}
		ratio := float64(k.lengths[i]) / float64(length)
		if k.gauge {
			ratio = math.Sqrt(ratio)
		}
		return k.percents[i] * ratio, true
	}
	return 0, false
}

// A loadStep works out what error a load has that begins and ends with the window.
type loadStep struct {
	w     *watch
	loads []load
	done  map[time.Duration]float64
}

// load is the power of a device: idle, and under load, in watts.
type load struct{ idle, peak float64 }

// A load is taken to draw unknownPeak times the idle power where nothing is known of
// it: then hardly anything but the load counts, which is the worst that can be. But
// no GPU draws more than mostWatts.
const (
	unknownPeak = 10
	mostWatts   = 2000
)

// leastPeak is by how much a load adds to the idle power at the least.
const leastPeak = 1.2

// newLoadStep returns one that is not usable if the period or the power of a device
// is not known.
func newLoadStep(w *watch, peak []float64) *loadStep {
	l := &loadStep{w: w, done: map[time.Duration]float64{}}
	for i, s := range w.sights {
		idle, ok := s.watts(math.Inf(-1), math.Inf(1))
		if !ok || s.period() == 0 {
			return &loadStep{w: w}
		}
		x := load{idle, s.device.PowerLimit}
		if i < len(peak) && peak[i] > 0 {
			x.peak = peak[i]
		}
		if x.peak < leastPeak*idle {
			x.peak = max(leastPeak*idle, min(unknownPeak*idle, mostWatts))
		}
		l.loads = append(l.loads, x)
	}
	return l
}

func (l *loadStep) usable() bool { return len(l.loads) > 0 }

// padding is how many ticks are laid before and after the window.
const padding = 12

// errAt returns the largest error, in per cent, over a few phases of the ticks; ok
// is false if most are withheld.
func (l *loadStep) errAt(length time.Duration) (percent float64, ok bool) {
	if !l.usable() {
		return 0, false
	}
	if x, done := l.done[length]; done {
		return x, !math.IsNaN(x)
	}
	const phases = 4
	valid := 0
	for i := range phases {
		m := l.measure(length, float64(i)/phases)
		if m.Valid {
			valid++
			percent = max(percent, m.Energy.ErrPercent())
		}
	}
	if valid <= phases/2 {
		percent = math.NaN()
	}
	l.done[length] = percent
	return percent, !math.IsNaN(percent)
}

// measure measures a load of the length that begins at a phase of the ticks.
func (l *loadStep) measure(length time.Duration, phase float64) energy.Measurement {
	pad := 0.0
	for _, s := range l.w.sights {
		pad = max(pad, padding*float64(s.period()))
	}
	curves := make([]*energy.Curve, len(l.loads))
	start := pad + phase*float64(l.w.sights[0].period())
	end := start + float64(length)
	for i, s := range l.w.sights {
		curves[i] = l.w.empty(s)
		l.fill(curves[i], i, start, end, end+pad)
	}
	span := energy.Span{Start: l.w.at(start), End: l.w.at(start).Add(length)}
	return energy.MeasureCurves(l.w.info, curves, []energy.Span{span})
}

// empty returns a curve of the device without readings, that is measured as the
// source's are.
func (w *watch) empty(s *sight) *energy.Curve {
	if w.past != nil || w.info.Poll > 0 {
		return energy.NewHistory(s.device, w.base, s.period()).Curve()
	}
	return energy.NewCurve(s.device, w.base, s.period())
}

// fill lays ticks at the intervals that were seen, again and again, and as well
// seen as they were. They show the energy of the load, or its power.
func (l *loadStep) fill(c *energy.Curve, device int, start, end, until float64) {
	s, p := l.w.sights[device], l.loads[device]
	intervals := s.intervals()
	width := min(float64(*s.within()), 0.9*slices.Min(intervals))
	show := func(at, value float64) {
		t := l.w.at(at)
		r := energy.Reading{Device: device, Before: t, After: t, Joules: value, HasJoules: true}
		if s.device.Method == energy.Gauge {
			r = energy.Reading{Device: device, Before: t, After: t, Watts: value, HasWatts: true}
		}
		c.Add(r)
	}
	// Devices tick at different times, as they were seen to.
	at, shown := math.Abs(math.Mod(s.ticks[0].mid(), float64(s.period()))), p.shows(s.device, 0, start, end)
	for k := 0; at < until; k++ {
		if width > 0 {
			show(at-width/2, shown)
		}
		shown = p.shows(s.device, at, start, end)
		show(at+width/2, shown)
		at += intervals[k%len(intervals)]
	}
}

// shows is what a device shows that is refreshed at a time, of a load from start to
// end, all in ns: joules since 0, or watts.
func (p load) shows(d energy.Device, at, start, end float64) float64 {
	if d.Method == energy.Gauge {
		if at -= float64(d.Lag); start <= at && at < end {
			return p.peak
		}
		return p.idle
	}
	under := min(max(at-start, 0), end-start)
	joules := (p.idle*at + (p.peak-p.idle)*under) / float64(time.Second)
	if d.Resolution > 0 {
		joules = math.Floor(joules/d.Resolution) * d.Resolution
	}
	return joules
}
