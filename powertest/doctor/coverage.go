package doctor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/internal/median"
	"github.com/joulebench/joulebench/powertest/energy"
)

// A Load is how the counters follow a load.
type Load struct {
	GPUs []LoadedGPU `json:"gpus"`
	// Notes say what could not be measured, and why.
	Notes []string `json:"notes,omitempty"`
}

// A LoadedGPU is how the counter of one GPU follows it. Null was not measured.
type LoadedGPU struct {
	UUID string `json:"uuid"`
	// Watts is the power under load, and PausedWatts that while it is paused.
	Watts       *float64 `json:"watts"`
	PausedWatts *float64 `json:"paused_watts"`
	// Started is how long after the start of the command the power had risen half
	// way: most of it is what the command takes to begin.
	Started *time.Duration `json:"started_after_ns"`
	// Rise is by how much the counter lags behind a load that goes on, and Fall
	// behind one that is paused: the energy that is missing, or too much, over
	// the change of the power. It is the counter's delay with the ramp or the
	// tail of the power, which such a counter does not distinguish. Medians.
	Rise *time.Duration `json:"rise_ns"`
	Fall *time.Duration `json:"fall_ns"`
	// Delay is by how much the counter itself is late, known to ± twice DelaySD: where Rise
	// and Fall are alike, their mean, and 0 if that is no more than a load itself takes to
	// begin. Null where they differ: part of it is the load's own. Of a gauge it is the mean
	// age of the power in a refresh: half of the time for which that is held is not in it.
	Delay   *time.Duration `json:"delay_ns"`
	DelaySD *time.Duration `json:"delay_sd_ns"`
	// Tail is the time constant with which the power decays after a pause begins;
	// null if it is too short for the ticks to show.
	Tail *time.Duration `json:"tail_ns"`
	// Coverage is the energy of a square wave by the counter over that of its
	// power and time: 1 for a counter that integrates all of the time. It is null
	// where the power follows the load too slowly for such short pulses.
	Coverage *float64 `json:"coverage"`
	// Modulation is how much the energy between two ticks varies along the wave,
	// over its mean: near 0 for a counter that integrates, and several times 1
	// for one that samples a part of the time.
	Modulation *float64 `json:"modulation"`
	// Integrates is what that says; null if it says neither.
	Integrates *bool `json:"integrates"`
}

// watts returns the power of each device under load; 0 where it is not known.
func (c *Load) watts() []float64 {
	var list []float64
	for _, g := range c.GPUs {
		list = append(list, *cmp.Or(g.Watts, new(0.0)))
	}
	return list
}

// analyse computes how the counters follow the load from what was seen, and what was
// done when.
func (t *loadTest) analyse(o *observation, s schedule) *Load {
	c := &Load{}
	for i, d := range o.devices {
		g := LoadedGPU{UUID: d.UUID}
		if on, loaded := d.power(s.steady[0], s.steady[1]); loaded && s.steady[1] > 0 {
			g.Watts = number(on, true)
			g.Started = d.rose(s.started, t.idle[i], on)
		}
		if len(s.pauses) > 0 {
			t.paused(d, t.idle[i], &s, &g)
		}
		c.GPUs = append(c.GPUs, g)
	}
	c.Notes = s.notes
	return c
}

// rose returns how long after the start of a command the power had risen half way from
// idle to that under load, in watts; nil if it has not.
func (d *device) rose(started, idle, on float64) *time.Duration {
	for i := 1; i < len(d.ticks); i++ {
		a, b := d.ticks[i-1], d.ticks[i]
		if a.mid() < started {
			continue
		}
		watts := b.value
		if d.Method == energy.Counter {
			watts = between(a, b)
		}
		if watts >= (idle+on)/2 && on > idle+leastWatts {
			return new(time.Duration(b.mid() - started))
		}
	}
	return nil
}

// A swing is one pause: the power of a device before and in it, in watts, and by how
// much the counter lags, in ns.
type swing struct{ before, off, fall, rise float64 }

// swings looks at pauses. Powers are those of the half of each stretch of a length in
// which they are steady.
func (d *device) swings(pauses [][2]float64, length float64) (list []swing) {
	for _, p := range pauses {
		before, ok1 := d.power(p[0]-length/2, p[0])
		off, ok2 := d.power(p[1]-length/2, p[1])
		after, ok3 := d.power(p[1]+length/2, p[1]+length)
		from, ok4 := d.joules(p[0] - length/3)
		low, ok5 := d.joules(p[1] - length/3)
		to, ok6 := d.joules(p[1] + length*2/3)
		if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
			continue
		}
		list = append(list, swing{
			before: before, off: off,
			fall: (1e9*(low-from) - before*length/3 - off*(p[1]-p[0]-length/3)) / (before - off),
			rise: (off*length/3 + after*length*2/3 - 1e9*(to-low)) / (after - off),
		})
	}
	return list
}

func (t *loadTest) swings(d *device, s *schedule) []swing {
	_, length := t.pauses()
	return d.swings(s.pauses, float64(length))
}

// switches reports whether the pauses were seen by a device: a load whose work is
// queued, or that has other processes, goes on.
func (t *loadTest) switches(o *observation, s *schedule) bool {
	for i, d := range o.devices {
		if switched(t.swings(d, s), t.idle[i]) {
			return true
		}
	}
	s.note(unmeasured + "the power did not fall while the command was stopped; its work goes on without it")
	return false
}

func switched(list []swing, idle float64) bool {
	return slices.ContainsFunc(list, func(x swing) bool { return x.before-x.off > max(leastWatts, 0.3*(x.before-idle)) })
}

// paused adds how the counter of a device follows the pauses and the square wave.
func (t *loadTest) paused(d *device, idle float64, s *schedule, g *LoadedGPU) {
	list := t.swings(d, s)
	if !switched(list, idle) {
		return
	}
	typical := median.Of[float64]
	if d.Method == energy.Gauge {
		typical = mean // a pause is seen early or late, and all together as it is
	}
	pick := func(f func(swing) float64) float64 {
		var all []float64
		for _, x := range list {
			all = append(all, f(x))
		}
		return typical(all)
	}
	on, off := pick(func(x swing) float64 { return x.before }), pick(func(x swing) float64 { return x.off })
	g.PausedWatts = number(off, true)
	g.Fall = new(time.Duration(pick(func(x swing) float64 { return x.fall })))
	g.Rise = new(time.Duration(pick(func(x swing) float64 { return x.rise })))
	t.delay(list, g)
	if d.Method == energy.Gauge {
		g.freshen(d.period())
		return
	}
	g.Tail = d.tail(s.pauses, on, off)
	if len(s.waves) == waveCount {
		t.coverage(d, s, on, off, g)
	}
}

// What a counter is late by is told from what a load takes to begin and to end as the
// instrument does it, which see (lag.go of its estimator): from leastDelay on, and where rise
// and fall differ by no more than alike and their errors.
const (
	leastDelay = 12 * time.Millisecond
	alike      = 3 * time.Millisecond
)

// delay takes what the pauses show of a counter's own delay.
func (t *loadTest) delay(list []swing, g *LoadedGPU) {
	var rise, fall []float64
	for _, x := range list {
		rise, fall = append(rise, x.rise), append(fall, x.fall)
	}
	sd := max(math.Hypot(scatter(rise), scatter(fall))/2, float64(time.Millisecond))
	apart := math.Abs(float64(*g.Rise - *g.Fall))
	switch by := (*g.Rise + *g.Fall) / 2; {
	case max(g.Rise.Abs(), g.Fall.Abs()) < leastDelay:
		g.Delay, g.DelaySD = new(time.Duration(0)), new(time.Duration(0))
	case min(*g.Rise, *g.Fall) >= leastDelay && apart <= float64(alike)+3*sd:
		g.Delay, g.DelaySD = &by, new(time.Duration(max(sd, apart/2)))
	}
}

// freshen makes the delay of what a gauge shows, which is held for a refresh period, that of
// the power in a refresh.
func (g *LoadedGPU) freshen(period time.Duration) {
	if g.Delay != nil && *g.Delay > 0 {
		g.Delay = new(max(*g.Delay-period/2, 0))
	}
}

func mean(list []float64) (sum float64) {
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

// scatter returns the standard deviation of the mean of some values.
func scatter(list []float64) float64 {
	var squares float64
	n, middle := float64(len(list)), mean(list)
	for _, x := range list {
		squares += (x - middle) * (x - middle)
	}
	return math.Sqrt(squares / max(n-1, 1) / n)
}

// tail returns the time constant of the decay after the pauses, by the power between
// the first three ticks in each, of which the first is whole.
func (d *device) tail(pauses [][2]float64, on, off float64) *time.Duration {
	const visible = 0.03 // of the change
	var list []time.Duration
	for _, p := range pauses {
		i := slices.IndexFunc(d.ticks, func(x tick) bool { return x.lo >= p[0] })
		if i < 0 || i+2 >= len(d.ticks) {
			continue
		}
		first, second := between(d.ticks[i], d.ticks[i+1])-off, between(d.ticks[i+1], d.ticks[i+2])-off
		if second > visible*(on-off) && first > second {
			apart := d.ticks[i+1].mid() - d.ticks[i].mid()
			list = append(list, time.Duration(apart/math.Log(first/second)))
		}
	}
	if len(list) <= len(pauses)/2 {
		return nil
	}
	slices.Sort(list)
	return &list[len(list)/2]
}

// coverage compares the energy of the square wave with its power and time.
func (t *loadTest) coverage(d *device, s *schedule, on, off float64, g *LoadedGPU) {
	edge := float64(t.ticks(steadyTicks / 4)) // the load is off there
	from, to := s.waves[0][0]-edge, s.waves[waveCount-1][1]+edge
	a, ok := d.joules(from)
	b, ok2 := d.joules(to)
	var powers []float64
	ticks := d.clear()
	for i := 0; i+1 < len(ticks); i++ {
		if ticks[i].lo > s.waves[0][0] && ticks[i+1].hi < s.waves[waveCount-1][0] {
			powers = append(powers, between(ticks[i], ticks[i+1])-off)
		}
	}
	if !ok || !ok2 || len(powers) < waveCount/2 {
		s.note(uncovered + "too few ticks were seen during the square wave")
		return
	}
	lag := max(g.Fall.Abs(), g.Rise.Abs())
	if pulse := t.ticks(waveDuty * wavePeriod); lag < pulse/4 {
		// Of the lags, what is too much after a pulse and too little in it is energy
		// of the load too.
		length := waveCount * float64(*g.Fall-*g.Rise)
		for _, w := range s.waves {
			length += w[1] - w[0]
		}
		g.Coverage = thousandths((1e9*(b-a) - off*(to-from)) / ((on - off) * length))
	} else {
		s.note("GPU %s: coverage by energy was not measured: the power lags behind the load by %s, and the pulses take %s", d.UUID, took(&lag), took(&pulse))
	}
	if lag > t.period/2 {
		s.note("GPU %s: whether the counter integrates was not measured: the lag is longer than half a refresh period", d.UUID)
		return
	}
	modulation := modulation(powers)
	g.Modulation = thousandths(modulation)
	if full := modulation < 0.5; modulation >= 0 && full || modulation > 1 {
		g.Integrates = &full
	}
}

// modulation is by how much powers vary, but for the most extreme, over their mean.
func modulation(powers []float64) float64 {
	slices.Sort(powers)
	n := len(powers)
	return (powers[n*95/100] - powers[n*5/100]) / mean(powers)
}
