package energy

import (
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
)

// lag is by how much a counter is late, in seconds, as the edges of a steady load showed
// it: with its standard deviation. mean is the time over which it averages. The zero value
// is a counter that does neither, as far as is known.
type lag struct {
	by, sd, mean float64
	// measured reports whether it is that of a calibration. If the edges of a window
	// contradict that, refuted is what it was.
	measured bool
	refuted  float64
}

// knownLag returns what is known of the lag of a device before it was read.
func knownLag(d Device) lag {
	if c := d.Calibration; c != nil && d.Method == Counter && c.Delay > 0 {
		return lag{by: c.Delay.Seconds(), sd: c.DelaySD.Seconds(), measured: true}
	}
	return lag{}
}

// late returns by how much the ticks of a counter are late in all, in ns: by the delay that is
// usual for its kind, and by what its windows have shown besides.
func (c *curve) late() int64 {
	by, _ := c.usual()
	return by + c.lag.ns()
}

// usual returns the delay of the counter that is usual for its kind, in ns, with its standard
// deviation. There is none where the delay of this very one was measured.
func (c *curve) usual() (by, sd int64) {
	if c.lag.measured || c.device.Method != Counter {
		return 0, 0
	}
	return int64(c.device.Delay), int64(c.device.DelaySD)
}

// after returns the lag as it is known after a window: what was measured of the device
// counts, else what the window's edges show, and where they show nothing what earlier
// windows did. Where the edges refute what was measured nothing is known yet, since they
// were looked at without the usual delay.
func (l lag) after(t estimate.Timing) lag {
	if l.measured {
		if t.Mean > 0 || t.Contradicts(l.by, l.sd) {
			return lag{refuted: l.by}
		}
		return l
	}
	next := l.shown(t)
	next.refuted = l.refuted
	return next
}

// shown returns the lag by what edges show and have shown.
func (l lag) shown(t estimate.Timing) lag {
	if l.mean > 0 && t.Rise.Clear {
		l = lag{} // a mean has no steps
	}
	by, sd, ok := t.Lag()
	switch {
	case t.Mean > 0:
		return lag{mean: t.Mean}
	case !ok && t.Contradicts(l.by, l.sd):
		return lag{}
	case !ok:
		return l
	case l.by == 0 || math.Abs(l.by-by) > 4*math.Hypot(l.sd, sd):
		return lag{by: by, sd: sd}
	}
	// Windows are of one kind of load, whose own rise and fall are in all of them: the
	// second does not halve the variance.
	v, w := l.sd*l.sd, sd*sd
	return lag{by: (l.by*w + by*v) / (v + w), sd: min(l.sd, sd)}
}

// ns returns the lag in ns.
func (l lag) ns() int64 { return int64(math.Round(l.by * float64(time.Second))) }

// judge takes in what the lag means for an energy of spans: a mean withholds it, a delay
// marks it.
func (l lag) judge(d *DeviceMeasurement, e Estimate, spans []span) Estimate {
	if l.refuted > 0 {
		d.find(CounterLags, "the calibration says that the counter is late by %.0f ms, and the edges of a window that it is not: it is not corrected by that", 1000*l.refuted)
	}
	switch {
	case l.mean > 0:
		d.find(CounterAverages, "power rises and falls over about %.1f s at the edges of steady windows: the counter adds up a mean over that time", l.mean)
	case l.by > 0:
		return l.widen(d, e, spans)
	}
	return e
}

// widen widens an energy, of ticks that were taken to be earlier by the lag, by what is
// not known of it: each edge is off by so much time, in which the power changes from
// what it was before to what it is inside.
func (l lag) widen(d *DeviceMeasurement, e Estimate, spans []span) Estimate {
	e = d.shifted(e, spans, l.sd)
	if !l.measured {
		// Or it is the load that is late, and the window has less of it.
		other := l.by * d.step(e, spans) * float64(len(spans))
		e.Low, e.High = max(e.Low-max(other, 0), 0), e.High+max(-other, 0)
	}
	late, within := 1000*l.by, 2000*l.sd
	if l.measured {
		d.find(CounterLags, "the counter is late by %.0f ms ± %.0f ms, as was measured of it: the energy is corrected by that", late, within)
	} else {
		late += 1000 * d.Device.Delay.Seconds() // the ticks were moved by that before
		within = math.Hypot(within, 2000*d.Device.DelaySD.Seconds())
		d.find(CounterLags, "power rises and falls %.0f ms ± %.0f ms after the edges of the windows: the counter is taken to be late by that, which the energy is corrected by; the interval allows for a load that begins and ends as late, which looks the same", late, within)
	}
	return e
}

// step is by how much the power in spans of an energy is above that before them, in watts.
func (d *DeviceMeasurement) step(e Estimate, spans []span) float64 {
	return e.Joules/(float64(counted(spans))/float64(time.Second)) - d.BeforeWatts // 0 if not known
}

// shifted widens an energy by what is not known of the time of all ticks, in seconds as a
// standard deviation.
func (d *DeviceMeasurement) shifted(e Estimate, spans []span, sd float64) Estimate {
	half := 2 * sd * math.Abs(d.step(e, spans)) * float64(len(spans))
	return e.widened(half)
}

// widened returns the energy with an error of its own that is within half, in joules.
func (e Estimate) widened(half float64) Estimate {
	e.Low, e.High = max(e.Joules-math.Hypot(e.Joules-e.Low, half), 0), e.Joules+math.Hypot(e.High-e.Joules, half)
	return e
}

// learn keeps what measuring showed of the devices. Curves are copies of the
// recorder's. The caller holds mu.
func (r *Recorder) learn(curves []*curve) {
	for i, c := range curves {
		r.curves[i].lag, r.curves[i].edges = c.lag, c.edges
	}
}
