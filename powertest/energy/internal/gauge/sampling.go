package gauge

import "math"

// plateau is readings in a row that agree.
type plateau struct{ first, last int } // last is one more

// sampled is what readings say of the power between them, for sensors that see a part of
// the time.
type sampled struct {
	list     course
	spacing  float64
	plateaus []plateau
	// restless is readings between plateaus, of a load that has a pace of its own which
	// the sensor may be blind to, with the plateaus among and beside them.
	restless plateau
	scatter  float64 // of them, as a standard deviation
	inStep   float64 // how like one is to the next: a correlation
	reach    float64 // from the lowest to the highest
}

// Readings agree within agreeing of themselves, or coarse of the highest. A plateau
// has enough of them.
const (
	agreeing     = 0.03
	coarse       = 0.008
	plateauOf    = 5
	plateauOfFew = 3
	restlessFrom = 0.12 // share of readings that are in no plateau
	beyond       = 1.0  // seconds around them that they may be of
)

// newSampled looks at readings.
func newSampled(list course, spacing float64, t traits) *sampled {
	s := &sampled{list: list, spacing: spacing}
	enough := plateauOf
	if spacing >= slowest {
		enough = plateauOfFew
	}
	var loose []int
	for i := 0; i < len(list); {
		j, lo, hi := i, list[i].watts, list[i].watts
		for j+1 < len(list) {
			l, h := min(lo, list[j+1].watts), max(hi, list[j+1].watts)
			if h-l > max(agreeing*h, coarse*t.most) {
				break
			}
			lo, hi, j = l, h, j+1
		}
		if j+1-i >= enough {
			s.plateaus = append(s.plateaus, plateau{i, j + 1})
			i = j + 1
			continue
		}
		loose = append(loose, i)
		i++
	}
	s.unrest(loose, t)
	return s
}

// unrest sets what is restless.
func (s *sampled) unrest(loose []int, t traits) {
	n := len(loose)
	if n <= 6 {
		return
	}
	first, last := loose[0], loose[n-1]+1
	// A true step takes some readings, more if none is fast.
	per := 3.0
	if t.fastest < 0.35 {
		per += 1.3 / s.spacing
	}
	steps := 1.0
	for _, p := range s.plateaus {
		if first <= p.first && p.first <= last {
			steps++
		}
	}
	if float64(n) <= max(restlessFrom*float64(last-first), per*steps) {
		return
	}
	s.restless = plateau{first, last}
	s.scatter, s.inStep, s.reach = scatterOf(s.list[first:last])
}

// scatterOf returns the standard deviation of readings, the correlation of each with the
// next, and their range.
func scatterOf(list course) (sd, rho, reach float64) {
	mean, lo, hi := 0.0, math.Inf(1), math.Inf(-1)
	for _, r := range list {
		mean += r.watts / float64(len(list))
		lo, hi = min(lo, r.watts), max(hi, r.watts)
	}
	product, square := 0.0, 0.0
	for i, r := range list {
		square += sq(r.watts - mean)
		if i > 0 {
			product += (r.watts - mean) * (list[i-1].watts - mean)
		}
	}
	return math.Sqrt(square / float64(len(list))), min(max(product/max(square, 1e-12), 0), 0.99), hi - lo
}

// misses returns how many joules readings that see a share of the time may miss of a
// span, as ±.
func (s *sampled) misses(v stretch, share float64) (joules float64) {
	if share > seesAll {
		return 0
	}
	of := func(from, to, sd, rho, reach, least float64) {
		if on := min(to, v.end) - max(from, v.start); on > 0 {
			n := max(on/s.spacing*(1-rho)/(1+rho), least)
			joules += min(z99*sd/math.Sqrt(n), reach) * on * (1 - share)
		}
	}
	if r := s.restless; r.last > 0 {
		of(s.list[r.first].at-s.spacing-beyond, s.list[r.last-1].at+s.spacing+beyond, s.scatter, s.inStep, s.reach, 0.5)
	}
	for _, p := range s.plateaus {
		if r := s.restless; p.first >= r.first && p.last <= r.last {
			continue
		}
		from, to := s.list[p.first].at-s.spacing/2, s.list[p.last-1].at+s.spacing/2
		if to < v.start || from > v.end {
			continue
		}
		sd, rho, reach := scatterOf(s.list[p.first:p.last])
		of(from, to, sd, rho, reach, 1)
	}
	return joules
}
