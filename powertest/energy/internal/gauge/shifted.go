package gauge

import "math"

// Of a sensor that nothing is known of: how old its power can be, in steps; and how much
// of a step in the power near an edge it may hide, in seconds.
const (
	shiftStep  = 0.05
	hides      = 0.13
	swings     = 0.3
	readBefore = 1.1
	readAfter  = 1.3
	held       = 0.25 // longer than that a value was not refreshed, in seconds
	someShare  = 0.25 // of the time is seen at least
)

// shifted returns the energy by readings of any age, within what is possible, with what
// they may hide at each edge.
func (v *view) shifted() (r Result) {
	stalled := v.stalled()
	low, high := v.series.Sensor.ages()
	from, to := float64(low)/second, float64(high)/second+stalled
	r.Mean = v.at((from + to) / 2)
	r.Low, r.High = r.Mean, r.Mean
	for n, i := max(math.Ceil((to-from)/shiftStep), 1), 0.0; i <= n; i++ {
		joules := v.at(from + (to-from)*i/n)
		r.Low, r.High = min(r.Low, joules), max(r.High, joules)
	}
	half := levelError * v.most * v.length
	for _, x := range v.spans {
		half += x.share * (v.hidden(x.start, stalled) + v.hidden(x.end, stalled) + v.seen.misses(x, someShare))
	}
	r.Low, r.High = max(r.Low-half, 0), r.High+half
	return r
}

// at returns the energy if the power in all readings is of the same age, in seconds.
func (v *view) at(age float64) (joules float64) {
	for _, x := range v.spans {
		joules += x.share * v.course.integral(x.start+age, x.end+age)
	}
	return joules
}

// hidden returns how many joules may lie on the other side of an edge.
func (v *view) hidden(edge, stalled float64) float64 {
	first, last := v.near(edge-v.spacing-readBefore, edge+readAfter+v.spacing+stalled)
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range v.series.samples[first:last] {
		lo, hi = min(lo, x.Watts), max(hi, x.Watts)
	}
	slow := max(v.period()-usualRefresh/second, 0)
	if v.spacing > 0.05 {
		slow = max(slow, v.spacing)
	}
	return (hi-lo)*(hides+0.75*slow) + swings*v.swing(edge, oldest/second/2)
}

// swing is the standard deviation of a load that is idle or at its most at any time, in
// watts, and of the power that readings of an age show at an edge: what a long mean hides
// of it is in no reading.
func (v *view) swing(edge, age float64) float64 {
	power := v.course.at(edge + age).watts
	return math.Sqrt(max((overshoot*v.most-power)*(power-min(v.least, floor*v.most)), 0))
}

// stalled returns for how long a value was held that then jumped, in seconds.
func (v *view) stalled() (longest float64) {
	start, end := v.in.edges()
	s := v.series
	for i := s.before(start - around); i+1 < len(s.samples) && s.samples[i].At < end+around; i++ {
		took, gap := float64(s.samples[i+1].At-s.samples[i].At)/second, float64(s.samples[i].Gap)/second
		if took > held+gap && 0 < gap && gap < longestStall/2 && math.Abs(s.samples[i+1].Watts-s.samples[i].Watts) > v.jump {
			longest = max(longest, min(took, longestStall))
		}
	}
	return longest
}
