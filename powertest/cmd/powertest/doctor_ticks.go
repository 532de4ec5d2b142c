package main

import (
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// statistics says what was seen of a counter.
func (s *sight) statistics() counterCheck {
	d := s.device
	c := counterCheck{
		Method: d.Method, Via: d.Metric, Ticks: len(s.ticks), Resets: s.resets,
		Resolution: number(d.Resolution, d.Resolution > 0),
		Age:        s.age, Readings: s.read, Failed: s.failures,
	}
	if p := s.period(); p > 0 {
		c.Period = &p
		c.Missed, c.Jitter = s.regularity(p)
		c.Within = s.within()
	}
	c.Step = s.step()
	if watts, ok := s.watts(math.Inf(-1), math.Inf(1)); ok {
		c.Watts = number(watts, true)
	}
	if len(s.calls) > 0 {
		sorted := slices.Sorted(slices.Values(s.calls))
		c.CallP50, c.CallP99 = quantile(sorted, 0.5), quantile(sorted, 0.99)
	}
	return c
}

// quantile returns the smallest value that a share q of the values does not exceed.
func quantile(sorted []time.Duration, q float64) *time.Duration {
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return &sorted[max(i, 0)]
}

// intervals returns the times between ticks, but for those across a reset.
func (s *sight) intervals() []float64 {
	var list []float64
	for i := 1; i < len(s.ticks); i++ {
		if !s.ticks[i].broken && !s.ticks[i-1].broken {
			list = append(list, s.ticks[i].mid()-s.ticks[i-1].mid())
		}
	}
	return list
}

// period returns the median time between two ticks, which a missed tick does not
// double; 0 if fewer than three were seen.
func (s *sight) period() time.Duration {
	list := s.intervals()
	if len(list) < 2 {
		return 0
	}
	slices.Sort(list)
	return time.Duration(math.Round((list[(len(list)-1)/2] + list[len(list)/2]) / 2))
}

// regularity returns how many ticks are missing between those that were seen, and
// the standard deviation of the intervals without a missing one; nil if there are
// too few.
func (s *sight) regularity(period time.Duration) (missed int, jitter *time.Duration) {
	var sum, squares, n float64
	for _, x := range s.intervals() {
		if k := math.Round(x / float64(period)); k > 1 {
			missed += int(k) - 1
			continue
		}
		off := x - float64(period)
		sum, squares, n = sum+off, squares+off*off, n+1
	}
	if n < 3 {
		return missed, nil
	}
	sd := time.Duration(math.Sqrt(max(squares-sum*sum/n, 0) / (n - 1)))
	return missed, &sd
}

// within returns the median time within which a tick was seen.
func (s *sight) within() *time.Duration {
	var widths []time.Duration
	for _, t := range s.ticks {
		widths = append(widths, time.Duration(t.hi-t.lo))
	}
	slices.Sort(widths)
	return quantile(widths, 0.5)
}

// step returns the smallest change that was seen; nil if there was none.
func (s *sight) step() *real {
	smallest := math.Inf(1)
	for i := 1; i < len(s.ticks); i++ {
		if change := math.Abs(s.ticks[i].value - s.ticks[i-1].value); change > 0 && !s.ticks[i].broken {
			smallest = min(smallest, change)
		}
	}
	if math.IsInf(smallest, 1) {
		return nil
	}
	x := real(math.Round(smallest*1e6) / 1e6)
	return &x
}

// watts returns the mean power from the first tick after one time to the last
// before another, in ns since the base of the watch. ok is false if there are not
// two such ticks, or a reset between them.
func (s *sight) watts(from, to float64) (watts float64, ok bool) {
	if s.device.Method == energy.Gauge {
		return s.meanGauge(from, to)
	}
	first, last := -1, -1
	for i, t := range s.ticks {
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
	a, b := s.ticks[first], s.ticks[last]
	return (b.value - a.value) / (b.mid() - a.mid()) * float64(time.Second), true
}

// meanGauge returns the mean of what a gauge showed, weighted by time.
func (s *sight) meanGauge(from, to float64) (watts float64, ok bool) {
	if len(s.ticks) == 0 {
		return s.last.Watts, s.seen && s.last.HasWatts // it never changed
	}
	area, time := 0.0, 0.0
	for i := 1; i < len(s.ticks); i++ {
		a, b := s.ticks[i-1], s.ticks[i]
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
