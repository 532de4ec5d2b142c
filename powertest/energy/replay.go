package energy

import (
	"context"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/pace"
)

// Replay is a source that remembers a recording, and tells nothing new.
type Replay struct {
	recording Recording
	devices   []Device
}

var _ HistorySource = (*Replay)(nil)

// NewReplay returns a source that remembers the recording, for [MeasurePast]. The
// error is that of [Recording.Check].
func NewReplay(r Recording) (*Replay, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	p := &Replay{recording: r}
	for _, d := range r.Devices {
		p.devices = append(p.devices, d.Device)
	}
	return p, nil
}

// Info describes the source that was recorded.
func (p *Replay) Info() Info { return p.recording.Source }

// Devices lists the devices that were recorded.
func (p *Replay) Devices() []Device { return p.devices }

// Read says of each device that it does not answer any more.
func (p *Replay) Read(dst []Reading) {
	for i := range dst {
		now := time.Now()
		dst[i] = Reading{Device: dst[i].Device, Before: now, After: now, Err: errReplay}
	}
}

var errReplay = fmt.Errorf("a recording tells of the past only: %w", ErrNoAnswer)

// Close does nothing.
func (p *Replay) Close() error { return nil }

// ReadRange is [HistorySource.ReadRange]. It does not wait: nothing will be known later.
func (p *Replay) ReadRange(_ context.Context, _ []Span, to []*History) ([]Finding, error) {
	for i, d := range p.recording.Devices {
		if to[i] != nil {
			p.fill(to[i].curve, d)
		}
	}
	if step := p.recording.Step; step != 0 {
		return []Finding{{Reason: ClockStep, Detail: fmt.Sprintf("the clock was set by %v while this was recorded: times from elsewhere can't be joined to it", step.Round(time.Millisecond))}}, nil
	}
	return nil, nil
}

// fill makes the curve what it was when it was recorded.
func (p *Replay) fill(c *Curve, d DeviceRecording) {
	at := func(ns float64) int64 { return c.at(p.recording.Base.Add(time.Duration(ns))) }
	for i, t := range d.Ticks {
		if i > 0 && t[2] < d.Ticks[i-1][2] {
			c.epoch++
			c.note(at(d.Ticks[i-1][1]), at(t[1]), CounterReset, fmt.Sprintf("the counter went down from %.3f J to %.3f J", d.Ticks[i-1][2], t[2]))
		}
		c.push(tick{lo: at(t[0]), hi: at(t[1]), joules: t[2], epoch: c.epoch, inferred: i == 0 || c.epoch != c.ticks[len(c.ticks)-1].epoch})
	}
	if n := len(c.ticks); n > 0 {
		c.last = point{lo: c.ticks[n-1].hi, hi: c.ticks[n-1].hi, value: c.ticks[n-1].joules, ok: true}
	}
	if d.TickPeriod > 0 {
		c.recorded = false
		c.pace = pace.New(pace.Config{Nominal: time.Duration(c.pace.Nominal()), Poll: p.recording.Source.Poll})
		c.pace.Know(d.TickPeriod, sq(d.TickJitter))
	}
	for i, s := range d.Power {
		if i == 0 {
			c.power.points = append(c.power.points[:0], sample{at: at(s[0]), watts: s[1]})
		} else {
			c.power.push(at(s[0]), s[1], int64(s[2]))
		}
	}
	c.power.seen, c.power.period, c.power.late = at(float64(d.PowerUntil)), d.PowerPeriod, d.PowerLate
	base := p.recording.Base
	for _, e := range d.Trouble {
		if e.Reason != CounterReset { // the ticks show it
			c.note(c.at(base.Add(time.Duration(e.From))), c.at(base.Add(time.Duration(e.To))), e.Reason, e.Detail)
		}
	}
}
