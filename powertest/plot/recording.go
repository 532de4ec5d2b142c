package plot

import (
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// powerOf is the power that was recorded, as times from start.
func powerOf(name string, r energy.Recording, start time.Time) *Power {
	p := &Power{Name: name, Start: start}
	shift := r.Base.Sub(start)
	for _, d := range r.Devices {
		s := Series{Name: deviceName(d.Device), Device: d.Device.UUID}
		if d.Device.Method == energy.Counter {
			s.counter(d, shift)
		} else {
			s.gauge(d, shift)
		}
		p.Series = append(p.Series, s)
	}
	p.Sum = sum(p.Series)
	p.troubles(r, shift)
	return p
}

// deviceName is what people call a device: "node-1 GPU 0 (NVIDIA H200), decode".
func deviceName(d energy.Device) string {
	name := d.Title()
	if d.Name != "" {
		name += " (" + d.Name + ")"
	}
	if d.Role != "" {
		name += ", " + d.Role
	}
	return name
}

// counter makes steps of ticks: the mean power between two of them. Nothing is known of the
// power before the first, which was not seen to tick, nor over a reset.
func (s *Series) counter(d energy.DeviceRecording, shift time.Duration) {
	s.Step = true
	mid := func(t [3]float64) time.Duration { return shift + time.Duration(t[0]/2+t[1]/2) }
	for i, t := range d.Ticks {
		if i == 0 {
			continue
		}
		s.Ticks = append(s.Ticks, Tick{shift + time.Duration(t[0]), shift + time.Duration(t[1])})
		before := d.Ticks[i-1]
		joules, from, to := t[2]-before[2], mid(before), mid(t)
		if i == 1 || to <= from {
			continue // when the first value became visible is not known
		}
		if n := len(s.Points); n > 0 && s.Points[n-1].At == from {
			s.Points = s.Points[:n-1] // the end of the step before
		}
		watts := joules / (to - from).Seconds()
		if joules < 0 {
			watts = math.NaN()
		}
		s.Points = append(s.Points, Point{from, watts}, Point{to, math.NaN()})
	}
}

// gauge makes a line of samples, with gaps where they are too far apart.
func (s *Series) gauge(d energy.DeviceRecording, shift time.Duration) {
	longest := d.Device.MaxGap
	if longest == 0 {
		longest = max(5*time.Duration(d.PowerPeriod), 500*time.Millisecond)
	}
	for i, p := range d.Power {
		at := shift + time.Duration(p[0])
		if n := len(s.Points); n > 0 {
			since := at - s.Points[n-1].At
			if held := time.Duration(p[2]); p[1] == d.Power[i-1][1] && held > 0 {
				since = held
			}
			if since > longest {
				s.Points = append(s.Points, Point{s.Points[n-1].At, math.NaN()})
			}
		}
		s.Points = append(s.Points, Point{at, p[1]})
	}
}

// troubles are the times that cannot be measured.
func (p *Power) troubles(r energy.Recording, shift time.Duration) {
	from, to := p.extent()
	for _, d := range r.Devices {
		for _, t := range d.Trouble {
			b := Band{Kind: Trouble, Name: string(t.Reason), Device: d.Device.UUID, Label: t.Detail, Withheld: t.Reason.Withholds()}
			b.From.set(within(shift, t.From, from, to))
			b.To.set(within(shift, t.To, from, to))
			p.Bands = append(p.Bands, b)
		}
	}
}

// within is a time of a recording that may lie at the end of all times.
func within(shift time.Duration, ns int64, from, to time.Duration) time.Duration {
	if ns > int64(to-shift) {
		return to
	}
	return max(shift+time.Duration(ns), from)
}

// set sets an edge of which no more is known.
func (e *Edge) set(at time.Duration) { *e = Edge{at, at, at} }

// edge is the edge at a time, between the ticks or samples of all devices on either side.
func (p *Power) edge(at time.Duration) Edge {
	e := Edge{at, at, at}
	for _, s := range p.Series {
		i := s.after(at)
		if i > 0 && i < len(s.Points) {
			e.Low, e.High = min(e.Low, s.Points[i-1].At), max(e.High, s.Points[i].At)
		}
	}
	return e
}

// fromZero makes the first reading the time that all others count from.
func (p *Power) fromZero() {
	zero, _ := p.extent()
	p.Start = p.Start.Add(zero)
	for _, s := range append(p.Series, p.sums()...) {
		for i := range s.Points {
			s.Points[i].At -= zero
		}
		for i := range s.Ticks {
			s.Ticks[i].From -= zero
			s.Ticks[i].To -= zero
		}
	}
	for i := range p.Bands {
		b := &p.Bands[i]
		for _, e := range []*Edge{&b.From, &b.To} {
			*e = Edge{e.At - zero, e.Low - zero, e.High - zero}
		}
	}
}

// sums is the sum, if there is one.
func (p *Power) sums() []Series {
	if p.Sum == nil {
		return nil
	}
	return []Series{*p.Sum}
}
