package doctor

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest/doctor/internal/meter"
	"github.com/joulebench/joulebench/powertest/energy"
)

const (
	// enoughTicks show the refresh period and its jitter.
	enoughTicks = 25
	// Without Options.Watch a live source is watched for a time between these.
	shortWatch = 5 * time.Second
	longWatch  = 2 * time.Minute
	// stallTime is how long a call that the recorder has given up is still waited for.
	stallTime = time.Second
	// Of the past are looked at so many refresh periods, within these bounds. It is
	// what a source fetches whole of a window.
	pastPeriods = 19
	shortPast   = 15 * time.Second
	longPast    = 10 * time.Minute
)

// An observation is what was seen of a source.
type observation struct {
	recording energy.Recording
	info      energy.Info
	devices   []*device
	base      time.Time // that the times of ticks count from
	// replay measures windows of what was recorded; nil if that is malformed.
	replay *energy.Replay
	// watch is how it was seen, and stalled says of which sources a call did not come back.
	watch   Watch
	stalled map[string]bool
	// trouble is what is wrong with the source as a whole.
	trouble []energy.Finding
}

// observe watches the source of a recorder for a time, or until enough was seen if
// that is 0.
// Where it knows the past, and is to be compared with a meter, the time is that of the meter.
func observe(ctx context.Context, rec *energy.Recorder, length time.Duration, shown meter.Series) (o *observation) {
	states := rec.Inspect(ctx)
	if h, ok := rec.Source().(energy.HistorySource); ok {
		o = observePast(ctx, rec, h, length, shown)
	} else {
		o = observeLive(ctx, rec, length)
	}
	for i, s := range states {
		o.devices[i].state = s
	}
	return o
}

// watching is what the observation of a live source is called.
const watching = "watching the counters"

// observeLive watches a source that is read now.
func observeLive(ctx context.Context, rec *energy.Recorder, length time.Duration) *observation {
	w := rec.Open()
	w.EveryTick()
	began := time.Now()
	if length > 0 {
		progress.Of(ctx).Step(watching, length)
		pass(ctx, w, rec, length)
	} else {
		watchUntilEnough(ctx, rec, w)
	}
	// Before the first reading has come back, or is given up, there is nothing to report.
	for slices.ContainsFunc(rec.CallStats(), func(c energy.CallStats) bool { return c.Reads == 0 }) && pass(ctx, w, rec, stallTime) {
	}
	took := time.Since(began)
	o := observed(ctx, rec, w)
	o.watch = Watch{Start: began.UTC(), For: took, Reads: int(rec.Calls()), Ended: ctx.Err() != nil}
	if o.watch.Reads > 0 {
		o.watch.Every = took / time.Duration(o.watch.Reads)
	}
	o.stalled = stalled(rec)
	return o
}

func watchUntilEnough(ctx context.Context, rec *energy.Recorder, w *energy.Window) {
	began, longest := time.Now(), shortWatch
	for _, d := range rec.Devices() {
		longest = max(longest, min(30*rec.Source().Info().PeriodOf(d), longWatch))
	}
	short := func(d *device) bool { return len(d.ticks) < enoughTicks }
	progress.Of(ctx).Step(watching, longest)
	goes := pass(ctx, w, rec, shortWatch)
	for goes && time.Since(began) < longest && slices.ContainsFunc(observed(ctx, rec, w.Sub()).devices, short) {
		goes = pass(ctx, w, rec, min(shortWatch, longest-time.Since(began)))
	}
}

// pass lets a time pass while the recorder watches the ticks closely for a window. It
// reports false if it ended before, because ctx did or because the source does not
// answer.
func pass(ctx context.Context, w *energy.Window, rec *energy.Recorder, d time.Duration) bool {
	const all = 1 << 20 // more ticks than there will be
	end := time.Now().Add(d)
	limited, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	// Its error is that there were not so many, or that the source hangs; of gauges
	// there is nothing to wait for.
	_ = w.WaitTicks(limited, all)
	for {
		rest := time.Until(end)
		if rest <= 0 {
			return ctx.Err() == nil
		}
		if allStalled(rec) || !wait.Sleep(ctx, min(rest, stallTime)) {
			return false
		}
	}
}

// stalled reports of which of the sources that are joined, by [energy.Device.Source], the
// recorder has given up a call that has not come back since.
func stalled(rec *energy.Recorder) map[string]bool {
	list := map[string]bool{}
	for i, c := range rec.CallStats() {
		if errors.Is(c.LastError, energy.ErrStalled) && c.At.After(c.LastGood) && time.Since(c.At) >= stallTime {
			list[rec.Devices()[i].Source] = true
		}
	}
	return list
}

// allStalled reports whether all sources of the recorder are.
func allStalled(rec *energy.Recorder) bool {
	list := stalled(rec)
	return !slices.ContainsFunc(rec.Devices(), func(d energy.Device) bool { return !list[d.Source] })
}

// observed ends a window and returns what was recorded in it.
func observed(ctx context.Context, rec *energy.Recorder, w *energy.Window) *observation {
	_, recording := record(ctx, w)
	return newObservation(recording, rec.CallStats(), false)
}

// record ends a window and returns what was recorded in it. It does not wait for
// further ticks, since the window has no spans.
func record(ctx context.Context, w *energy.Window) (energy.Measurement, energy.Recording) {
	w.Record()
	m := w.Measure(ctx)
	return m, w.Recording()
}

// observePast looks at what a source remembers. It ends a few periods before the
// newest sample, since what comes after a window is part of measuring it.
func observePast(ctx context.Context, rec *energy.Recorder, h energy.HistorySource, length time.Duration, shown meter.Series) *observation {
	period := time.Duration(0)
	for _, d := range rec.Devices() {
		period = max(period, h.Info().PeriodOf(d))
	}
	calls, ages, newest := newestSamples(h)
	switch {
	case length > 0:
	case len(shown) > 0:
		length = pastOf(shown, newest)
	default:
		length = min(max(pastPeriods*period, shortPast), longPast)
	}
	span := energy.Span{End: newest.Add(-3 * period)}
	span.Start = span.End.Add(-length)
	progress.Of(ctx).Step("reading what the source has recorded", 0)
	w := rec.Open()
	w.SetSpans(span)
	m, recording := record(ctx, w)
	o := newObservation(recording, calls, true)
	o.watch = Watch{Past: true, Start: span.Start.UTC(), For: length, Reads: 1, Ended: ctx.Err() != nil}
	for _, f := range m.Reasons {
		if f.Device == "" && f.Withholds() && f.Reason != energy.PartialCohort {
			o.trouble = append(o.trouble, f)
		}
	}
	for i, d := range o.devices {
		d.age = ages[i]
		d.calls.Reads += len(d.ticks)
	}
	return o
}

// newestSamples reads the newest samples of a source that knows the past, and returns
// how that went, how old they are, and when the oldest of them was made.
func newestSamples(h energy.HistorySource) (calls []energy.CallStats, ages []*time.Duration, newest time.Time) {
	batch := make([]energy.Reading, len(h.Devices()))
	for i := range batch {
		batch[i].Device = i
	}
	h.Read(batch)
	now := time.Now()
	newest = now
	calls, ages = make([]energy.CallStats, len(batch)), make([]*time.Duration, len(batch))
	for i, r := range batch {
		if r.Err == nil && !r.HasJoules && !r.HasWatts {
			r.Err = errNoValue
		}
		if r.Err != nil {
			calls[i] = energy.CallStats{Reads: 1, Failures: 1, LastError: r.Err, At: now}
			continue
		}
		ages[i], calls[i].LastGood = new(now.Sub(r.After)), r.After
		if r.After.Before(newest) {
			newest = r.After
		}
	}
	return calls, ages, newest
}

var errNoValue = errors.New("the reading has no value")

// newObservation takes in a recording, and how its devices were read.
func newObservation(r energy.Recording, calls []energy.CallStats, past bool) *observation {
	o := &observation{recording: r, info: r.Source, base: r.Base}
	var err error
	if o.replay, err = energy.NewReplay(r); err != nil {
		o.trouble = append(o.trouble, energy.Finding{Reason: energy.InvalidPowerSample, Detail: err.Error()})
		for i, d := range r.Devices {
			r.Devices[i] = energy.DeviceRecording{Device: d.Device}
		}
	}
	for i, d := range r.Devices {
		dev := newDevice(d, calls[i], past)
		if o.info.Continuous(d.Device) && !past {
			dev.untold(o.info.PeriodOf(d.Device))
		}
		o.devices = append(o.devices, dev)
	}
	return o
}

// leading returns the observation of those devices that the metrics of a benchmark are of,
// such as J/op, and the power of each under load.
func (o *observation) leading(peak []float64) (*observation, []float64) {
	lead := *o
	lead.devices = nil
	var peaks []float64
	all := make([]energy.Device, len(o.devices))
	for i, d := range o.devices {
		all[i] = d.Device
	}
	kinds := energy.Leading(energy.KindsOf(all))
	for i, d := range o.devices {
		if !slices.Contains(kinds, d.Kind.OrGPU()) {
			continue
		}
		lead.devices = append(lead.devices, d)
		if i < len(peak) {
			peaks = append(peaks, peak[i])
		}
	}
	return &lead, peaks
}

// at is a time in ns since the base.
func (o *observation) at(ns float64) time.Time { return o.base.Add(time.Duration(ns)) }

// Windows are measured with so many ticks before and after them, as they are while
// a benchmark runs.
const (
	ticksBefore = 4
	ticksAfter  = 3
)

// reach returns between which times windows of all devices can be measured, in ns since
// the base; to is before from if there are none.
func (o *observation) reach() (from, to float64) {
	from, to = math.Inf(-1), math.Inf(1)
	for _, d := range o.devices {
		a, b := d.windows()
		from, to = max(from, a), min(to, b)
	}
	return from, to
}
