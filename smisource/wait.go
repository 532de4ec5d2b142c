package smisource

import (
	"context"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// How often a log that is written is looked at: four times per reading, within
// these bounds.
const (
	shortPause = 10 * time.Millisecond
	longPause  = 250 * time.Millisecond
)

// ticksAfter is how many readings of a counter are waited for.
const ticksAfter = 3

// wait reads the log until every GPU has what is needed from after the window.
// The lock is released meanwhile.
func (s *Source) wait(ctx context.Context, end int64) error {
	every := s.log.interval(s.gpus)
	patience := 3*min(every, s.cfg.MaxGap) + s.cfg.MaxGap
	now := time.Now()
	deadline := time.Unix(0, end).Add(patience)
	if latest := now.Add(patience); deadline.After(latest) {
		deadline = latest // the window is still to come: it will not be waited for
	}
	// How long is left is told by the monotonic clock.
	deadline = now.Add(deadline.Sub(now))
	pause := min(max(every/4, shortPause), longPause)
	for {
		// A file may be away for a moment, as another takes its place.
		lost := s.readOn()
		if s.reaches(end) {
			return nil // that it is gone does not matter
		}
		if !time.Now().Before(deadline) {
			return lost
		}
		s.mu.Unlock()
		slept := sleep(ctx, pause)
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
func (s *Source) readOn() error {
	if err := s.read(); err != nil {
		return err
	}
	if h := s.log.head; h != nil && !h.usable {
		return s.fail(TelemetryFileReplaced, ErrNotALog, "the file was replaced by one with the header %q", h.line)
	}
	return nil
}

// reaches reports whether every GPU has a reading at the end or after it.
func (s *Source) reaches(end int64) bool {
	for i, d := range s.devices {
		until := end + int64(d.Lag)
		if d.Method == energy.Counter {
			until += ticksAfter * int64(d.Period)
		}
		if x, ok := s.log.gpus[s.gpus[i]].newest(); !ok || x.at < until {
			return false
		}
	}
	return true
}

// sleep reports whether it slept for d, rather than that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// smallStep is by how much the wall clock and the monotonic one may differ.
const smallStep = 100 * time.Millisecond

// clockStep returns by how much the wall clock was set between two times, if
// both have a monotonic clock reading.
func clockStep(from, to time.Time) (time.Duration, bool) {
	if from == from.Round(0) || to == to.Round(0) { // which strips it
		return 0, false
	}
	step := to.Round(0).Sub(from.Round(0)) - to.Sub(from)
	return step, step.Abs() > smallStep
}
