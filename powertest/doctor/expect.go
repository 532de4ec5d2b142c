package doctor

import (
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

// goodPercent is the error that is good enough: a change of 2 % can be told from
// none.
const goodPercent = 1

// A Window is how well a window of a length can be measured: the half-width
// of its interval in per cent of the energy, of all GPUs together. Null is not
// known, or withheld, for the reason.
type Window struct {
	Length time.Duration `json:"length_ns"`
	// Seen is the error at the power that was seen while watching: the largest of
	// several windows that were laid over it.
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

// advice says which -benchtime to use.
func (b Benchtime) advice() string {
	if b.Recommended == nil {
		return "which -benchtime is long enough is not known: " + b.Reason
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
			return Benchtime{Recommended: &length, ErrPercent: thousandths(percent), Extrapolated: seen && !measured.has(length)}
		}
	}
	if !known {
		return Benchtime{Reason: "what was seen does not tell the error of a window: watch for longer, with -for"}
	}
	return Benchtime{Reason: fmt.Sprintf("none up to 10m gives ±%d %%: 10m has ±%.2g %%", goodPercent, last)}
}

// measuredErrors are the errors of windows that were measured, in per cent.
type measuredErrors struct {
	lengths  []time.Duration // rising
	percents []float64
	gauge    bool
}

func (m measuredErrors) has(length time.Duration) bool { return slices.Contains(m.lengths, length) }

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
	m, why := measuredErrors{gauge: o.gauges()}, map[time.Duration]*energy.Finding{}
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

// positions is how many windows of a length are laid over what was seen, at
// different phases of the ticks. Of a fleet it is fewer, since GPUs have phases of
// their own.
func (o *observation) positions() int {
	const fleet = 16
	if len(o.devices) > fleet {
		return 3
	}
	return 6
}

// errAt returns the largest error of windows of a length, in per cent of the energy
// of all devices. The finding says why there is none: it is that of most windows.
func (o *observation) errAt(length time.Duration) (percent float64, f *energy.Finding) {
	from, to := o.reach()
	if to < from || o.replay == nil {
		return 0, &energy.Finding{Reason: notWatched, Detail: "too few ticks were seen: watch for longer, with -for"}
	}
	room := to - from - float64(length)
	if room < 0 {
		need := o.took + time.Duration(math.Ceil(-room/1e9))*time.Second
		return 0, &energy.Finding{Reason: notWatched, Detail: fmt.Sprintf("it was watched for %v: -for %v would tell", short(o.took), short(need.Round(time.Second)))}
	}
	const golden = 0.618034
	valid := 0
	var why *energy.Finding
	n := o.positions()
	for i := range n {
		_, phase := math.Modf(float64(i) * golden)
		start := o.at(from + phase*room)
		m := o.measure(energy.Span{Start: start, End: start.Add(length)})
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
