package energy

import "math"

// What other systems would report of the same windows. Each is given the ideal
// conditions: no latency, no scheduling delay.

// rival estimates the energy of the window from s to e.
type rival func(x *experiment) float64

// experiment is one window with everything that can be known of it.
type experiment struct {
	tr    *truth
	dev   *counter
	curve *curve
	s, e  float64
	phase float64 // of a periodic scraper, in [0, 1)
}

func (x *experiment) true() float64 { return x.tr.at(x.e) - x.tr.at(x.s) }

// tworead is the difference of two reads of the counter, as ZeusMonitor and
// trtllm-bench take it.
func tworead(x *experiment) float64 { return x.dev.show(x.e) - x.dev.show(x.s) }

// zeus is tworead with approx_instant_energy: where the difference is zero, the
// instant power (a mean of 25 ms, refreshed with the counter) times the time.
func zeus(x *experiment) float64 {
	if d := tworead(x); d != 0 {
		return d
	}
	return x.tr.power(x.dev.last(x.e), 0.025) * (x.e - x.s)
}

// aiperf scrapes every 333 ms: from the last scrape before the start to the
// first after the end.
func aiperf(x *experiment) float64 {
	const every = 0.333
	off := every * x.phase
	first := math.Floor((x.s-off)/every)*every + off
	last := math.Ceil((x.e-off)/every)*every + off
	return x.dev.show(last) - x.dev.show(first)
}

// inferencex is nvidia-smi at 1 Hz: the power of the last second, integrated
// by trapezoids with linear interpolation at both edges.
func inferencex(x *experiment) float64 {
	at := func(t float64) float64 {
		a := math.Floor(t-x.phase) + x.phase
		p, q := x.tr.power(a, 1), x.tr.power(a+1, 1)
		return p + (q-p)*(t-a)
	}
	sum, t := 0.0, x.s
	for t < x.e {
		next := min(math.Floor(t-x.phase)+1+x.phase, x.e)
		if next <= t {
			next = min(next+1, x.e)
		}
		sum += (at(t) + at(next-1e-9)) / 2 * (next - t)
		t = next
	}
	return sum
}

// interp interpolates linearly between the ticks that our own poller saw.
func interp(x *experiment) float64 {
	at := func(t float64) float64 {
		ticks := x.curve.ticks
		for i := 1; i < len(ticks); i++ {
			a, b := ticks[i-1].Mid()/second, ticks[i].Mid()/second
			if t <= b || i == len(ticks)-1 {
				return ticks[i-1].Joules + (ticks[i].Joules-ticks[i-1].Joules)*(t-a)/(b-a)
			}
		}
		return math.NaN()
	}
	return at(x.e) - at(x.s)
}
