package smisource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// errClosed is the error of what is asked of a closed source.
var errClosed = fmt.Errorf("smi: %w: the source is closed", fs.ErrClosed)

// ReadRange implements [energy.HistorySource]. It waits until the log has a reading of
// every GPU from after the end of the last span, but not longer than three of
// the log's intervals and the longest gap.
//
// The error says that the log cannot be read any more.
func (s *Source) ReadRange(ctx context.Context, spans []energy.Span, curves []*energy.History) ([]energy.Finding, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	if len(spans) == 0 {
		return nil, nil
	}
	if len(curves) != len(s.devices) {
		return nil, errors.New("smi: there must be one curve for each device")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !spans[0].Start.Before(spans[len(spans)-1].End) {
		return nil, nil // which the measurement says
	}
	w := window{spans[0].Start.UnixNano(), spans[len(spans)-1].End.UnixNano()}
	if err := s.wait(ctx, w.end); err != nil {
		return nil, err
	}
	found := s.findings(w)
	if step, stepped := clockStep(spans[0].Start, time.Now()); stepped {
		found = append(found, energy.Finding{Reason: energy.ClockStep, Detail: fmt.Sprintf(
			"this machine's clock was set by %v since the window began, and its times join the log to the window", step.Round(time.Millisecond))})
	}
	for i := range s.devices {
		if curves[i] != nil {
			s.fill(i, w, curves[i])
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

// around returns how far from the window a device's readings matter.
func (s *Source) around(d energy.Device) time.Duration {
	if d.Method == energy.Counter {
		return max(s.cfg.MaxGap, ticksAround*d.Period)
	}
	return s.cfg.MaxGap + d.Lag
}

// fill adds a GPU's readings, and what is wrong with its rows, to its curve.
func (s *Source) fill(device int, w window, c *energy.History) {
	d, g := s.devices[device], s.log.gpus[s.gpus[device]]
	wide := w.wide(s.around(d))
	list, _ := g.between(wide.start, wide.end)
	for _, x := range list {
		c.Add(s.reading(device, x))
	}
	for _, f := range s.faults(s.gpus[device], w) {
		c.Note(time.Unix(0, w.start), time.Unix(0, w.end), f.Reason, f.Detail)
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

// Read fills in the newest reading of each GPU, with the time that the log gives
// it. It reads what the log has got, which allocates. A GPU without readings
// carries an error that wraps [energy.ErrNoDevice].
func (s *Source) Read(dst []energy.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.closed.Load() {
		err = errClosed
	} else if len(dst) > 0 {
		err = s.read()
	}
	now := time.Now()
	for k := range dst {
		i := dst[k].Device
		r := energy.Reading{Device: i, Before: now, After: now, Err: err}
		if err == nil && uint(i) >= uint(len(s.devices)) {
			r.Err = fmt.Errorf("smi: %w: the reading's index is out of range", energy.ErrNoDevice)
		} else if err == nil {
			if x, ok := s.log.gpus[s.gpus[i]].newest(); ok {
				r = s.reading(i, x)
				if r.After.After(now) {
					r.After = now
				}
				if r.Before.After(r.After) {
					r.Before = r.After
				}
			} else {
				r.Err = fmt.Errorf("smi: %w: the log has no reading of %s", energy.ErrNoDevice, s.devices[i].UUID)
			}
		}
		dst[k] = r
	}
}
