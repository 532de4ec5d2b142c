package gauge

import "math"

// refresh is one refresh of a gauge: at a time known to ± within, in seconds.
type refresh struct {
	at, within float64
	watts      float64
	// doubt is by how much the value may be another: of a refresh that is taken to have
	// shown the same value as the one before, where that was held and then jumped.
	doubt float64
}

// timeline is the samples of a series as refreshes, with times in seconds from origin.
type timeline struct {
	series  *Series
	origin  int64
	refresh float64
	jump    float64 // is no noise, in watts
	stalls  bool    // it may be refreshed more seldom when idle
}

func (l timeline) seconds(t int64) float64 { return float64(t-l.origin) / second }

// Of a sensor that stalls a value is taken to have been held, and not refreshed to the
// same, if it was shown for stalledFor refreshes and then jumped by more than jumpShare of
// the range of readings: for the last longestStall, in seconds. Long means of GA10x are
// refreshed once a second when idle.
const (
	stalledFor   = 2.5
	jumpShare    = 0.03
	longestStall = 1.1
)

// first returns when sample i was first shown.
func (l timeline) first(i int) (at, within float64) {
	s := l.series
	x := s.samples[i]
	hi := l.seconds(x.At)
	switch {
	case s.Sensor.Stamped:
		return hi, 0
	case i == 0:
		return hi - l.refresh/2, l.refresh / 2
	}
	gap := min(hi-l.seconds(s.samples[i-1].Until), l.refresh)
	return hi - gap/2, gap / 2
}

// last returns when sample i was last refreshed, first if it was not or has stalled, and by
// how much it then jumped.
func (l timeline) last(i int, first float64) (at, jump float64) {
	s := l.series
	until := l.seconds(s.samples[i].Until)
	if i+1 == len(s.samples) {
		return max(first, until-l.refresh/2), 0
	}
	next, _ := l.first(i + 1)
	jump = math.Abs(s.samples[i+1].Watts - s.samples[i].Watts)
	if until <= l.seconds(s.samples[i].At) {
		return first, jump
	}
	at = min(until, next-l.refresh)
	if gap := float64(s.samples[i].Gap) / second; l.stalls && next-first > stalledFor*l.refresh && jump > l.jump && 2*gap < longestStall {
		at = min(at, next-longestStall)
	}
	return max(first, at), jump
}

// times returns how often sample i was refreshed to the same value over a time.
func (l timeline) times(i int, over float64) float64 {
	return max(math.Round(over/max(l.refresh, float64(l.series.samples[i].Gap)/second)), 1)
}

// between returns the refreshes from one time to another.
func (l timeline) between(from, to float64) []refresh {
	first, last := l.near(from, to)
	list := make([]refresh, 0, last-first+16)
	for i := first; i < last; i++ {
		watts := l.series.samples[i].Watts
		begin, within := l.first(i)
		if begin >= from && begin <= to {
			list = append(list, refresh{at: begin, within: within, watts: watts})
		}
		end, jump := l.last(i, begin)
		if end <= begin {
			continue
		}
		n := l.times(i, end-begin)
		step := (end - begin) / n
		for k := max(math.Ceil((from-begin)/step), 1); k <= n && begin+k*step <= to; k++ {
			r := refresh{begin + k*step, step / 4, watts, 0}
			if n < 3 || l.stalls && end-r.at < longestStall {
				r.doubt = jump
			}
			list = append(list, r)
		}
	}
	return list
}

// near returns the range of samples that were shown from one time to another.
func (l timeline) near(from, to float64) (first, last int) {
	at := func(t float64) int64 { return l.origin + int64(t*second) }
	return l.series.before(at(from)), min(l.series.before(at(to))+2, len(l.series.samples))
}
