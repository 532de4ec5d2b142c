package main

import (
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A loadCheck is what the counters made of a load.
type loadCheck struct {
	GPUs []loadedGPU `json:"gpus"`
	// Notes say what could not be measured, and why.
	Notes []string `json:"notes,omitempty"`
}

// A loadedGPU is what one of them made of it. Null was not measured.
type loadedGPU struct {
	UUID string `json:"uuid"`
	// Watts is the power under load, and PausedWatts that while it is paused.
	Watts       *real `json:"watts"`
	PausedWatts *real `json:"paused_watts"`
	// Started is how long after the start of the command the power had risen half
	// way: most of it is what the command takes to begin.
	Started *time.Duration `json:"started_after_ns"`
	// Rise is by how much the counter lags behind a load that goes on, and Fall
	// behind one that is paused: the energy that is missing, or too much, over
	// the change of the power. It is the counter's delay with the ramp or the
	// tail of the power, which such a counter cannot tell apart. Medians.
	Rise *time.Duration `json:"rise_ns"`
	Fall *time.Duration `json:"fall_ns"`
	// Tail is the time constant with which the power decays after a pause begins;
	// null if it is too short for the ticks to show.
	Tail *time.Duration `json:"tail_ns"`
	// Coverage is the energy of a square wave by the counter over that of its
	// power and time: 1 for a counter that integrates all of the time. It is null
	// where the power follows the load too slowly for such short pulses.
	Coverage *real `json:"coverage"`
	// Modulation is how much the energy between two ticks varies along the wave,
	// over its mean: near 0 for a counter that integrates, and several times 1
	// for one that samples a part of the time.
	Modulation *real `json:"modulation"`
	// Integrates is what that says; null if it says neither.
	Integrates *bool `json:"integrates"`
}

// watts returns the power of each device under load; 0 where it is not known.
func (c *loadCheck) watts() []float64 {
	var list []float64
	for _, g := range c.GPUs {
		w := 0.0
		if g.Watts != nil {
			w = float64(*g.Watts)
		}
		list = append(list, w)
	}
	return list
}

// analyse looks at what was seen of every device.
func (t *loadTrial) analyse() *loadCheck {
	c := &loadCheck{}
	for i, s := range t.w.sights {
		g := loadedGPU{UUID: s.device.UUID}
		on, loaded := s.watts(t.steady[0], t.steady[1])
		if loaded && t.steady[1] > 0 {
			g.Watts = number(on, true)
			g.Started = t.start(i, on)
		}
		if s.device.Method == energy.Counter && len(t.pauses) > 0 {
			t.paused(s, i, &g)
		}
		c.GPUs = append(c.GPUs, g)
	}
	c.Notes = t.notes
	return c
}

// start returns how long after the start of the command the power had risen half
// way to that under load; nil if it has not.
func (t *loadTrial) start(device int, on float64) *time.Duration {
	s := t.w.sights[device]
	for i := 1; i < len(s.ticks); i++ {
		a, b := s.ticks[i-1], s.ticks[i]
		if a.mid() < t.started {
			continue
		}
		watts := (b.value - a.value) / (b.mid() - a.mid()) * 1e9
		if s.device.Method == energy.Gauge {
			watts = b.value
		}
		if watts >= (t.idle[device]+on)/2 && on > t.idle[device]+leastWatts {
			after := time.Duration(b.mid() - t.started)
			return &after
		}
	}
	return nil
}

// A swing is one pause: the power of a device before, in and after it, and by how
// much the counter lags, in ns.
type swing struct{ before, off, after, fall, rise float64 }

// swings looks at the pauses. Powers are those of the half of each stretch in which
// they are steady.
func (t *loadTrial) swings(s *sight) (list []swing) {
	length := float64(t.ticks(pauseTicks))
	for _, p := range t.pauses {
		before, ok1 := s.watts(p[0]-length/2, p[0])
		off, ok2 := s.watts(p[1]-length/2, p[1])
		after, ok3 := s.watts(p[1]+length/2, p[1]+length)
		from, ok4 := s.joules(p[0] - length/3)
		low, ok5 := s.joules(p[1] - length/3)
		to, ok6 := s.joules(p[1] + length*2/3)
		if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
			continue
		}
		x := swing{before: before, off: off, after: after}
		x.fall = (1e9*(low-from) - before*length/3 - off*(p[1]-p[0]-length/3)) / (before - off)
		x.rise = (off*length/3 + after*length*2/3 - 1e9*(to-low)) / (after - off)
		list = append(list, x)
	}
	return list
}

// joules returns the energy at a time between two ticks, where the power is steady.
func (s *sight) joules(at float64) (joules float64, ok bool) {
	for i := 1; i < len(s.ticks); i++ {
		a, b := s.ticks[i-1], s.ticks[i]
		if a.mid() <= at && at <= b.mid() && !b.broken {
			return a.value + (b.value-a.value)*(at-a.mid())/(b.mid()-a.mid()), true
		}
	}
	return 0, false
}

// switches reports whether the pauses were seen by a device: a load whose work is
// queued, or that has other processes, goes on.
func (t *loadTrial) switches() bool {
	for i, s := range t.w.sights {
		if s.device.Method == energy.Counter && t.switched(i, t.swings(s)) {
			return true
		}
	}
	t.note("delay, tail and coverage were not measured: the power did not fall while the command was stopped; its work goes on without it")
	return false
}

func (t *loadTrial) switched(device int, list []swing) bool {
	for _, x := range list {
		if x.before-x.off > max(leastWatts, 0.3*(x.before-t.idle[device])) {
			return true
		}
	}
	return false
}

// paused says what the counter made of the pauses and of the square wave.
func (t *loadTrial) paused(s *sight, device int, g *loadedGPU) {
	list := t.swings(s)
	if !t.switched(device, list) {
		return
	}
	pick := func(f func(swing) float64) float64 {
		var all []float64
		for _, x := range list {
			all = append(all, f(x))
		}
		slices.Sort(all)
		return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	on, off := pick(func(x swing) float64 { return x.before }), pick(func(x swing) float64 { return x.off })
	fall, rise := time.Duration(pick(func(x swing) float64 { return x.fall })), time.Duration(pick(func(x swing) float64 { return x.rise }))
	g.PausedWatts, g.Fall, g.Rise = number(off, true), &fall, &rise
	g.Tail = t.tail(s, on, off)
	if len(t.waves) == waveCount {
		t.coverage(s, on, off, g)
	}
}

// tail returns the time constant of the decay after the pauses, by the power between
// the first three ticks in each, of which the first is whole.
func (t *loadTrial) tail(s *sight, on, off float64) *time.Duration {
	const visible = 0.03 // of the change
	var list []time.Duration
	for _, p := range t.pauses {
		i := slices.IndexFunc(s.ticks, func(x sighted) bool { return x.lo >= p[0] })
		if i < 0 || i+2 >= len(s.ticks) {
			continue
		}
		first, second := s.between(i)-off, s.between(i+1)-off
		if second > visible*(on-off) && first > second {
			apart := s.ticks[i+1].mid() - s.ticks[i].mid()
			list = append(list, time.Duration(apart/math.Log(first/second)))
		}
	}
	if len(list) <= len(t.pauses)/2 {
		return nil
	}
	slices.Sort(list)
	return &list[len(list)/2]
}

// between returns the power between a tick and the next.
func (s *sight) between(i int) float64 {
	a, b := s.ticks[i], s.ticks[i+1]
	return (b.value - a.value) / (b.mid() - a.mid()) * 1e9
}

// coverage compares the energy of the square wave with its power and time.
func (t *loadTrial) coverage(s *sight, on, off float64, g *loadedGPU) {
	edge := float64(t.ticks(steadyTicks / 4)) // the load is off there
	from, to := t.waves[0][0]-edge, t.waves[waveCount-1][1]+edge
	var length float64
	for _, w := range t.waves {
		length += w[1] - w[0]
	}
	a, ok := s.joules(from)
	b, ok2 := s.joules(to)
	var powers []float64
	for i := 0; i+1 < len(s.ticks); i++ {
		if s.ticks[i].lo > t.waves[0][0] && s.ticks[i+1].hi < t.waves[waveCount-1][0] {
			powers = append(powers, s.between(i)-off)
		}
	}
	if !ok || !ok2 || len(powers) < waveCount/2 {
		t.note("coverage was not measured: too few ticks were seen during the square wave")
		return
	}
	lag := max(g.Fall.Abs(), g.Rise.Abs())
	if pulse := t.ticks(waveDuty * wavePeriod); lag < pulse/4 {
		// Of the lags, what is too much after a pulse and too little in it is energy
		// of the load too.
		length += waveCount * float64(*g.Fall-*g.Rise)
		g.Coverage = number(roundErr((1e9*(b-a)-off*(to-from))/((on-off)*length)), true)
	} else {
		t.note("GPU %s: coverage by energy was not measured: the power lags behind the load by %s, and the pulses take %s", s.device.UUID, took(&lag), took(&pulse))
	}
	if lag > t.period/2 {
		t.note("GPU %s: whether the counter integrates was not measured: with such a lag the pulses are no pulses", s.device.UUID)
		return
	}
	sum := 0.0
	for _, p := range powers {
		sum += p
	}
	slices.Sort(powers)
	n := len(powers)
	modulation := (powers[n*95/100] - powers[n*5/100]) / (sum / float64(n))
	g.Modulation = number(roundErr(modulation), true)
	if full := modulation < 0.5; modulation >= 0 && full || modulation > 1 {
		g.Integrates = &full
	}
}
