package energy

import (
	"math"
	"slices"
	"time"
)

// energyPoint is the energy since some moment, up to a time in ns. The variances of the time
// and of the joules are known.
type energyPoint struct{ at, joules, variance, quantum float64 }

// maxIdlePoints bounds how far back idle power is looked for.
const maxIdlePoints = 32

// pointsBetween returns the newest ticks in a row after an edge and up to a time; of a
// gauge, its integral at distances of a refresh period.
func (c *curve) pointsBetween(edge, till int64) []energyPoint {
	if edge != math.MinInt64 {
		edge += c.reach() + c.late()
	}
	var list []energyPoint
	if c.device.Method == Gauge {
		return c.gaugePoints(edge, till)
	}
	behind, quantum := sq(float64(c.device.Behind))/12, sq(c.device.Resolution)/12
	for _, t := range slices.Backward(c.ticks) {
		if t.Hi > till {
			continue
		}
		if t.Inferred || t.Epoch != c.epoch || t.Lo < edge || len(list) == maxIdlePoints {
			break
		}
		if len(list) > 0 && t.Mid() >= list[len(list)-1].at {
			continue // of one reading
		}
		// Uniform between the readings, and its energy up to behind older.
		list = append(list, energyPoint{t.Mid(), t.Joules, sq(float64(t.Hi-t.Lo))/12 + behind, quantum})
	}
	slices.Reverse(list)
	return sharp(list)
}

// sharp leaves out ticks whose times are known far worse than those of most: where nothing
// was read between two windows. The energy over them is still known.
func sharp(points []energyPoint) []energyPoint {
	if len(points) == 0 {
		return nil
	}
	variances := make([]float64, len(points))
	for i, p := range points {
		variances[i] = p.variance
	}
	slices.Sort(variances)
	most := 4 * variances[len(variances)/2]
	return slices.DeleteFunc(points, func(p energyPoint) bool { return p.variance > most })
}

// unseenShare is how much of a refresh period of a gauge may lie on the other side of an
// edge, as a standard deviation.
const unseenShare = 0.03

func (c *curve) gaugePoints(edge, till int64) []energyPoint {
	step := int64(c.expected())
	if len(c.power.Samples()) == 0 || step <= 0 {
		return nil
	}
	edge = max(edge, c.power.Samples()[0].At)
	var list []energyPoint
	for at := min(till, c.power.Seen()); at >= edge && len(list) < maxIdlePoints; at -= step {
		list = append(list, energyPoint{at: float64(at), variance: sq(unseenShare * float64(step))})
	}
	slices.Reverse(list)
	for i := 1; i < len(list); i++ {
		list[i].joules = list[i-1].joules + c.power.Joules(int64(list[i-1].at), int64(list[i].at))
	}
	return list
}

func sq(x float64) float64 { return x * x }

// powerBetween returns the mean power in watts from one point to another, and its variance.
func powerBetween(a, b energyPoint) (watts, variance float64) {
	ns := b.at - a.at
	watts = (b.joules - a.joules) / ns * float64(time.Second)
	return watts, sq(watts/ns)*(a.variance+b.variance) + sq(float64(time.Second)/ns)*(a.quantum+b.quantum)
}

// settledPower returns the power of the newest points that agree: the newest idleTicks
// intervals, and those before them that fit.
func settledPower(points []energyPoint) idlePower {
	n := len(points) - 1 // intervals
	if n < leastIdle {
		return idlePower{}
	}
	last := points[n]
	first := max(n-idleTicks, 0)
	mean, v := powerBetween(points[first], last)
	middle := points[(first+n)/2]
	early, v1 := powerBetween(points[first], middle)
	late, v2 := powerBetween(middle, last)
	drift := math.Abs(early - late)
	p := idlePower{known: true, intervals: n, settled: drift <= 2*math.Sqrt(v1+v2)+idleShare*mean}
	if !p.settled {
		// It may go on as it did.
		mean, v = late, v2
	}
	best := first
	if p.settled {
		best = agreeing(points, first)
		mean, v = powerBetween(points[best], last)
	}
	half := z99*math.Sqrt(v+scatter(points[best:], mean)+sq(idleShare*mean)) + max(drift-2*math.Sqrt(v1+v2), 0)
	if !p.settled {
		half += drift
	}
	p.PowerEstimate = PowerEstimate{Watts: mean, Low: max(mean-half, 0), High: mean + half}
	return p
}

// agreeing returns the index from which on the points agree with the mean of those from
// first on. The oldest that do are left out: a tail may end in them.
func agreeing(points []energyPoint, first int) int {
	const oldest = 2
	mean, v := powerBetween(points[first], points[len(points)-1])
	i := first
	for ; i > 0; i-- {
		watts, vi := powerBetween(points[i-1], points[i])
		if math.Abs(watts-mean) > 2*math.Sqrt(vi+v)+idleShare*mean {
			break
		}
	}
	return min(i+oldest, first)
}

// z99 is half the width of an interval in standard deviations: 99 % of a normal
// distribution.
const z99 = 2.6

// scatter returns the variance of the mean that comes from how the power of the intervals
// differs by more than the times of the ticks explain.
func scatter(points []energyPoint, mean float64) float64 {
	excess, n := 0.0, float64(len(points)-1)
	for i := 1; i < len(points); i++ {
		watts, v := powerBetween(points[i-1], points[i])
		excess += sq(watts-mean) - v
	}
	return max(excess, 0) / n / max(n-1, 1)
}
