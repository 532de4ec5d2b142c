package doctor

import (
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/median"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A device is what was seen of one device.
type device struct {
	energy.Device
	// past says that the readings are those of a history.
	past  bool
	ticks []tick
	// gauge says from when until when, in ns since the base, the power of a gauge is
	// known, and what it showed last, in watts; nil if it showed nothing.
	gauge *struct{ from, until, watts float64 }
	// learnt are the refresh period and the jitter that the recorder has learnt, in ns;
	// 0 if it has not.
	learnt struct{ period, jitter float64 }
	// refresh is the refresh period of a counter whose ticks are not told apart; 0 of others.
	// Ticks are then readings.
	refresh time.Duration
	calls   energy.CallStats
	state   energy.State
	// age is how old the newest sample was, of a source that knows the past.
	age *time.Duration
}

// A tick is a change of a value: after lo and not after hi, in ns since the base of
// the recording, from when on it was value (joules, or watts). broken says that it
// follows a reset.
type tick struct {
	lo, hi, value float64
	broken        bool
}

// untold sets the refresh period of a counter whose ticks are not told apart: what a reading
// shows is no older than that.
func (d *device) untold(refresh time.Duration) {
	d.refresh = refresh
	for i := range d.ticks {
		t := &d.ticks[i]
		t.lo = max(t.lo, t.hi-float64(refresh))
	}
}

func (t tick) mid() float64 { return (t.lo + t.hi) / 2 }

// newDevice takes in what was recorded of a device. Every sample that somebody else
// took of a gauge is a tick.
func newDevice(r energy.DeviceRecording, calls energy.CallStats, past bool) *device {
	d := &device{Device: r.Device, past: past, calls: calls}
	d.learnt.period, d.learnt.jitter = r.TickPeriod, r.TickJitter
	for k := 1; k < len(r.Ticks); k++ { // it is not known when the value of the first began
		t := r.Ticks[k]
		d.ticks = append(d.ticks, tick{lo: t[0], hi: t[1], value: t[2], broken: t[2] < r.Ticks[k-1][2]})
	}
	if r.Device.Method != energy.Gauge || len(r.Power) == 0 {
		return d
	}
	d.ticks = nil
	for k, p := range r.Power {
		switch {
		case past:
			d.ticks = append(d.ticks, sampled(r.Power, k)...)
		case k > 0 && p[1] != r.Power[k-1][1]:
			d.ticks = append(d.ticks, tick{lo: r.Power[k-1][0], hi: p[0], value: p[1]})
		}
	}
	last := r.Power[len(r.Power)-1]
	d.gauge = &struct{ from, until, watts float64 }{r.Power[0][0], last[0], last[1]}
	return d
}

// sampled returns reading k of a gauge and, where it ends a row of the same value, those in
// between, which are not recorded.
func sampled(power [][3]float64, k int) (list []tick) {
	p := power[k]
	if k > 0 && p[1] == power[k-1][1] && p[2] > 0 {
		from, n := power[k-1][0], math.Round((p[0]-power[k-1][0])/p[2])
		for i := 1.0; i < n; i++ {
			at := from + i*(p[0]-from)/n
			list = append(list, tick{lo: at, hi: at, value: p[1]})
		}
	}
	return append(list, tick{lo: p[0], hi: p[0], value: p[1]})
}

// counter describes what was seen.
func (d *device) counter() Counter {
	c := Counter{
		Method: d.Method, Metric: d.Metric, Sensor: d.Sensor, Ticks: len(d.ticks),
		Resolution: number(d.Resolution, d.Resolution > 0),
		Age:        d.age, Readings: d.calls.Reads - d.calls.Failures, Failed: d.calls.Failures,
	}
	if p := d.period(); d.refresh > 0 {
		c.Period = &d.refresh
	} else if p > 0 {
		c.Period = &p
		c.Missed, c.Jitter, c.Within = d.missed(p), d.jitter(p), d.within()
	}
	for _, t := range d.ticks {
		if t.broken {
			c.Resets++
		}
	}
	c.Step = d.step()
	watts, ok := d.meanPower()
	c.Watts = number(watts, ok && watts <= d.MostWatts(math.MaxInt64))
	if !d.past && c.Readings > 0 {
		c.CallP50, c.CallP99 = &d.calls.P50, &d.calls.P99
	}
	return c
}

// sharpness is how much worse than most a tick may have been seen. Those that come when they
// are expected are seen best: without the others the jitter would look too small.
const sharpness = 6

// sharp returns which of the ticks were seen about as well as most. The others came
// while the recorder did not know yet when to expect them, and what their times scatter
// by is not the jitter.
func (d *device) sharp() []bool {
	within, list := d.within(), make([]bool, len(d.ticks))
	for i, t := range d.ticks {
		list[i] = t.hi-t.lo <= sharpness*float64(*within)
	}
	return list
}

// intervals returns the times between ticks that were seen clearly, but for those
// across a reset.
func (d *device) intervals() []float64 {
	var list []float64
	sharp := d.sharp()
	for i := 1; i < len(d.ticks); i++ {
		if a, b := d.ticks[i-1], d.ticks[i]; sharp[i-1] && sharp[i] && !a.broken && !b.broken {
			list = append(list, b.mid()-a.mid())
		}
	}
	return list
}

// period returns the refresh period that the recorder has learnt, or else the median time
// between two ticks, which a missed tick does not double; 0 if fewer than three were seen.
func (d *device) period() time.Duration {
	if d.learnt.period > 0 {
		return time.Duration(math.Round(d.learnt.period))
	}
	list := d.intervals()
	if len(list) < 2 {
		return 0
	}
	return time.Duration(math.Round(median.Of(list)))
}

// missed returns how many ticks are missing between those that were seen, well enough to
// count the periods between.
func (d *device) missed(period time.Duration) (missed int) {
	last, sharp := -1, d.sharp()
	for i, t := range d.ticks {
		if t.broken {
			last = -1
		}
		if !sharp[i] && t.hi-t.lo > float64(period)/4 || t.broken {
			continue
		}
		if last >= 0 {
			missed += max(int(math.Round((t.mid()-d.ticks[last].mid())/float64(period)))-(i-last), 0)
		}
		last = i
	}
	return missed
}

// jitter returns the standard deviation of the intervals in which no tick is missing;
// nil if there are too few.
func (d *device) jitter(period time.Duration) *time.Duration {
	var sum, squares, n float64
	for _, x := range d.intervals() {
		if off := x - float64(period); off < float64(period)/2 {
			sum, squares, n = sum+off, squares+off*off, n+1
		}
	}
	if n < 3 {
		return nil
	}
	return new(time.Duration(math.Sqrt(max(squares-sum*sum/n, 0) / (n - 1))))
}

// within returns the median time within which a tick was seen; nil if there was none.
func (d *device) within() *time.Duration {
	if len(d.ticks) == 0 {
		return nil
	}
	var widths []float64
	for _, t := range d.ticks {
		widths = append(widths, t.hi-t.lo)
	}
	return new(time.Duration(median.Of(widths)))
}

// step returns the smallest change that was seen; nil if there was none.
func (d *device) step() *float64 {
	smallest := math.Inf(1)
	for i := 1; i < len(d.ticks); i++ {
		if change := math.Abs(d.ticks[i].value - d.ticks[i-1].value); change > 0 && !d.ticks[i].broken {
			smallest = min(smallest, change)
		}
	}
	return number(math.Round(smallest*1e6)/1e6, true)
}

// power returns the mean power in watts from the first tick after one time to the last
// before another, in ns since the base. ok is false if there are not two such ticks,
// or a reset between them.
func (d *device) power(from, to float64) (watts float64, ok bool) {
	if d.Method == energy.Gauge {
		return d.gaugePower(from, to)
	}
	first, last := -1, -1
	ticks := d.clear()
	for i, t := range ticks {
		if t.mid() < from || t.mid() > to {
			continue
		}
		if first < 0 || t.broken {
			first = i
		}
		last = i
	}
	if first < 0 || first == last {
		return 0, false
	}
	return between(ticks[first], ticks[last]), true
}

// clear returns the ticks, less those whose times are so doubtful that a power by them would
// be wrong: where calls take long, now and then one is seen late.
func (d *device) clear() (list []tick) {
	const few = 8 // of a thousand devices each is seldom seen
	if len(d.ticks) < few {
		return d.ticks
	}
	widest := max(2*float64(*d.within()), float64(d.period())/8)
	broken := false
	for _, t := range d.ticks {
		if broken = broken || t.broken; t.hi-t.lo > widest {
			continue
		}
		t.broken, broken = broken, false
		list = append(list, t)
	}
	return list
}

// meanPower returns the mean power in watts while the device was watched, but for the
// first ticks, which are not seen well. ok is false if it is not known.
func (d *device) meanPower() (watts float64, ok bool) {
	if from, to, ok := d.recorded(); ok {
		return d.power(from, to)
	}
	return d.power(math.Inf(-1), math.Inf(1))
}

// between returns the power between two ticks of a counter, in watts.
func between(a, b tick) float64 {
	return (b.value - a.value) / (b.mid() - a.mid()) * float64(time.Second)
}

// gaugePower returns the mean of what a gauge showed, weighted by time.
func (d *device) gaugePower(from, to float64) (watts float64, ok bool) {
	if len(d.ticks) == 0 && d.gauge != nil {
		return d.gauge.watts, true // it never changed
	}
	area, time := 0.0, 0.0
	for i := 1; i < len(d.ticks); i++ {
		a, b := d.ticks[i-1], d.ticks[i]
		if a.mid() >= from && b.mid() <= to {
			area += a.value * (b.mid() - a.mid())
			time += b.mid() - a.mid()
		}
	}
	if time == 0 {
		return 0, false
	}
	return area / time, true
}

// joules returns the energy at a time between two ticks, where the power is steady. That of
// a gauge is by what it has shown.
func (d *device) joules(at float64) (joules float64, ok bool) {
	if d.Method == energy.Gauge {
		return d.shown(at)
	}
	ticks := d.clear()
	for i := 1; i < len(ticks); i++ {
		a, b := ticks[i-1], ticks[i]
		if a.mid() <= at && at <= b.mid() && !b.broken {
			return a.value + (b.value-a.value)*(at-a.mid())/(b.mid()-a.mid()), true
		}
	}
	return 0, false
}

// shown returns the energy at a time by what a gauge has shown since its first tick, in
// joules.
func (d *device) shown(at float64) (joules float64, ok bool) {
	for i, t := range d.ticks {
		end := d.gauge.until
		if i+1 < len(d.ticks) {
			end = d.ticks[i+1].mid()
		}
		switch {
		case at < t.mid():
			return 0, false
		case at <= end:
			return joules + t.value*(at-t.mid())/float64(time.Second), true
		}
		joules += t.value * (end - t.mid()) / float64(time.Second)
	}
	return 0, false
}

// recorded returns the time of which the energy is recorded, but for the first ticks
// of a counter, which show the power before. ok is false if there is none.
func (d *device) recorded() (from, to float64, ok bool) {
	switch n := len(d.ticks); {
	case d.gauge != nil && d.Method == energy.Gauge:
		return d.gauge.from, d.gauge.until, d.gauge.until > d.gauge.from
	case n >= 3:
		return d.ticks[min(d.first(), n-2)].mid(), d.ticks[n-1].lo, true
	}
	return 0, 0, false
}

// windows returns between which times windows can be measured; to is before from if
// there are none.
func (d *device) windows() (from, to float64) {
	if d.Method == energy.Gauge {
		if from, to, ok := d.recorded(); ok {
			return from, to
		}
	} else if i, j := d.first(), len(d.ticks)-1-ticksAfter; i <= j {
		return d.ticks[i].hi, d.ticks[j].lo
	}
	return 0, -1
}

// first returns the first tick with enough others before it that were seen clearly: a
// recorder that has just begun does not know when to expect them.
func (d *device) first() int {
	sharp := d.sharp()
	for i := ticksBefore; i <= len(sharp)/2; i++ {
		if !slices.Contains(sharp[i-ticksBefore:i+1], false) {
			return i
		}
	}
	return ticksBefore
}
