package main

import (
	"context"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// Of the past are looked at so many refresh periods, within these bounds. It is
// what a source fetches whole of a window.
const (
	pastPeriods = 19
	shortPast   = 15 * time.Second
	longPast    = 10 * time.Minute
)

// lookBack looks at what a source remembers: of the last length, or of as many
// refresh periods as tell the period if that is 0. It ends a few periods before
// the newest sample, since what comes after a window is part of measuring it.
func lookBack(ctx context.Context, h energy.HistorySource, length time.Duration) *watch {
	w := &watch{src: h, info: h.Info(), base: time.Now(), began: time.Now()}
	period := time.Duration(0)
	for i, d := range h.Devices() {
		period = max(period, nominal(w.info, d))
		w.sights = append(w.sights, &sight{device: d})
		w.batch = append(w.batch, energy.Reading{Device: i})
	}
	newest := w.newest()
	if length == 0 {
		length = min(max(pastPeriods*period, shortPast), longPast)
	}
	end := newest.Add(-3 * period)
	w.began, w.took = end.Add(-length), length
	window := energy.NewRecorder(h).Open()
	window.Record()
	window.SetSpans(energy.Span{Start: w.began, End: end})
	m := window.Measure(ctx)
	for _, f := range m.Reasons {
		if f.Device == "" && f.Reason.Withholds() && f.Reason != energy.PartialCohort {
			w.trouble = append(w.trouble, f)
		}
	}
	w.recall(window.Recording())
	w.ended = ctx.Err() != nil
	return w
}

// newest reads the newest samples, and returns when the oldest of them was made.
func (w *watch) newest() time.Time {
	if !w.read() {
		return time.Now()
	}
	now := time.Now()
	newest := now
	for i, s := range w.sights {
		if r := w.batch[i]; r.Err == nil {
			age := now.Sub(r.After)
			s.age = &age
			if r.After.Before(newest) {
				newest = r.After
			}
		}
		s.calls = nil // how long it took is not in the samples' times
	}
	return newest
}

// recall takes in what the source remembers.
func (w *watch) recall(r energy.Recording) {
	past, err := energy.NewReplay(r)
	if err != nil {
		w.trouble = append(w.trouble, energy.Finding{Reason: energy.InvalidPowerSample, Detail: err.Error()})
		return
	}
	w.past, w.base = past, r.Base
	for i, d := range r.Devices {
		s := w.sights[i]
		s.ticks = nil
		for k, t := range d.Ticks {
			fell := k > 0 && t[2] < d.Ticks[k-1][2]
			if fell {
				s.resets++
			}
			if k > 0 {
				s.ticks = append(s.ticks, sighted{lo: t[0], hi: t[1], value: t[2], broken: fell})
			}
		}
		if s.device.Method == energy.Gauge {
			for _, p := range d.Power {
				s.ticks = append(s.ticks, sighted{lo: p[0], hi: p[0], value: p[1]})
			}
		}
		s.read = len(s.ticks)
	}
}
