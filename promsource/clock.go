package promsource

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/promapi"
	"github.com/joulebench/joulebench/powertest/energy"
)

// setSince reports by how much the server's clock was set between two samples of it.
func setSince(c, past promapi.Clock) (time.Duration, bool) {
	moved := time.Duration(c.Server-past.Server) * time.Millisecond
	return energy.ClockSet(moved, c.Local.Sub(past.Local), 2*(c.Err+past.Err))
}

// maxClockSamples bounds how many samples of the server's clock are kept. The older
// half is thinned out, so that a window that began long ago has still some of
// before a step.
const maxClockSamples = 256

// clockLog is the samples of the server's clock. They are kept, since several
// windows may enclose the same step.
type clockLog struct {
	mu      sync.Mutex
	samples []promapi.Clock
}

// add adds a sample, and reports by how much the clock was set since start.
func (l *clockLog) add(now promapi.Clock, start time.Time) (by time.Duration, set bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := 0
	for i, c := range l.samples {
		if !c.Local.After(start) {
			first = i
		}
	}
	for _, c := range l.samples[first:] {
		if by, set = setSince(now, c); set {
			break
		}
	}
	if l.samples = append(l.samples, now); len(l.samples) > maxClockSamples {
		kept, older := l.samples[:0], len(l.samples)/2
		for i, c := range l.samples {
			if i >= older || i%2 == 0 {
				kept = append(kept, c)
			}
		}
		l.samples = kept
	}
	return by, set
}

// last returns the newest sample.
func (l *clockLog) last() promapi.Clock {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.samples[len(l.samples)-1]
}

// checkClock samples the server's clock, and compares it with what it showed since
// start.
func (s *Source) checkClock(ctx context.Context, start time.Time) (promapi.Clock, []energy.Finding, error) {
	now, err := s.client.SampleClock(ctx)
	if err != nil {
		return now, nil, err
	}
	by, set := s.clock.add(now, start)
	if !set {
		return now, nil, nil
	}
	return now, []energy.Finding{{Reason: energy.ClockStep, Detail: fmt.Sprintf(
		"the clock of %s was set by %v, so that the times of its samples are unknown; run NTP there, and measure again",
		s.client.Host, by.Round(time.Millisecond))}}, nil
}
