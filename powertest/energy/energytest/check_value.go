package energytest

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// sampled reads all devices several times in each refresh period, for ten of the
// longest, and returns the readings by device.
func (c *check) sampled() [][]energy.Reading {
	const periods, inEach, most = 10, 4, 1000
	length := periods * c.longestPeriod()
	pause := length
	for _, d := range c.src.Devices() {
		pause = min(pause, c.src.Info().PeriodOf(d)/inEach)
	}
	pause = max(pause, length/most)
	r := c.all()
	list := make([][]energy.Reading, len(r))
	for start := time.Now(); ; time.Sleep(pause) {
		c.src.Read(r)
		for i := range r {
			list[i] = append(list[i], r[i])
		}
		if time.Since(start) >= length {
			return list
		}
	}
}

func checkResolution(c *check) {
	claims := func(d energy.Device) bool { return d.Method == energy.Counter && d.Resolution > 0 }
	devices := c.src.Devices()
	if c.static || !slices.ContainsFunc(devices, claims) {
		return
	}
	for i, list := range c.sampled() {
		if claims(devices[i]) {
			c.checkSteps(i, list, devices[i].Resolution)
		}
	}
}

// checkSteps checks that a counter changes by multiples of its resolution, within a
// share of a step: a tool may have rounded the values.
func (c *check) checkSteps(i int, list []energy.Reading, resolution float64) {
	const share = 0.05
	last := math.NaN()
	for _, r := range list {
		if !r.HasJoules {
			continue
		}
		steps := (r.Joules - last) / resolution
		// Large values are not exact themselves.
		rounding := 2 * (math.Nextafter(r.Joules, math.Inf(1)) - r.Joules) / resolution
		if math.Abs(steps-math.Round(steps)) > share+rounding {
			c.errorf("device %d: the counter changed by %v J, which is not a multiple of its resolution of %v J",
				i, r.Joules-last, resolution)
			return
		}
		last = r.Joules
	}
}

func checkPower(c *check) {
	if c.high == 0 {
		return
	}
	for i, list := range c.sampled() {
		wrong := func(r energy.Reading) bool { return r.HasWatts && !(r.Watts >= c.low && r.Watts <= c.high) }
		if at := slices.IndexFunc(list, wrong); at >= 0 {
			c.errorf("device %d: a reading has %v W, and %v W to %v W are expected", i, list[at].Watts, c.low, c.high)
		}
		if low, high, known := counted(list); known && !c.static && (high < c.low || low > c.high) {
			c.errorf("device %d: the counter shows %.4g W to %.4g W, and %v W to %v W are expected", i, low, high, c.low, c.high)
		}
	}
}

// counted returns the least and the greatest power that a counter can have had
// between its first change and its last. Each change was at some time between two
// readings.
func counted(list []energy.Reading) (low, high float64, known bool) {
	type change struct {
		earliest, latest time.Time
		joules           float64
	}
	var changes []change
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.HasJoules && b.HasJoules && a.Joules != b.Joules {
			changes = append(changes, change{a.Before, b.After, b.Joules})
		}
	}
	if len(changes) < 2 {
		return 0, 0, false
	}
	first, last := changes[0], changes[len(changes)-1]
	joules := last.joules - first.joules
	low = joules / last.latest.Sub(first.earliest).Seconds()
	if shortest := last.earliest.Sub(first.latest); shortest > 0 {
		return low, joules / shortest.Seconds(), true
	}
	return low, math.Inf(1), true
}

func checkWrap(c *check) {
	if c.advance == nil {
		return
	}
	const steps, share = 6, 0.4 // which is more than two wraps
	const tolerance = 1e-3
	step := share * c.wrap
	before, after := c.all(), c.all()
	c.src.Read(before)
	for n := range steps {
		c.advance(step)
		if !c.untilGained(before, after, step*(1-tolerance)) {
			return
		}
		for i, d := range c.src.Devices() {
			gained := after[i].Joules - before[i].Joules
			if d.Method == energy.Counter && !(math.Abs(gained-step) <= tolerance*c.wrap+2*d.Resolution) {
				c.errorf("device %d: step %d of %v J was shown as %v J, of a counter that wraps at %v J",
					i, n+1, step, gained, c.wrap)
				return
			}
		}
		copy(before, after)
	}
}

// untilGained reads until all counters have gained joules, or for as long as a tick
// may take. It reports whether all of them have a value.
func (c *check) untilGained(before, after []energy.Reading, joules float64) bool {
	period := c.longestPeriod()
	for start := time.Now(); ; time.Sleep(period / 4) {
		c.src.Read(after)
		shown := true
		for i, d := range c.src.Devices() {
			if d.Method != energy.Counter {
				continue
			}
			if !after[i].HasJoules || !before[i].HasJoules {
				c.errorf("device %d: a reading has no joules: %w", i, errors.Join(after[i].Err, before[i].Err))
				return false
			}
			shown = shown && after[i].Joules-before[i].Joules >= joules
		}
		if shown || time.Since(start) > 2*period {
			return true
		}
	}
}
