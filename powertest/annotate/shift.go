package annotate

import (
	"context"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// stretches is into how many stretches the time is divided that the origin of a window leaves
// open.
const stretches = 4

// windows are the window of a workload, and those whose energies bound that of each which it
// may have been instead. Energy only grows, so a window that begins anywhere in a stretch has
// no less than one that begins at the end of the stretch, and ends as if it had begun at the
// other end; and no more than one that has the whole stretch at either side. A burst between two
// places can't be missed. The windows at the ends of the stretches are there for their own errors.
func (w Workload) windows() []energy.Span {
	list := []energy.Span{w.Span()}
	open := w.Origin.Early + w.Origin.Late
	if open == 0 {
		return list
	}
	shifted := func(by time.Duration) {
		if by != 0 { // which is the first
			list = append(list, energy.Span{Start: w.Start.Add(by), End: w.End.Add(by)})
		}
	}
	for i := range stretches {
		from := open*time.Duration(i)/stretches - w.Origin.Early
		to := open*time.Duration(i+1)/stretches - w.Origin.Early
		least := energy.Span{Start: w.Start.Add(to), End: w.End.Add(from)}
		if !least.End.After(least.Start) {
			least.End = least.Start.Add(time.Nanosecond) // which is withheld, as the window must be
		}
		list = append(list, least, energy.Span{Start: w.Start.Add(from), End: w.End.Add(to)})
		shifted(from)
	}
	shifted(w.Origin.Late)
	return list
}

// A history is a recorder of a source that knows the past.
type history struct{ *energy.Recorder }

// spread measures the first of some windows, with intervals that contain those of the others.
func (h history) spread(ctx context.Context, windows []energy.Span) energy.Measurement {
	m, _ := h.MeasurePast(ctx, windows[0])
	for _, w := range windows[1:] {
		other, _ := h.MeasurePast(ctx, w)
		include(&m, other, w.Start.Sub(windows[0].Start))
	}
	return m
}

// include widens the intervals of a measurement to contain those of another, which is of a
// window that begins later by so much. What has no number there has none at all.
func include(m *energy.Measurement, other energy.Measurement, by time.Duration) {
	widen(&m.Energy, other.Energy, other.Valid)
	for i := range min(len(m.Devices), len(other.Devices)) {
		widen(&m.Devices[i].Energy, other.Devices[i].Energy, other.Devices[i].Valid)
	}
	for i := range min(len(m.Roles), len(other.Roles)) {
		widen(&m.Roles[i].Energy, other.Roles[i].Energy, other.Roles[i].Valid)
	}
	for i := range min(len(m.Kinds), len(other.Kinds)) {
		k, o := &m.Kinds[i], other.Kinds[i]
		widen(&k.Energy, o.Energy, o.Valid)
		for j := range min(len(k.Devices), len(o.Devices)) {
			widen(&k.Devices[j].Energy, o.Devices[j].Energy, o.Devices[j].Valid)
		}
	}
	for _, f := range other.Reasons {
		if f.Withholds() && !m.Has(f.Reason) {
			f.Detail = fmt.Sprintf("if the window was %s, as it may have been: %s", moved(by), f.Detail)
			m.Add(f)
		}
	}
}

// moved says by how much a window is another.
func moved(by time.Duration) string {
	if by < 0 {
		return fmt.Sprintf("%v earlier", -by)
	}
	return fmt.Sprintf("%v later", by)
}

func widen(e *energy.Estimate, other energy.Estimate, valid bool) {
	if valid {
		e.Low, e.High = min(e.Low, other.Low), max(e.High, other.High)
	}
}

// replay measures some windows that lie within a live one by what that has seen.
func (in *instrument) replay(ctx context.Context, windows []energy.Span) energy.Measurement {
	whole := windows[0]
	for _, w := range windows[1:] {
		if w.Start.Before(whole.Start) {
			whole.Start = w.Start
		}
		if w.End.After(whole.End) {
			whole.End = w.End
		}
	}
	in.window.Record()
	in.window.SetSpans(whole)
	m := in.window.Measure(ctx)
	src, err := energy.NewReplay(in.window.Recording())
	if err != nil {
		m.Add(energy.Finding{Reason: energy.SourceUnavailable, Detail: fmt.Sprintf("what was recorded cannot be measured again: %v", err)})
		return m
	}
	return history{energy.NewRecorder(src)}.spread(ctx, windows)
}
