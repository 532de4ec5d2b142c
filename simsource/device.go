package simsource

import (
	"math"
	"math/bits"
	"time"
)

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
	// gaugedNano is the energy up to the tick that is shown, in W·ns.
	gaugedNano float64

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
		d.refresh(k)
	}
}

// refresh makes the gauge show the mean power of the period before its tick k. What it was
// at the tick before is read off the segment that goes on, if that tick lies in it.
func (d *device) refresh(k int64) {
	at := d.gauge.at(k)
	if k > 0 && k-1 > d.gauged {
		d.gaugedNano = d.joulesNano(&d.now, d.gauge.at(k-1))
	}
	joules := d.joulesNano(&d.now, at)
	d.shows = d.watts(&d.now, at) // of the first
	if k > 0 {
		d.shows = (joules - d.gaugedNano) / float64(at-d.gauge.at(k-1))
	}
	d.shows = math.Round(d.shows*1e3) / 1e3
	d.gauged, d.gaugedNano = k, joules
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

// ticks says when a refreshed value changes. It is a function of the tick's
// number, not a state: any tick of the past or future can be asked for.
type ticks struct {
	phase, period, jitter int64 // ns
	missed                uint64
	seed                  uint64
}

func newTicks(phase int64, period, jitter time.Duration, missed float64, seed uint64) ticks {
	return ticks{
		phase:  phase,
		period: int64(period),
		jitter: int64(jitter),
		missed: uint64(missed * (1 << 32)),
		seed:   seed,
	}
}

// at returns the time of tick k, in ns since the simulation began. The first
// tick is on time.
func (t *ticks) at(k int64) int64 {
	x := t.phase + k*t.period
	if t.jitter == 0 || k == 0 {
		return x
	}
	// The high word of hash × width is uniform in [0, width).
	hi, _ := bits.Mul64(hash(t.seed, uint64(k)), uint64(2*t.jitter+1))
	return x + int64(hi) - t.jitter
}

// shown reports whether tick k is not missed. The first tick never is.
func (t *ticks) shown(k int64) bool {
	return t.missed == 0 || k == 0 || hash(t.seed+1, uint64(k))>>32 >= t.missed
}

// last returns the number of the last tick that is shown at or before now, and
// -1 before the first.
func (t *ticks) last(now int64) int64 {
	if now < t.phase {
		return -1
	}
	k := (now-t.phase)/t.period + 1 // jitter may bring one tick forward
	for k > 0 && (t.at(k) > now || !t.shown(k)) {
		k--
	}
	return k
}

// hash is splitmix64 over a seed and a number: the deterministic randomness of
// the package.
func hash(seed, n uint64) uint64 {
	x := (seed ^ 0x6a09e667f3bcc909) + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform is hash as a number in [0, 1).
func uniform(seed, n uint64) float64 { return float64(hash(seed, n)>>11) / (1 << 53) }
