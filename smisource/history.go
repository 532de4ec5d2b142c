package smisource

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/internal/wait"
	"github.com/joulebench/joulebench/powertest/energy"
)

// How often a log that is written is read: four times per reading, within these
// bounds.
const (
	shortPause = 10 * time.Millisecond
	longPause  = 250 * time.Millisecond
)

// ticksAfter is how many readings of a counter are waited for.
const ticksAfter = 3

// await reads the log until every GPU has what is needed from after the window.
// The lock is released meanwhile.
func (s *Source) await(ctx context.Context, end int64) error {
	every := s.log.interval(s.gpus)
	limit := 3*min(every, s.cfg.MaxGap) + s.cfg.MaxGap
	now := time.Now()
	// A window that is still to come is not waited for. From here on the monotonic
	// clock counts.
	deadline := now.Add(min(time.Unix(0, end).Add(limit).Sub(now), limit))
	pause := min(max(every/4, shortPause), longPause)
	for {
		// A file may be away for a moment, as another takes its place.
		lost := s.readOn(ctx)
		if ended := ctx.Err(); ended != nil && errors.Is(lost, ended) {
			lost = nil // what was read by then counts
		}
		if s.reaches(end) {
			return nil // that it is gone does not matter
		}
		if !time.Now().Before(deadline) {
			return lost
		}
		s.mu.Unlock()
		slept := wait.Sleep(ctx, pause)
		s.mu.Lock()
		if s.closed.Load() {
			return errClosed
		}
		if !slept {
			deadline = time.Now()
		}
	}
}

// readOn reads what the file has got since, and says if there cannot come more.
func (s *Source) readOn(ctx context.Context) error {
	if err := s.read(ctx); err != nil {
		return err
	}
	if h := s.log.head; h != nil && !h.usable {
		return s.fail(TelemetryFileReplaced, ErrNotALog, "", "the file was replaced by one with the header %q", h.line)
	}
	return nil
}

// reaches reports whether every GPU has a reading at the end or after it.
func (s *Source) reaches(end int64) bool {
	for i, d := range s.devices {
		until := end
		if d.Method == energy.Counter {
			until += ticksAfter * int64(s.info.PeriodOf(d))
		}
		if x, ok := s.log.gpus[s.gpus[i]].newest(); !ok || x.at < until {
			return false
		}
	}
	return true
}

// ReadRange implements [energy.HistorySource]. It waits until the log has a reading of
// every GPU from after the end of the last span, but not longer than three of
// the log's intervals and the longest gap.
//
// The error says that the log cannot be read any more.
func (s *Source) ReadRange(ctx context.Context, spans []energy.Span, histories []*energy.History) ([]energy.Finding, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	if len(spans) == 0 {
		return nil, nil
	}
	if len(histories) != len(s.devices) {
		return nil, errors.New("smi: there must be one history for each device")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !spans[0].Start.Before(spans[len(spans)-1].End) {
		return nil, nil // the measurement reports it
	}
	w := window{spans[0].Start.UnixNano(), spans[len(spans)-1].End.UnixNano()}
	if err := s.await(ctx, w.end); err != nil {
		return nil, err
	}
	found := s.findings(w)
	if step, set := energy.ClockSetBetween(spans[0].Start, time.Now()); set {
		found = append(found, energy.Finding{Reason: energy.ClockStep, Detail: fmt.Sprintf(
			"this machine's clock was set by %v since the window began, and its times join the log to the window", step.Round(time.Millisecond))})
	}
	tallies := s.tallies(w)
	for i := range s.devices {
		if histories[i] != nil {
			s.fill(i, w, tallies, histories[i])
		}
	}
	return found, nil
}

// window is from the start of the first span to the end of the last, in ns since
// 1970.
type window struct{ start, end int64 }

// wide returns the window with the time around it in which rows matter.
func (w window) wide(by time.Duration) window { return window{w.start - int64(by), w.end + int64(by)} }

func (w window) touches(from, to int64) bool { return to >= w.start && from <= w.end }

// ticksAround is how many readings of a counter are needed on each side.
const ticksAround = 12

// sensorsShow is how much time around a window shows what kind of sensor it is that a log
// is of.
const sensorsShow = 15 * time.Second

// around returns how far from the window a device's readings matter.
func (s *Source) around(d energy.Device) time.Duration {
	if d.Method == energy.Counter {
		return max(s.cfg.MaxGap, ticksAround*s.info.PeriodOf(d))
	}
	return s.cfg.MaxGap + sensorsShow
}

// fill adds a GPU's readings, and what is wrong with its rows, to its history.
func (s *Source) fill(device int, w window, tallies map[int]*tally, h *energy.History) {
	d, g := s.devices[device], s.log.gpus[s.gpus[device]]
	wide := w.wide(s.around(d))
	list, _ := g.raw(wide.start, wide.end)
	for _, c := range contradictions(list) {
		h.Doubt(time.Unix(0, c.from), time.Unix(0, c.to), c.half)
	}
	for _, x := range merged(list) {
		h.Add(s.reading(device, x))
	}
	for _, f := range s.faults(s.gpus[device], tallies) {
		h.Note(time.Unix(0, w.start), time.Unix(0, w.end), f.Reason, f.Detail)
	}
}

// reading returns a sample as a reading. Where a log has whole seconds, a value
// was taken in the second that begins with its stamp. For a power, the stamp
// stays the estimate of its time.
func (s *Source) reading(device int, x sample) energy.Reading {
	at := time.Unix(0, x.at)
	r := energy.Reading{Device: device, Before: at, After: at}
	counter := s.devices[device].Method == energy.Counter
	if !s.log.finer {
		r.After = at.Add(time.Second)
		if !counter {
			r.Before = at.Add(-time.Second)
		}
	}
	if counter {
		r.Joules, r.HasJoules = x.value, true
	} else {
		r.Watts, r.HasWatts = x.value, true
	}
	return r
}
