package energytest

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

func checkMonotone(s *suite, src energy.Source) error {
	r := all(src)
	last := all(src)
	var errs []error
	const reads = 30
	pause := longestPeriod(src) / 10
	if s.static {
		pause = 0
	}
	for range reads {
		src.Read(r)
		for i := range r {
			if !r[i].HasJoules {
				continue
			}
			if last[i].HasJoules && r[i].Joules < last[i].Joules {
				errs = append(errs, fmt.Errorf("device %d: the counter went down from %v J to %v J", i, last[i].Joules, r[i].Joules))
			}
			last[i] = r[i]
		}
		time.Sleep(pause)
	}
	return errors.Join(errs...)
}

func checkTicks(s *suite, src energy.Source) error {
	if s.static {
		return nil
	}
	var errs []error
	for i, d := range src.Devices() {
		if d.Method == energy.Counter {
			errs = append(errs, s.checkTick(src, i, src.Info().PeriodOf(d)))
		}
	}
	return errors.Join(errs...)
}

// checkTick waits for the counter of device i to change.
func (s *suite) checkTick(src energy.Source, i int, period time.Duration) error {
	r := []energy.Reading{{Device: i}}
	src.Read(r)
	first, start := r[0], time.Now()
	limit := 10*period + s.maxWait
	for time.Since(start) <= limit {
		time.Sleep(period / 4)
		src.Read(r)
		if r[0].Err != nil || !r[0].HasJoules {
			return nil // the case "presence" says what is wrong with that
		}
		if r[0].Joules != first.Joules {
			return nil
		}
		if !time.Now().After(start) {
			return nil // a clock that stands still shows no ticks
		}
	}
	return fmt.Errorf("device %d: the counter stood at %v J for %v; its refresh period is said to be %v", i, first.Joules, limit, period)
}
