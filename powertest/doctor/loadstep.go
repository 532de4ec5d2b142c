package doctor

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A loadStep works out what error a load has that begins and ends with the window: it
// makes recordings of such loads, with ticks as they were seen, and measures them.
type loadStep struct {
	o     *observation
	loads []powers
	done  map[time.Duration]float64
}

// powers are what a device draws, idle and under load, in watts.
type powers struct{ idle, peak float64 }

// A load is taken to draw unknownPeak times the idle power where nothing is known of
// it: then hardly anything but the load counts, which is the worst that can be. But
// no GPU draws more than mostWatts.
const (
	unknownPeak = 10
	mostWatts   = 2000
)

// leastPeak is by how much a load adds to the idle power at the least.
const leastPeak = 1.2

// newLoadStep returns one that is not usable if the period or the power of a device
// is not known.
func newLoadStep(o *observation, peak []float64) *loadStep {
	l := &loadStep{o: o, done: map[time.Duration]float64{}}
	for i, d := range o.devices {
		idle, ok := d.meanPower()
		if !ok || d.period() == 0 {
			return &loadStep{o: o}
		}
		x := powers{idle, d.PowerLimit}
		if i < len(peak) && peak[i] > 0 {
			x.peak = peak[i]
		}
		if x.peak < leastPeak*idle {
			x.peak = max(leastPeak*idle, min(unknownPeak*idle, mostWatts))
		}
		l.loads = append(l.loads, x)
	}
	return l
}

func (l *loadStep) usable() bool { return len(l.loads) > 0 }

// errAt returns the largest error, in per cent, over a few phases of the ticks; ok
// is false if most are withheld.
func (l *loadStep) errAt(length time.Duration) (percent float64, ok bool) {
	if !l.usable() {
		return 0, false
	}
	if x, done := l.done[length]; done {
		return x, !math.IsNaN(x)
	}
	const phases = 4
	valid := 0
	for i := range phases {
		if m := l.measure(length, float64(i)/phases); m.Valid {
			valid++
			percent = max(percent, m.Energy.ErrPercent())
		}
	}
	if valid <= phases/2 {
		percent = math.NaN()
	}
	l.done[length] = percent
	return percent, !math.IsNaN(percent)
}

// padding is how many ticks are laid before and after the window.
const padding = 12

// measure measures a load of the length that begins at a phase of the ticks.
func (l *loadStep) measure(length time.Duration, phase float64) energy.Measurement {
	pad := 0.0
	for _, d := range l.o.devices {
		pad = max(pad, padding*float64(d.period()))
	}
	start := pad + phase*float64(l.o.devices[0].period())
	end := start + float64(length)
	r := energy.Recording{Source: l.o.info, Base: l.o.base}
	for i, d := range l.o.devices {
		r.Devices = append(r.Devices, d.recordLoad(l.loads[i], start, end, end+pad))
	}
	replay, err := energy.NewReplay(r)
	if err != nil {
		return energy.Measurement{}
	}
	span := energy.Span{Start: l.o.at(start), End: l.o.at(start).Add(length)}
	return energy.MeasurePast(context.Background(), replay, span)
}

// recordLoad makes a recording of a load from start to end, until some time after it,
// all in ns: with ticks at the intervals that were seen, again and again, and as well
// seen as they were.
func (d *device) recordLoad(p powers, start, end, until float64) energy.DeviceRecording {
	r := energy.DeviceRecording{Device: d.Device}
	r.Device.Period = d.period()
	intervals := d.intervals()
	width := min(float64(*d.within()), 0.9*slices.Min(intervals))
	// Devices tick at different times, as they were seen to.
	at := math.Abs(math.Mod(d.ticks[0].mid(), float64(d.period())))
	if d.Method == energy.Gauge {
		r.PowerPeriod = int64(d.period())
		r.Power = append(r.Power, [3]float64{at - width - float64(d.period()), p.idle, 0})
	} else {
		r.TickPeriod, r.TickJitter = d.learnt.period, d.learnt.jitter
		r.Ticks = append(r.Ticks, [3]float64{at - width - float64(d.period()), at - width, 0})
	}
	for k := 0; at < until; k++ {
		if d.Method == energy.Gauge {
			r.Power = d.show(r.Power, at, width, p.watts(at-float64(d.Lag), start, end))
			r.PowerUntil = int64(at + width/2 - float64(d.Lag))
		} else if joules := d.resolve(p.joules(at, start, end)); joules != r.Ticks[len(r.Ticks)-1][2] {
			r.Ticks = append(r.Ticks, [3]float64{at - width/2, at + width/2, joules})
		}
		at += intervals[k%len(intervals)]
	}
	return r
}

// show adds what a gauge shows that is refreshed at a time and read width apart. One
// that holds its value shows it until a period before the next.
func (d *device) show(power [][3]float64, at, width, watts float64) [][3]float64 {
	last := power[len(power)-1]
	add := func(at, watts, gap float64) {
		if at -= float64(d.Lag); at > power[len(power)-1][0] {
			power = append(power, [3]float64{at, watts, gap})
		}
	}
	switch {
	case !d.Held && width == 0:
		add(at, watts, at-float64(d.Lag)-last[0])
	case !d.Held:
		add(at-width/2, last[1], at-width/2-float64(d.Lag)-last[0])
		add(at+width/2, watts, width)
	case watts != last[1]:
		add(at-float64(d.period()), last[1], 0)
		add(at, watts, width)
	}
	return power
}

// watts is the power at a time, of a load from start to end.
func (p powers) watts(at, start, end float64) float64 {
	if start <= at && at < end {
		return p.peak
	}
	return p.idle
}

// joules is the energy since 0 at a time, of a load from start to end, all in ns.
func (p powers) joules(at, start, end float64) float64 {
	under := min(max(at-start, 0), end-start)
	return (p.idle*at + (p.peak-p.idle)*under) / float64(time.Second)
}

// resolve is what a counter shows of an energy.
func (d *device) resolve(joules float64) float64 {
	if d.Resolution > 0 {
		joules = math.Floor(joules/d.Resolution) * d.Resolution
	}
	return joules
}
