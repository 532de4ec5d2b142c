package doctor

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// expectedLengths are the windows whose error is reported.
var expectedLengths = []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second}

// niceLengths are the values that -benchtime is chosen from.
var niceLengths = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
}

// goodPercent is the error that is good enough: it resolves a change of 2 %.
const goodPercent = 1

// A Window is how well a window of a length can be measured: the half-width
// of its interval in per cent of the energy, of all GPUs together. Null is not
// known, or withheld, for the reason.
type Window struct {
	Length time.Duration `json:"length_ns"`
	// Seen is the error at the power that was seen while watching: the largest of
	// several windows in that time.
	Seen *float64 `json:"err_percent_as_seen"`
	// Extrapolated says that none of this length fits into what was watched, and
	// that Seen follows from that of a shorter one.
	Extrapolated bool `json:"extrapolated,omitempty"`
	// Load is the error where a load begins and ends with the window, as that of
	// a benchmark does: worked out by the same estimator, for the ticks that were
	// seen, a device that is idle as it was, and its power under -load inside the
	// window; else its power limit; else ten times the idle power, which is the
	// worst that can be, but not more than a GPU can draw.
	Load *float64 `json:"err_percent_load"`
	// Reason says why there is no number, and Detail what to do.
	Reason energy.Reason `json:"reason,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

// A Benchtime is the recommended length of a benchmark.
type Benchtime struct {
	// Recommended is the shortest of 100ms to 10m whose error is at most 1 %.
	Recommended *time.Duration `json:"recommended_ns"`
	// ErrPercent is its error. If Extrapolated, it follows from a shorter window
	// that was measured, as 1/length, or for gauges as 1/√length.
	ErrPercent   *float64 `json:"err_percent"`
	Extrapolated bool     `json:"extrapolated,omitempty"`
	// Reason says why there is no recommendation.
	Reason string `json:"reason,omitempty"`
}

// advice says which -benchtime to use; of a file, whose time is over, how long a window
// is to be.
func (b Benchtime) advice(file bool) string {
	switch {
	case b.Recommended == nil && file:
		return "how long a window must be is not known: " + b.Reason
	case b.Recommended == nil:
		return "which -benchtime is long enough is not known: " + b.Reason
	case file:
		return fmt.Sprintf("windows of %s or more have ±%d %%", short(*b.Recommended), goodPercent)
	}
	return fmt.Sprintf("use -benchtime=%s or more for ±%d %%", short(*b.Recommended), goodPercent)
}

// expect finds out how well windows can be measured. peak is the power of each
// device under load in watts, if that was seen.
func expect(o *observation, peak []float64) ([]Window, Benchtime) {
	measured, why := o.measuredErrors()
	step := newLoadStep(o, peak)
	var list []Window
	for _, length := range expectedLengths {
		w := Window{Length: length}
		f := why[length]
		if seen, ok := measured.at(length); ok && (f == nil || f.Reason == notWatched) {
			w.Seen, w.Extrapolated = thousandths(seen), f != nil
		} else if f != nil {
			w.Reason, w.Detail = f.Reason, f.Detail
		}
		if x, ok := step.errAt(length); ok {
			w.Load = thousandths(x)
		} else if w.Reason == "" && step.usable() {
			w.Reason, w.Detail = energy.WindowTooShort, "a load of this length can't be measured"
		}
		list = append(list, w)
	}
	return list, recommend(measured, step)
}

// withheldWindows says why no window can be measured.
func withheldWindows(why *energy.Finding) []Window {
	var list []Window
	for _, length := range expectedLengths {
		list = append(list, Window{Length: length, Reason: why.Reason, Detail: why.Detail})
	}
	return list
}

// thousandths rounds a number for a report.
func thousandths(x float64) *float64 { return number(math.Round(x*1000)/1000, true) }

// recommend chooses a -benchtime: the shortest that is good, as is the next longer
// one, so that it is not so by chance.
func recommend(measured measuredErrors, step *loadStep) Benchtime {
	worst := func(length time.Duration) (percent float64, seen, ok bool) {
		load, haveLoad := step.errAt(length)
		percent, seen = measured.at(length)
		if step.usable() && (!seen || load >= percent) {
			return load, false, haveLoad
		}
		return percent, seen, seen && (haveLoad || !step.usable())
	}
	last, known := 0.0, false
	for i, length := range niceLengths {
		percent, seen, ok := worst(length)
		if last, known = percent, ok; !ok || percent > goodPercent {
			continue
		}
		if next, _, ok := worst(niceLengths[min(i+1, len(niceLengths)-1)]); ok && next <= goodPercent {
			extrapolated := seen && !slices.Contains(measured.lengths, length)
			return Benchtime{Recommended: &length, ErrPercent: thousandths(percent), Extrapolated: extrapolated}
		}
	}
	if !known {
		return Benchtime{Reason: "too few ticks to estimate the error of a window: watch for longer, with -for"}
	}
	return Benchtime{Reason: fmt.Sprintf("none up to 10m gives ±%d %%: 10m has ±%.2g %%", goodPercent, last)}
}

// measuredErrors are the errors of windows that were measured, in per cent.
type measuredErrors struct {
	lengths  []time.Duration // rising
	percents []float64
	gauge    bool
}

// at returns the error of a window: what was measured, or what follows from the
// longest that was measured and is shorter. What is not known of a window is at
// its edges, whatever its length, so that the share falls as 1/length. A gauge has
// an error in every interval, and if those are independent it falls as 1/√length.
func (m measuredErrors) at(length time.Duration) (percent float64, ok bool) {
	for i := len(m.lengths) - 1; i >= 0; i-- {
		if m.lengths[i] > length {
			continue
		}
		ratio := float64(m.lengths[i]) / float64(length)
		if m.gauge {
			ratio = math.Sqrt(ratio)
		}
		return m.percents[i] * ratio, true
	}
	return 0, false
}

// measuredErrors measures windows of all lengths that fit into what was watched. The
// findings say why others have no number.
func (o *observation) measuredErrors() (measuredErrors, map[time.Duration]*energy.Finding) {
	m, why := measuredErrors{}, map[time.Duration]*energy.Finding{}
	m.gauge = slices.ContainsFunc(o.devices, func(d *device) bool { return d.Method == energy.Gauge })
	if slices.ContainsFunc(o.devices, func(d *device) bool { return d.refresh > 0 }) {
		return m, why // a window anywhere was not read at its edges, as one that is measured is
	}
	for _, length := range niceLengths {
		percent, f := o.errAt(length)
		if f != nil {
			why[length] = f
			continue
		}
		m.lengths, m.percents = append(m.lengths, length), append(m.percents, percent)
	}
	return m, why
}

// notWatched says that a window is longer than what was watched.
const notWatched energy.Reason = "not_watched_long_enough"

// errAt returns the largest error of windows of a length, in per cent of the energy
// of all devices. The finding says why there is none: it is that of most windows.
func (o *observation) errAt(length time.Duration) (percent float64, f *energy.Finding) {
	from, to := o.reach()
	if to < from || o.replay == nil {
		return 0, &energy.Finding{Reason: notWatched, Detail: "too few ticks were seen: watch for longer, with -for"}
	}
	room := to - from - float64(length)
	if room < 0 {
		need := o.watch.For + time.Duration(math.Ceil(-room/1e9))*time.Second
		return 0, &energy.Finding{Reason: notWatched, Detail: fmt.Sprintf(
			"it was watched for %s only: watch for longer, with -for %s", short(o.watch.For), short(need.Round(time.Second)))}
	}
	const golden = 0.618034
	n := 6 // windows, at different phases of the ticks
	if len(o.devices) > 16 || o.watch.Past {
		// GPUs have phases of their own, and of what a server scraped the phase is not
		// known, at several times the cost of a window.
		n = 3
	}
	var list []energy.Measurement
	for i := range n {
		_, phase := math.Modf(float64(i) * golden)
		start := o.at(from + phase*room)
		span := energy.Span{Start: start, End: start.Add(length)}
		list = append(list, energy.MeasurePast(context.Background(), o.replay, span))
	}
	return largest(list)
}

// largest returns the largest error of some measurements, in per cent. The finding says
// why there is none: half of them or more are withheld.
func largest(list []energy.Measurement) (percent float64, why *energy.Finding) {
	valid := 0
	for _, m := range list {
		if m.Valid {
			valid++
			percent = max(percent, m.Energy.ErrPercent())
		} else if why == nil {
			why = cmp.Or(obstacle(m.Reasons), &energy.Finding{Reason: energy.InsufficientPowerSamples})
		}
	}
	if valid <= len(list)/2 {
		return 0, why
	}
	return percent, nil
}

// A loadStep works out what error a load has that begins and ends with the window: it
// makes recordings of such loads, with ticks as they were seen, and measures them.
type loadStep struct {
	o     *observation
	loads []powers
	done  map[time.Duration]float64
}

// powers are what a device draws, idle and under load, in watts.
type powers struct{ idle, peak float64 }

// A load is taken to draw unknownPeak times the idle power where nothing is known of
// it: then hardly anything but the load counts, which is the worst that can be. But
// no GPU draws more than mostWatts, and a load draws at least leastPeak times the idle power.
const (
	unknownPeak = 10
	mostWatts   = 2000
	leastPeak   = 1.2
)

// newLoadStep returns one that is not usable if the period or the power of a device
// is not known.
func newLoadStep(o *observation, peak []float64) *loadStep {
	l := &loadStep{o: o, done: map[time.Duration]float64{}}
	for i, d := range o.devices {
		idle, ok := d.meanPower()
		if !ok || d.period() == 0 {
			return &loadStep{o: o}
		}
		x := powers{idle, d.PowerLimit}
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

// errAt returns the largest error, in per cent, over a few phases of the ticks; ok
// is false if most are withheld.
func (l *loadStep) errAt(length time.Duration) (percent float64, ok bool) {
	if !l.usable() {
		return 0, false
	}
	if x, done := l.done[length]; done {
		return x, !math.IsNaN(x)
	}
	phases := 4
	if l.o.watch.Past {
		phases = 2
	}
	var list []energy.Measurement
	for i := range phases {
		list = append(list, l.measure(length, float64(i)/float64(phases)))
	}
	percent, why := largest(list)
	if why != nil {
		percent = math.NaN()
	}
	l.done[length] = percent
	return percent, why == nil
}

// padding is how many ticks there are before and after the window.
const padding = 12

// measure measures a load of the length that begins at a phase of the ticks.
func (l *loadStep) measure(length time.Duration, phase float64) energy.Measurement {
	pad := 0.0
	for _, d := range l.o.devices {
		pad = max(pad, padding*float64(d.period()))
	}
	start := pad + phase*float64(l.o.devices[0].period())
	end := start + float64(length)
	r := energy.Recording{Source: l.o.info, Base: l.o.base}
	for i, d := range l.o.devices {
		r.Devices = append(r.Devices, d.recordLoad(l.loads[i], start, end, end+pad))
	}
	replay, err := energy.NewReplay(r)
	if err != nil {
		return energy.Measurement{}
	}
	span := energy.Span{Start: l.o.at(start), End: l.o.at(start).Add(length)}
	return energy.MeasurePast(context.Background(), replay, span)
}

// recordLoad makes a recording of a load from start to end, until some time after it,
// all in ns: with ticks at the intervals that were seen, again and again, and as well
// seen as they were.
func (d *device) recordLoad(p powers, start, end, until float64) energy.DeviceRecording {
	r := energy.DeviceRecording{Device: d.Device}
	r.Device.Period = cmp.Or(d.refresh, d.period())
	intervals := d.intervals()
	width := min(float64(*d.within()), 0.9*slices.Min(intervals))
	if d.refresh > 0 {
		width = float64(d.refresh) / 2
	}
	// Devices tick at different times, as they were seen to.
	at := math.Abs(math.Mod(d.ticks[0].mid(), float64(d.period())))
	if d.Method == energy.Gauge {
		r.PowerPeriod = int64(d.period())
		r.Power = append(r.Power, [3]float64{at - width - float64(d.period()), p.idle, 0})
	} else {
		r.TickPeriod, r.TickJitter = d.learnt.period, d.learnt.jitter
		r.Ticks = append(r.Ticks, [3]float64{at - width - float64(d.period()), at - width, 0})
	}
	for k := 0; at < until; k++ {
		if d.Method == energy.Gauge {
			r.Power = show(r.Power, at, width, d.senses(p, at, start, end))
		} else {
			joules := p.joules(at, start, end)
			if d.Resolution > 0 {
				joules = math.Floor(joules/d.Resolution) * d.Resolution
			}
			if joules != r.Ticks[len(r.Ticks)-1][2] {
				r.Ticks = append(r.Ticks, [3]float64{at - width/2, at + width/2, joules})
			}
		}
		if at += intervals[k%len(intervals)]; d.refresh > 0 {
			at = d.readAt(at-intervals[k%len(intervals)], at, start, end)
		}
	}
	return r
}

// readAt returns when a counter whose ticks are not told apart is read next after a time, at
// the latest at another: several times after each edge of a load.
func (d *device) readAt(last, next, start, end float64) float64 {
	for _, edge := range []float64{start, end} {
		for k := range pastEdge {
			if at := edge + float64(k)*float64(d.refresh); at > last && at < next {
				return at
			}
		}
	}
	return next
}

// pastEdge is how many reads there are at an edge, as the recorder makes them at least.
const pastEdge = 3

// show adds what a gauge shows that is refreshed at a time and read width apart.
func show(power [][3]float64, at, width, watts float64) [][3]float64 {
	if last := power[len(power)-1]; width > 0 && at-width/2 > last[0] {
		power = append(power, [3]float64{at - width/2, last[1], width})
	}
	return append(power, [3]float64{at + width/2, watts, width})
}

// senses returns what a gauge makes of a load from start to end when it is refreshed at a
// time, all in ns: by the first of what its sensor may be.
func (d *device) senses(p powers, at, start, end float64) float64 {
	over := float64(d.period())
	if len(d.Sensor.Kernels) > 0 {
		k := d.Sensor.Kernels[0]
		at -= float64(k.Earliest+k.Latest) / 2
		over = float64(k.Shortest+k.Longest) / 2
	}
	return (p.joules(at, start, end) - p.joules(at-over, start, end)) / over * float64(time.Second)
}

// joules is the energy since 0 at a time, of a load from start to end, all in ns.
func (p powers) joules(at, start, end float64) float64 {
	under := min(max(at-start, 0), end-start)
	return (p.idle*at + (p.peak-p.idle)*under) / float64(time.Second)
}
