package energy

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
)

// The widest intervals that are published, as half-width in per cent of the energy: a
// number known worse than this decides nothing. What the sensor of a gauge is like is often
// not known, and a few readings leave more open: such a number is published as wide as it is.
const (
	maxCounterErrPercent = 25.0
	maxGaugeErrPercent   = 35.0
)

// MaxErrPercent returns the widest interval that is published of the device, as
// half-width in per cent of its energy: 25 for a counter, and 35 for a power gauge.
func (d Device) MaxErrPercent() float64 {
	if d.Method == Gauge {
		return maxGaugeErrPercent
	}
	return maxCounterErrPercent
}

// measure returns the energy of a family, in ns since base, by curves with that base: of
// the window, and of each part. It leaves the sums to the caller.
func measure(info Info, curves []*curve, base time.Time, f family) []Measurement {
	list := make([]Measurement, f.size())
	devices := measureAll(curves, f)
	for i := range list {
		m := &list[i]
		m.Source = info
		spans := f.of(i)
		for _, s := range spans {
			m.Duration += time.Duration(s.on)
		}
		if n := len(spans); n > 0 {
			m.Start = base.Add(time.Duration(spans[0].start))
			m.End = base.Add(time.Duration(spans[n-1].end))
		}
		m.Devices = make([]DeviceMeasurement, len(curves))
		for k := range devices {
			m.Devices[k] = devices[k][i]
		}
	}
	return list
}

// measureAll measures a family by each curve. A fleet is shared out among the
// processors; of a few devices each shows what the edges of the load are like on the others.
func measureAll(curves []*curve, f family) [][]DeviceMeasurement {
	if len(curves) <= 64 {
		return measureDevices(curves, f, false)
	}
	list := make([][]DeviceMeasurement, len(curves))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(curves)); i = next.Add(1) - 1 {
				list[i] = measureDevices(curves[i:i+1], f, true)[0]
			}
		})
	}
	wg.Wait()
	return list
}

// measureDevices returns the energy of a family by curves: of the window, and of each
// part. fleet reports whether there are many others.
func measureDevices(curves []*curve, f family, fleet bool) [][]DeviceMeasurement {
	list, periods := make([][]DeviceMeasurement, len(curves)), make([]estimate.Period, len(curves))
	for i, c := range curves {
		c.learn()
		c.splitAtJumps()
		periods[i] = c.learnt()
	}
	estimated := estimateCounters(curves, periods, f, fleet)
	for i, c := range curves {
		list[i] = c.measured(f, periods[i], estimated[i])
	}
	return list
}

// estimateCounters returns the energies of a family by those curves that are of counters.
// Those of one kind and source may work in lock-step.
func estimateCounters(curves []*curve, periods []estimate.Period, f family, fleet bool) []estimate.Estimated {
	type group struct {
		source string
		kind   Kind
	}
	list := make([]estimate.Estimated, len(curves))
	if counted(f.spans) <= 0 {
		return list
	}
	members := map[group][]int{}
	for i, c := range curves {
		if d := &c.device; d.Method == Counter {
			g := group{d.Source, d.Kind.OrGPU()}
			members[g] = append(members[g], i)
		}
	}
	for _, group := range members {
		ins := make([]estimate.Input, len(group))
		for k, i := range group {
			ins[k] = curves[i].input(f, periods[i], fleet)
		}
		for k, e := range estimate.EstimateAlike(ins) {
			list[group[k]], curves[group[k]].edges = e, e.Edges
		}
	}
	return list
}

// measured returns the measurements of a family by one curve, of which the refresh period
// is p: by what was estimated, if it is that of a counter.
func (c *curve) measured(f family, p estimate.Period, estimated estimate.Estimated) []DeviceMeasurement {
	list := make([]DeviceMeasurement, f.size())
	for i := range list {
		d := &list[i]
		d.Device = c.device
		if p.Known {
			d.Period = time.Duration(p.Seen)
		}
		d.Reasons = append(d.Reasons, c.device.Marks...)
		spans := f.of(i)
		if counted(spans) <= 0 {
			d.withhold(InvalidBenchmarkWindow, "the window has no length, or its spans are out of order")
			continue
		}
		var energy Estimate
		ok := false
		switch {
		case c.device.Method == Gauge:
			energy, ok = gaugeEnergy(c, d, spans)
			energy = c.doubted(energy, spans)
		case estimated.Err != nil:
			explain(c, d, f.spans)
		default:
			energy, ok = counterEnergy(c, d, estimated.Results[i])
			energy = c.lag.judge(d, energy, spans)
			if _, sd := c.usual(); sd > 0 {
				energy = d.shifted(energy, spans, float64(sd)/float64(time.Second))
			}
			energy = c.sampled(d, energy, spans)
		}
		if ok && !withheld(d.Reasons) {
			d.publish(c, energy, spans)
			d.calibrate(float64(counted(spans)) / float64(time.Second))
		}
	}
	return list
}

// input returns what is known of a counter around a family: where it lags, as if its ticks
// had been as much earlier.
func (c *curve) input(f family, p estimate.Period, fleet bool) estimate.Input {
	in := c.ticksAround(f, p, fleet)
	seen, was := in.Ticks, c.lag
	by, _ := c.usual()
	in.Ticks = estimate.Earlier(seen, by)
	if c.lag = was.after(estimate.TimingOf(in)); was.measured && !c.lag.measured {
		by, _ = c.usual() // it counts again
		in.Ticks = estimate.Earlier(seen, by)
		c.lag = c.lag.after(estimate.TimingOf(in))
	}
	if c.lag.by > 0 {
		in.Ticks = estimate.Earlier(in.Ticks, c.lag.ns())
	}
	return in
}

// publish sets the energy of spans, unless it is known too badly.
func (d *DeviceMeasurement) publish(c *curve, energy Estimate, spans []span) {
	on := counted(spans)
	d.Energy = energy
	d.Watts = energy.Joules / (float64(on) / float64(time.Second))
	d.Valid = true
	if e := d.Energy.ErrPercent(); math.IsNaN(e) || e > d.Device.MaxErrPercent() {
		d.tooWide(time.Duration(on), len(spans), advice(c.device, c.expected(), len(spans) > 1))
		return
	}
	if d.judgeMean(time.Duration(on)); d.Valid && c.device.Method == Counter {
		crossCheck(c, d, spans)
	}
}

// leastWatts is less than any device uses: what integrating readings of 0 W leaves is less.
const leastWatts = 1e-6

// tooWide withholds an energy whose interval is too wide, for its length in so many
// pieces. That of no energy at all has no width in per cent.
func (d *DeviceMeasurement) tooWide(length time.Duration, pieces int, advice string) {
	if d.Watts < leastWatts && d.Device.Method == Gauge && d.Ticks > 0 {
		d.withhold(InvalidPowerSample, "%s are all 0 W: the device does not report what it uses", d.seen())
		return
	}
	long := length.Round(time.Millisecond).String()
	if pieces > 1 {
		long = fmt.Sprintf("%s in %d pieces", long, pieces)
	}
	width := fmt.Sprintf("±%.0f %%", d.Energy.ErrPercent())
	if d.Energy.Joules == 0 {
		width = fmt.Sprintf("0 J ± %.2g J", d.Energy.HalfWidth())
	}
	d.withhold(WindowTooShort, "%s, with %s, leaves %s: %s", long, d.seen(), width, advice)
}

// counterEnergy takes in the energy by the ticks of a counter. ok is false if a
// finding says why there is none.
func counterEnergy(c *curve, d *DeviceMeasurement, r estimate.Result) (e Estimate, ok bool) {
	d.Ticks, d.coarse = r.Ticks, r.Coarse
	d.findEvents(c.events.touching(r.From, r.To+c.late()))
	if r.Err != nil {
		d.find(SamplingGapExceeded, "the window has pauses, and ticks of its past are %.1f s apart: too many were dropped to tell them apart", r.Gap)
		return Estimate{}, false
	}
	d.setBefore(r.BeforeWatts, r.HasBefore)
	return Estimate{Joules: r.Mean, Low: r.Low, High: r.High}, true
}

// onItsOwnLine puts advice below what was found.
func onItsOwnLine(advice string) string {
	if advice == "" {
		return ""
	}
	return "\n" + advice
}

// explain says why the window has no ticks on one of its sides.
func explain(c *curve, d *DeviceMeasurement, spans []span) {
	start, end := spans[0].start, spans[len(spans)-1].end
	d.findEvents(c.events.touching(start, math.MaxInt64))
	if withheld(d.Reasons) {
		return
	}
	n, expected := len(c.ticks), c.expected()
	switch {
	case c.failure.err != nil:
		explainFailure(c, d, end)
	case n == 0:
		d.find(InsufficientPowerSamples, "the device was never read")
	case c.last.hi > end && float64(c.last.hi-c.ticks[n-1].Hi) > 2.5*expected:
		d.find(CounterStale, "the counter has not changed for %v%s", time.Duration(c.last.hi-c.ticks[n-1].Hi).Round(time.Millisecond), hint(c.device, expected, "; if that is how often it does, "))
	default:
		edge := "after the end"
		if c.ticks[0].Lo > start {
			edge = "before the start"
		}
		d.find(BenchmarkWindowNotBracketed, "no tick was seen %s of the window%s", edge, hint(c.device, expected, ": "))
	}
}

// explainFailure says what the newest readings fail with.
func explainFailure(c *curve, d *DeviceMeasurement, end int64) {
	reason := reasonOf(c.failure.err)
	switch {
	case reason != "":
	case !c.last.ok:
		reason = InsufficientPowerSamples // never read
	default:
		reason = BenchmarkWindowNotBracketed
	}
	if before := time.Duration(end - c.failure.since); before > 0 {
		d.find(reason, "all readings since %v before the end of the window failed: %v", before.Round(time.Millisecond), c.failure.err)
	} else {
		d.find(reason, "all readings after the window failed: %v", c.failure.err)
	}
}

// seen returns how many ticks, or readings, there were, in words.
func (d *DeviceMeasurement) seen() string {
	if d.Device.Method == Gauge {
		return fmt.Sprintf("%d readings of the power", d.Ticks)
	}
	ticks := fmt.Sprintf("%d ticks", d.Ticks)
	if d.Ticks == 1 {
		ticks = "1 tick"
	}
	switch {
	case d.Period <= 0: // not known
		return ticks
	case d.Period < 10*time.Millisecond:
		return fmt.Sprintf("%s of %v", ticks, d.Period.Round(10*time.Microsecond))
	}
	return fmt.Sprintf("%s of %v", ticks, d.Period.Round(time.Millisecond))
}

// slowPeriod is the refresh period of a slow counter.
const slowPeriod = float64(1500 * time.Millisecond)

// hint returns the device's hint for a slow counter, after a conjunction. expected is
// the refresh period in ns.
func hint(d Device, expected float64, conjunction string) string {
	if d.Hint == "" || expected < slowPeriod {
		return ""
	}
	return conjunction + d.Hint
}

// advice returns how a window that was too short would be measured well.
func advice(d Device, expected float64, pauses bool) string {
	if pauses {
		return "pauses of about a refresh period and less can't be told from the load, so leave them in or make them longer"
	}
	length := max(time.Duration(expected*20).Round(time.Second/2), time.Second)
	if expected > slowPeriod {
		length = time.Duration(math.Ceil(expected*5/float64(time.Second)/10)) * 10 * time.Second
	}
	return fmt.Sprintf("measure for %v or longer%s", length, hint(d, expected, ", or "))
}
