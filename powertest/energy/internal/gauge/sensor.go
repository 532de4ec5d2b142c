package gauge

import "math"

// Kernel is how a refresh follows the power before it: a mean over a time from Shortest
// to Longest (of an exponential one: its time constant), that ended Earliest to Latest
// before the refresh. Times are in ns.
type Kernel struct {
	Exponential       bool
	Shortest, Longest int64
	Earliest, Latest  int64
}

// Sensor is what is known of a gauge. Times are in ns.
type Sensor struct {
	// Kernels are all that are possible; none means any.
	Kernels []Kernel
	// Refresh is the time between refreshes; 0 if it is not known.
	Refresh int64
	// Stamped reports whether a reading carries the time of its refresh.
	Stamped bool
	// Late is by how much all readings can be late, or early, by the same: as
	// those that a log stamps with whole seconds.
	Late int64
	// Youngest and Oldest bound the mean age of the power in a refresh where that was
	// measured; else Oldest is 0.
	Youngest, Oldest int64
}

// Of a sensor that is not known: usual refresh periods, and how old the power in a
// reading can be on average: that of a mean over 1.2 s.
const (
	usualRefresh = 100e6
	oldest       = 650e6
)

// tails is how many time constants of an exponential mean count.
const tails = 3

// reach returns how far before a refresh the power in it is.
func (k Kernel) reach() int64 {
	if k.Exponential {
		return k.Latest + tails*k.Longest
	}
	return k.Latest + k.Longest
}

// covers returns the longest time that a mean is over, for what it can see of a period.
func (k Kernel) covers() int64 {
	if k.Exponential {
		return 2 * k.Longest
	}
	return k.Longest
}

// ages returns the bounds of the mean age of the power in a refresh.
func (k Kernel) ages() (low, high int64) {
	if k.Exponential {
		return k.Earliest + k.Shortest, k.Latest + k.Longest
	}
	return k.Earliest + k.Shortest/2, k.Latest + k.Longest/2
}

// Reach returns until how long after a moment readings tell of it.
func (s *Sensor) Reach() int64 {
	reach := int64(0)
	for _, k := range s.Kernels {
		reach = max(reach, k.reach(), s.Oldest+k.reach()-k.Latest)
	}
	if len(s.Kernels) == 0 {
		reach = 2 * oldest
	}
	return reach + s.Refresh + s.Late
}

// ages returns the bounds of the mean age of the power in a refresh, by any kernel.
func (s *Sensor) ages() (low, high int64) {
	low, high = 0, oldest
	for i, k := range s.Kernels {
		if a, b := k.ages(); i == 0 {
			low, high = a, b
		} else {
			low, high = min(low, a), max(high, b)
		}
	}
	if s.measured() && len(s.Kernels) == 0 {
		low, high = s.Youngest, s.Oldest
	}
	return low - s.Late, high + s.Late
}

// measured reports whether the age of the power in a refresh was.
func (s *Sensor) measured() bool { return s.Oldest > 0 }

// ofAge returns those of the kernels that have an age which was measured; all if none has.
func (s *Sensor) ofAge(kernels []Kernel) (list []Kernel) {
	for _, k := range kernels {
		if low, high := k.ages(); !s.measured() || low <= s.Oldest+s.Late && high >= s.Youngest-s.Late {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return kernels
	}
	return list
}

// aged returns a kernel with the delay that gives it an age which was measured.
func (s *Sensor) aged(c kernel) kernel {
	if s.measured() {
		age := min(max(c.age(), float64(s.Youngest-s.Late)/second), float64(s.Oldest+s.Late)/second)
		c.delay += age - c.age()
	}
	return c
}

// kernel is one of those that a [Kernel] stands for. Times are in seconds.
type kernel struct {
	exponential bool
	width       float64 // that is averaged over, or the time constant
	delay       float64
	refresh     float64
	jitter      float64 // of refreshes, ±
}

// Jitter of refreshes, in seconds: of means over several periods they are seen to come
// at another time than the mean ends.
const (
	someJitter = 0.004
	meanJitter = 0.03
	longMean   = 0.5
)

// corners returns a kernel in the middle of what is known and those at its bounds: the
// youngest and the oldest, and of a long mean the narrowest and the widest. late is by how
// much readings can be late, or early.
func (k Kernel) corners(refresh float64, late int64) []kernel {
	k.Earliest, k.Latest = k.Earliest-late, k.Latest+late
	at := func(width, delay int64) kernel {
		c := kernel{k.Exponential, float64(width) / second, float64(delay) / second, refresh, someJitter}
		if c.width >= longMean {
			c.jitter = meanJitter
		}
		return c
	}
	list := []kernel{at((k.Shortest+k.Longest)/2, (k.Earliest+k.Latest)/2), at(k.Shortest, k.Earliest), at(k.Longest, k.Latest)}
	if k.Longest >= longMean*second {
		list = append(list, at(k.Shortest, k.Latest), at(k.Longest, k.Earliest))
	}
	return list
}

// span returns how far before the delay the power in a refresh reaches.
func (k kernel) span() float64 {
	if k.exponential {
		return tails * k.width
	}
	return k.width
}

// reach returns how far before a refresh the power in it is.
func (k kernel) reach() float64 { return k.delay + k.span() }

// sees returns the time that is seen of each period.
func (k kernel) sees() float64 {
	if k.exponential {
		return 2 * k.width
	}
	return k.width
}

// weigh adds to the weights of bins, which begin at times from a time on, what a refresh
// at a time shows of them, times a factor. They begin at bin first, and end before last.
func (k kernel) weigh(weights []float64, from, at, factor float64) (first, last int) {
	end := at - k.delay
	begin := end - k.span()
	n := len(weights)
	first = max(int((begin-from)/bin), 0)
	last = min(int(math.Ceil((end-from)/bin)), n)
	if first >= last {
		return min(first, n), min(first, n)
	}
	if !k.exponential {
		for j := first; j < last; j++ {
			lo := from + float64(j)*bin
			weights[j] += factor * max(min(lo+bin, end)-max(lo, begin), 0) / k.width
		}
		return first, last
	}
	whole := 1 - math.Exp(-tails)
	older := math.Exp(-(end - max(from+float64(first)*bin, begin)) / k.width)
	for j := first; j < last; j++ {
		hi := min(from+float64(j+1)*bin, end)
		newer := math.Exp(-(end - hi) / k.width)
		weights[j] += factor * (newer - older) / whole
		older = newer
	}
	return first, last
}

// age returns the mean age of the power in a refresh.
func (k kernel) age() float64 {
	if k.exponential {
		return k.delay + k.width
	}
	return k.delay + k.width/2
}
