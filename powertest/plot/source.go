package plot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// source draws what a source knows of the past.
func (in *input) source(ctx context.Context, value string) {
	name, arg, _ := strings.Cut(value, "=")
	src, err := energy.OpenContext(ctx, name, arg, nil)
	if err != nil {
		in.err = err
		return
	}
	defer src.Close()
	history, ok := src.(energy.HistorySource)
	if !ok {
		in.err = fmt.Errorf("%w: the source %s does not know the past", ErrNotDrawn, name)
		return
	}
	span := in.Span
	if whole, ok := src.(interface{ Extent() energy.Span }); ok && span == (energy.Span{}) {
		span = whole.Extent()
	}
	if !span.End.After(span.Start) {
		in.err = errors.New("it is not known which time to draw\n-start and -end say it")
		return
	}
	s, err := OfSource(ctx, in.label, history, span)
	if in.err = err; err == nil {
		in.sections = []Section{s}
	}
}

// OfSource draws what a source knows of a span, and measures it. The error is that of ctx, or
// says that the source cannot be measured.
func OfSource(ctx context.Context, name string, src energy.HistorySource, span energy.Span) (Section, error) {
	defer progress.Of(ctx).Rest()
	progress.Of(ctx).Step("asking for the past of "+name, 0)
	rec := energy.NewRecorder(src)
	m, err := rec.MeasurePast(ctx, span)
	if err != nil {
		return Section{}, err
	}
	recording := Record(ctx, rec, span)
	if err := ctx.Err(); err != nil {
		return Section{}, err
	}
	r := powertest.NewReport(name, powertest.Work{}, m)
	r.Recording = &recording
	return OfReport(r), nil
}

// pieceSamples is how many readings of a device are asked for at once: a recorder that gets
// many more joins some of them, and a spike would be lost.
const pieceSamples = 30_000

// Record asks a source that knows the past for all its readings of a span. A server is asked for those near the edges only,
// unless a window has a pause: that is why each piece is two spans.
func Record(ctx context.Context, rec *energy.Recorder, span energy.Span) (all energy.Recording) {
	pieces := 1
	if period := rec.Source().Info().Period; period > 0 {
		pieces += int(span.End.Sub(span.Start) / period / pieceSamples)
	}
	length := span.End.Sub(span.Start) / time.Duration(pieces)
	for i := range pieces {
		progress.Of(ctx).Part("reading the past", float64(i)/float64(pieces))
		from := span.Start.Add(time.Duration(i) * length)
		w := rec.Open()
		w.Record()
		w.SetSpans(energy.Span{Start: from, End: from.Add(length / 2)}, energy.Span{Start: from.Add(length / 2), End: from.Add(length)})
		w.Measure(ctx)
		if r := w.Recording(); i == 0 {
			all = r
		} else {
			join(&all, r)
		}
	}
	return all
}

// join adds what a later recording of the same devices has beyond an earlier one.
func join(all *energy.Recording, r energy.Recording) {
	shift := float64(r.Base.Sub(all.Base))
	later := func(to [][3]float64, list [][3]float64, moves int) [][3]float64 {
		last := -1.0e300
		if n := len(to); n > 0 {
			last = to[n-1][moves-1]
		}
		for _, x := range list {
			for k := range moves {
				x[k] += shift
			}
			if x[0] > last {
				to = append(to, x)
			}
		}
		return to
	}
	for i := range all.Devices {
		if i >= len(r.Devices) {
			return
		}
		d, more := &all.Devices[i], r.Devices[i]
		d.Ticks, d.Power = later(d.Ticks, more.Ticks, 2), later(d.Power, more.Power, 1)
		for _, t := range more.Trouble {
			t.From, t.To = t.From+int64(shift), t.To+int64(shift)
			d.Trouble = append(d.Trouble, t)
		}
	}
	all.Findings = append(all.Findings, r.Findings...)
}
