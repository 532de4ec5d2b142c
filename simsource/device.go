package simsource

import "math"

// device is one simulated GPU. Time is in ns since the simulation began and
// never goes back. The machine's lock guards it.
type device struct {
	model
	idle, peak, limit float64 // W

	load int64   // the sum of loads, in fullLoad; may exceed one
	now  segment // the current one
	past history // the segments before it, and it

	counter ticks
	ticked  int64   // the tick that is shown
	millis  float64 // mJ, what the counter shows: whole
	gauge   ticks
	gauged  int64
	shows   float64 // W, what the gauge shows

	// capped is for how long until cappedFrom the demand was beyond the limit.
	capped, cappedFrom int64
}

// fullLoad is the unit of load: whole numbers add up and come back to zero.
const fullLoad = 1e9

func newDevice(cfg Config, i int) *device {
	seed := hash(cfg.Seed, uint64(i))
	phase := int64(cfg.Period) * int64(i) / int64(cfg.GPUs)
	d := &device{
		model: model{
			ramp:  float64(cfg.Ramp),
			tail:  float64(cfg.Tail),
			noise: newNoise(cfg.Noise, seed),
		},
		idle: cfg.Idle, peak: cfg.Peak, limit: cfg.PowerLimit,
		past:    history{limit: cfg.History},
		counter: newTicks(phase, cfg.Period, cfg.Jitter, cfg.Missed, seed),
		ticked:  -1,
		gauge:   newTicks(0, cfg.GaugePeriod, 0, 0, seed),
		gauged:  -1,
	}
	p := d.target()
	d.now = segment{start: p, target: p, warm: ambient + perWatt*p}
	d.past.add(d.now)
	return d
}

// demand returns the power that the load asks for, in watts.
func (d *device) demand() float64 {
	if d.load >= fullLoad {
		return d.peak
	}
	return d.idle + (d.peak-d.idle)*(float64(d.load)/fullLoad)
}

// target returns the power that the load gets.
func (d *device) target() float64 { return min(d.demand(), d.limit) }

// advance brings what counter and gauge show up to t. It must run before the
// load changes: a tick is read off the segment that it lies in.
func (d *device) advance(t int64) {
	if k := d.counter.last(t); k > d.ticked {
		// The maximum keeps rounding in the noise's integral from taking a
		// millijoule back.
		d.millis = max(d.millis, math.Floor(d.joulesNano(&d.now, d.counter.at(k))/1e6))
		d.ticked = k
	}
	if k := d.gauge.last(t); k > d.gauged {
		d.shows = math.Round(d.watts(&d.now, d.gauge.at(k))*1e3) / 1e3
		d.gauged = k
	}
}

// addLoad changes the load at t.
func (d *device) addLoad(t, by int64) {
	d.advance(t)
	d.capped, d.cappedFrom = d.cappedAt(t), t
	d.load += by
	target := d.target()
	switch {
	case target == d.now.target: // saturated, or at the limit
	case t == d.now.at:
		d.now.target = target
		d.past.replace(d.now)
	default:
		d.now = d.next(&d.now, t, target)
		d.past.add(d.now)
	}
}

// cappedAt returns for how long until t the demand was beyond the limit, in ns.
func (d *device) cappedAt(t int64) int64 {
	if d.demand() > d.limit {
		return d.capped + t - d.cappedFrom
	}
	return d.capped
}
