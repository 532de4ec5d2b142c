package gauge

import (
	"math"
	"slices"
)

// traits is what readings show of their sensor and of the device.
type traits struct {
	spacing float64 // of readings, in seconds: the median
	gap     float64 // the longest between two, in seconds
	refresh float64 // time between two changes, in seconds; 0 if it cannot be seen
	fastest float64 // the largest change within a refresh, as a share of the range of readings; 0 if the power hardly changed
	least   float64 // reading, in watts
	most    float64
	// moves reports whether there are two different readings.
	moves bool
}

// typical is how many samples show how far apart they are.
const typical = 8192

// enoughChanges is how many changes show how often a value is refreshed, and unresolved is
// how many times as far apart as the readings they must be.
const (
	enoughChanges = 8
	unresolved    = 2.5
	slowest       = 0.3 // refresh that a sensor is known to have, in seconds
	quick         = 0.06
	still         = 0.05 // of the highest reading, is no change of power
)

// traitsOf returns what samples show. refresh is what is known of the sensor's, in
// seconds; 0 if nothing is.
func traitsOf(list []Sample, refresh float64) traits {
	t := traits{least: math.Inf(1)}
	var gaps, changes []float64
	for i, x := range list {
		t.least, t.most = min(t.least, x.Watts), max(t.most, x.Watts)
		t.moves = t.moves || x.Watts != list[0].Watts
		if i > 0 {
			before := list[i-1]
			gap := float64(x.At-before.Until) / second
			if t.gap = max(t.gap, gap); i < typical {
				gaps, changes = append(gaps, gap), append(changes, float64(x.At-before.At)/second)
			}
		}
		if x.Until > x.At {
			inside := float64(x.Gap) / second
			t.gap = max(t.gap, inside)
			// As many as there can have been, up to a number that decides a median.
			for n := math.Round(float64(x.Until-x.At) / float64(x.Gap)); n > 0 && i < typical && len(gaps) < 4*typical; n-- {
				gaps = append(gaps, inside)
			}
		}
	}
	t.spacing = median(gaps)
	t.refresh = refresh
	if seen := median(changes); len(changes) >= enoughChanges {
		switch {
		case seen >= unresolved*t.spacing && (seen <= slowest || refresh > slowest):
			t.refresh = seen
		case refresh == 0 && t.spacing < quick:
			t.refresh = max(seen, t.spacing)
		}
	}
	t.steps(list)
	return t
}

// steps sets the fastest change.
func (t *traits) steps(list []Sample) {
	reach := t.most - t.least
	if reach <= still*t.most || len(list) < 3 {
		return
	}
	step := max(t.period(), t.spacing)
	for i := 1; i < len(list); i++ {
		over := 1.0
		// What was held for long has changed meanwhile.
		if took := float64(list[i].At-list[i-1].At) / second; took > 1.5*step {
			over = 2 + took/step
		}
		t.fastest = max(t.fastest, math.Abs(list[i].Watts-list[i-1].Watts)/over/reach)
	}
}

// period returns the refresh period, or what is usual.
func (t *traits) period() float64 {
	if t.refresh > 0 {
		return t.refresh
	}
	return usualRefresh / second
}

// dense reports whether the readings are close enough to show steps as they are.
func (t *traits) dense() bool { return t.spacing < 1.6*t.period() }

// possible returns those of the kernels that the readings do not rule out; all, if they
// rule out all.
func (t *traits) possible(kernels []Kernel) (list []Kernel) {
	if len(kernels) == 1 {
		return kernels
	}
	for _, k := range kernels {
		if t.allows(k) {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return kernels
	}
	return list
}

// sudden is the share of a step that short means show at once, and gradual the most that
// exponential ones do.
const (
	sudden  = 0.3
	gradual = 0.85
	// seldom is how many times rarer than it could a sensor is refreshed, if it is.
	seldom = 4.5
)

func (t *traits) allows(k Kernel) bool {
	period := t.period()
	step := max(period, t.spacing)
	if t.spacing > period {
		step += t.spacing
	}
	slow := t.fastest == 0 || t.fastest < 1.15*step+0.05
	switch {
	case float64(k.Longest)/second >= longMean:
		return slow
	case t.refresh > 0 && float64(k.Longest)/second < t.refresh/seldom:
		return false
	case t.fastest == 0 || !t.dense():
		return true
	case k.Exponential:
		return !slow && t.fastest <= gradual
	}
	return t.fastest > sudden
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
