package energy

import (
	"context"
	"fmt"
	"time"
)

// Replay is a source that remembers a recording, and tells nothing new.
type Replay struct {
	recording Recording
	devices   []Device
}

var _ Historian = (*Replay)(nil)

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

// Past is [Historian.Past]. It does not wait: nothing will be known later.
func (p *Replay) Past(_ context.Context, _ []Span, curves []*Curve) ([]Finding, error) {
	for i, d := range p.recording.Devices {
		p.fill(curves[i], d)
	}
	if step := p.recording.Step; step != 0 {
		return []Finding{{Reason: ClockStep, Detail: fmt.Sprintf("the clock was set by %v while this was recorded: times from elsewhere can't be joined to it", step.Round(time.Millisecond))}}, nil
	}
	return nil, nil
}

// fill adds what was recorded. Before each tick the counter still showed what it
// had shown before.
func (p *Replay) fill(c *Curve, d DeviceRecording) {
	base := p.recording.Base
	at := func(ns float64) time.Time { return base.Add(time.Duration(ns)) }
	for i, t := range d.Ticks {
		if i > 0 && t[0] > d.Ticks[i-1][1] {
			c.Add(Reading{Before: at(t[0]), After: at(t[0]), Joules: d.Ticks[i-1][2], HasJoules: true})
		}
		c.Add(Reading{Before: at(t[1]), After: at(t[1]), Joules: t[2], HasJoules: true})
	}
	for i, s := range d.Power {
		if t := c.at(at(s[0])); i == 0 {
			c.power.points = append(c.power.points[:0], sample{at: t, watts: s[1]})
		} else {
			c.power.push(t, s[1], int64(s[2]))
		}
	}
	c.power.seen, c.power.period = c.at(base.Add(time.Duration(d.PowerUntil))), d.PowerPeriod
	for _, e := range d.Trouble {
		if e.Reason != CounterReset { // the ticks show it
			c.Note(base.Add(time.Duration(e.From)), base.Add(time.Duration(e.To)), e.Reason, e.Detail)
		}
	}
}
