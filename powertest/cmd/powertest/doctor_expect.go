package main

import (
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// expectedLengths are the windows whose error is told.
var expectedLengths = []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second}

// niceLengths are the values that -benchtime is chosen from.
var niceLengths = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
}

// goodPercent is the error that is good enough: a change of 2 % can be told from
// none.
const goodPercent = 1

// A windowCheck is how well a window of a length can be measured: the half-width
// of its interval in per cent of the energy, of all GPUs together. Null is not
// known, or withheld, for the reason.
type windowCheck struct {
	Length time.Duration `json:"length_ns"`
	// Seen is the error at the power that was seen while watching: the largest of
	// several windows that were laid over it.
	Seen *real `json:"err_percent_as_seen"`
	// Extrapolated says that none of this length fits into what was watched, and
	// that Seen follows from that of a shorter one.
	Extrapolated bool `json:"extrapolated,omitempty"`
	// Load is the error where a load begins and ends with the window, as that of
	// a benchmark does: worked out by the same estimator, for the ticks that were
	// seen, a device that is idle as it was, and its power under -load inside the
	// window; else its power limit; else ten times the idle power, which is the
	// worst that can be, but not more than a GPU can draw.
	Load *real `json:"err_percent_load"`
	// Reason says why there is no number, and Detail what to do.
	Reason energy.Reason `json:"reason,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

// A benchtimeCheck is the recommended length of a benchmark.
type benchtimeCheck struct {
	// Recommended is the shortest of 100ms to 10m whose error is at most 1 %.
	Recommended *time.Duration `json:"recommended_ns"`
	// ErrPercent is its error. If Extrapolated, it follows from a shorter window
	// that was measured, as 1/length, or for gauges as 1/√length.
	ErrPercent   *real `json:"err_percent"`
	Extrapolated bool  `json:"extrapolated,omitempty"`
	// Reason says why there is no recommendation.
	Reason string `json:"reason,omitempty"`
}

// expect finds out how well windows can be measured. peak is the power of each
// device under load in watts, if that was seen.
func expect(w *watch, peak []float64) ([]windowCheck, benchtimeCheck) {
	known, why := knownFrom(w)
	step := newLoadStep(w, peak)
	var list []windowCheck
	for _, length := range expectedLengths {
		c := windowCheck{Length: length}
		f := why[length]
		if seen, ok := known.at(length); ok && (f == nil || f.Reason == notWatched) {
			c.Seen, c.Extrapolated = number(roundErr(seen), true), f != nil
		} else if f != nil {
			c.Reason, c.Detail = f.Reason, f.Detail
		}
		if x, ok := step.errAt(length); ok {
			c.Load = number(roundErr(x), true)
		} else if c.Reason == "" && step.usable() {
			c.Reason, c.Detail = energy.WindowTooShort, "a load of this length can't be measured"
		}
		list = append(list, c)
	}
	return list, recommend(known, step)
}

func roundErr(x float64) float64 { return math.Round(x*1000) / 1000 }

// recommend chooses a -benchtime: the shortest that is good, as is the next longer
// one, so that it is not so by chance.
func recommend(known *knownErrors, step *loadStep) benchtimeCheck {
	worst := func(length time.Duration) (percent float64, seen, ok bool) {
		load, haveLoad := step.errAt(length)
		percent, seen = known.at(length)
		if step.usable() && (!seen || load >= percent) {
			return load, false, haveLoad
		}
		return percent, seen, seen && (haveLoad || !step.usable())
	}
	last, told := 0.0, false
	for i, length := range niceLengths {
		percent, seen, ok := worst(length)
		if last, told = percent, ok; !ok || percent > goodPercent {
			continue
		}
		if next, _, ok := worst(niceLengths[min(i+1, len(niceLengths)-1)]); ok && next <= goodPercent {
			return benchtimeCheck{Recommended: &length, ErrPercent: number(roundErr(percent), true), Extrapolated: seen && !known.has(length)}
		}
	}
	if !told {
		return benchtimeCheck{Reason: "what was seen does not tell the error of a window: watch for longer, with -for"}
	}
	return benchtimeCheck{Reason: fmt.Sprintf("none up to 10m gives ±%d %%: 10m has ±%.2g %%", goodPercent, last)}
}

// notWatched says that a window is longer than what was watched.
const notWatched energy.Reason = "not_watched_long_enough"

// positions is how many windows of a length are laid over what was seen, at
// different phases of the ticks. Of a fleet it is fewer, since GPUs have phases of
// their own.
func (w *watch) positions() int {
	const fleet = 16
	if len(w.sights) > fleet {
		return 3
	}
	return 6
}

// errAt returns the largest error of windows of a length, in per cent of the energy
// of all devices. The finding says why there is none: it is that of most windows.
func (w *watch) errAt(length time.Duration) (percent float64, f *energy.Finding) {
	from, to := w.reach()
	if to < from {
		return 0, &energy.Finding{Reason: notWatched, Detail: "too few ticks were seen: watch for longer, with -for"}
	}
	room := to - from - float64(length)
	if room < 0 {
		need := w.took + time.Duration(math.Ceil(-room/1e9))*time.Second
		return 0, &energy.Finding{Reason: notWatched, Detail: fmt.Sprintf("it was watched for %v: -for %v would tell", short(w.took), short(need.Round(time.Second)))}
	}
	const golden = 0.618034
	valid := 0
	var why *energy.Finding
	n := w.positions()
	for i := range n {
		_, phase := math.Modf(float64(i) * golden)
		start := w.at(from + phase*room)
		m := w.measure(energy.Span{Start: start, End: start.Add(length)})
		if m.Valid {
			valid++
			percent = max(percent, m.Energy.ErrPercent())
		} else if why == nil {
			why = withholding(m)
		}
	}
	if valid <= n/2 {
		return 0, why
	}
	return percent, nil
}

// withholding returns the first finding that withholds the total.
func withholding(m energy.Measurement) *energy.Finding {
	for _, f := range m.Reasons {
		if f.Reason.Withholds() {
			return &f
		}
	}
	return &energy.Finding{Reason: energy.InsufficientPowerSamples, Detail: "there is no number"}
}

// Windows are measured with so many ticks before and after them, as they are while
// a benchmark runs.
const (
	ticksBefore = 4
	ticksAfter  = 3
)

// reach returns between which times windows can be measured, in ns since the base.
func (w *watch) reach() (from, to float64) {
	from, to = math.Inf(-1), math.Inf(1)
	for _, s := range w.sights {
		n := len(s.ticks)
		switch {
		case s.device.Method == energy.Gauge && w.past == nil:
			from = max(from, float64(w.began.Sub(w.base)))
			to = min(to, float64(s.last.Before.Sub(w.base)))
		case s.device.Method == energy.Gauge && n > 1:
			from, to = max(from, s.ticks[0].hi), min(to, s.ticks[n-1].lo)
		case n > ticksBefore+ticksAfter:
			from, to = max(from, s.ticks[ticksBefore].hi), min(to, s.ticks[n-1-ticksAfter].lo)
		default:
			return 0, -1
		}
	}
	return from, to
}

// gauges reports whether a device has a gauge only.
func (w *watch) gauges() bool {
	for _, s := range w.sights {
		if s.device.Method == energy.Gauge {
			return true
		}
	}
	return false
}
