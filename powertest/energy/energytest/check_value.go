package energytest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// sampled reads all devices several times in each refresh period, for ten of the
// longest, and returns the readings by device.
func sampled(src energy.Source) [][]energy.Reading {
	const periods, inEach, most = 10, 4, 1000
	length := periods * longestPeriod(src)
	pause := length
	for _, d := range src.Devices() {
		pause = min(pause, src.Info().PeriodOf(d)/inEach)
	}
	pause = max(pause, length/most)
	r := all(src)
	list := make([][]energy.Reading, len(r))
	for start := time.Now(); ; time.Sleep(pause) {
		src.Read(r)
		for i := range r {
			list[i] = append(list[i], r[i])
		}
		if time.Since(start) >= length {
			return list
		}
	}
}

func checkResolution(s *suite, src energy.Source) error {
	claimed := false
	for _, d := range src.Devices() {
		claimed = claimed || d.Method == energy.Counter && d.Resolution > 0
	}
	if s.static || !claimed {
		return nil
	}
	var errs []error
	for i, list := range sampled(src) {
		if d := src.Devices()[i]; d.Method == energy.Counter && d.Resolution > 0 {
			errs = append(errs, checkSteps(i, list, d.Resolution))
		}
	}
	return errors.Join(errs...)
}

// checkSteps checks that a counter changes by multiples of its resolution, within a
// share of a step: a tool may have rounded the values.
func checkSteps(i int, list []energy.Reading, resolution float64) error {
	const share = 0.05
	last := math.NaN()
	for _, r := range list {
		if !r.HasJoules {
			continue
		}
		steps := (r.Joules - last) / resolution
		// Large values are not exact themselves.
		rounding := 2 * (math.Nextafter(r.Joules, math.Inf(1)) - r.Joules) / resolution
		if off := math.Abs(steps - math.Round(steps)); off > share+rounding {
			return fmt.Errorf("device %d: the counter changed by %v J, which is not a multiple of its resolution of %v J", i, r.Joules-last, resolution)
		}
		last = r.Joules
	}
	return nil
}

func checkPower(s *suite, src energy.Source) error {
	if s.high == 0 {
		return nil
	}
	var errs []error
	for i, list := range sampled(src) {
		for _, r := range list {
			if r.HasWatts && !(r.Watts >= s.low && r.Watts <= s.high) {
				errs = append(errs, fmt.Errorf("device %d: a reading has %v W, and %v W to %v W are expected", i, r.Watts, s.low, s.high))
				break
			}
		}
		if low, high, known := counted(list); known && !s.static && (high < s.low || low > s.high) {
			errs = append(errs, fmt.Errorf("device %d: the counter shows %.4g W to %.4g W, and %v W to %v W are expected", i, low, high, s.low, s.high))
		}
	}
	return errors.Join(errs...)
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

func checkWrap(s *suite, src energy.Source) error {
	if s.advance == nil {
		return nil
	}
	const steps, share = 6, 0.4 // which is more than two wraps
	const tolerance = 1e-3
	step := share * s.wrap
	before, after := all(src), all(src)
	src.Read(before)
	for n := range steps {
		s.advance(step)
		if err := s.untilGained(src, before, after, step*(1-tolerance)); err != nil {
			return err
		}
		for i, d := range src.Devices() {
			gained := after[i].Joules - before[i].Joules
			if d.Method == energy.Counter && !(math.Abs(gained-step) <= tolerance*s.wrap+2*d.Resolution) {
				return fmt.Errorf("device %d: step %d of %v J was shown as %v J, of a counter that wraps at %v J", i, n+1, step, gained, s.wrap)
			}
		}
		copy(before, after)
	}
	return nil
}

// untilGained reads until all counters have gained joules, or for as long as a tick
// may take.
func (s *suite) untilGained(src energy.Source, before, after []energy.Reading, joules float64) error {
	period := longestPeriod(src)
	for start := time.Now(); ; time.Sleep(period / 4) {
		src.Read(after)
		shown := true
		for i, d := range src.Devices() {
			if d.Method != energy.Counter {
				continue
			}
			if !after[i].HasJoules || !before[i].HasJoules {
				return fmt.Errorf("device %d: a reading has no joules: %w", i, errors.Join(after[i].Err, before[i].Err))
			}
			shown = shown && after[i].Joules-before[i].Joules >= joules
		}
		if shown || time.Since(start) > 2*period {
			return nil
		}
	}
}
