package meter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// ErrLevels says that there are too few steady levels, or that they are too near each other.
var ErrLevels = errors.New("gain and offset need two steady levels of power that differ")

// Level is a steady power by both, in watts, for Seconds in all.
type Level struct{ Meter, Device, Seconds float64 }

// Comparison is how a device compares with a meter.
type Comparison struct {
	energy.Scale
	Levels []Level
	// Ahead is the meter's clock minus the device's, and Fit the correlation then.
	Ahead time.Duration
	Fit   float64
}

// Compare aligns the two in time, and fits a straight line to the levels at which both are
// steady. The error wraps [ErrUnlike], [ErrAmbiguous] or [ErrLevels].
func Compare(meter, device Series) (Comparison, error) {
	if len(meter) == 0 || len(device) == 0 {
		return Comparison{}, fmt.Errorf("%w: one of them shows nothing", ErrUnlike)
	}
	if _, err := differ(steady(meter, device, math.NaN())); err != nil {
		return Comparison{}, err // whatever the shift: one level correlates with nothing
	}
	ahead, fit, err := align(meter, device)
	if err != nil {
		return Comparison{}, err
	}
	// What is steady is so at other shifts, too. The readings of a mean over a second are
	// late by half of it, and begin to change as soon as the power does.
	var levels []Level
	for late := 0.0; late < longestMean; late += lateStep {
		if more := steady(meter, device, ahead+late); len(more) > 1 && (len(levels) < 2 || seconds(more) > seconds(levels)) || levels == nil {
			levels = more
		}
	}
	if levels, err = differ(levels); err != nil {
		return Comparison{}, err
	}
	c := Comparison{Ahead: time.Duration(math.Round(ahead * 1e9)), Fit: fit, Levels: levels}
	c.Scale = line(levels)
	if c.GainSD > worstGain*c.Gain || c.Gain <= 0 {
		return Comparison{}, fmt.Errorf("%w: those of %s make a gain of %.3g ± %.2g", ErrLevels, names(levels), c.Gain, 2*c.GainSD)
	}
	return c, nil
}

// worstGain is how badly a gain may be known, as a share.
const worstGain = 0.05

const (
	// A level is steady for this long at least, in bins and in seconds; one that is for
	// longer than mostLevelBins counts as several, until they are merged.
	levelBins     = 3
	mostLevelBins = 64
	levelSeconds  = 0.5
	// levelBin is the shortest bin, in seconds.
	levelBin = 0.1
	// steadyShare is how far bins of a steady level may be from its mean, by the range of
	// all power, and steadyLeast by the highest; or steadyNoise times of what bins differ by anyway, but not beyond
	// roughShare. Nor may the meter's power within bins, of which a sensor that samples a
	// part of the time sees anything.
	steadyShare = 0.03
	steadyLeast = 0.01
	steadyNoise = 4
	roughShare  = 0.1
	rippleBin   = 0.02
	// driftShare is by how much the halves of a level may differ, by the range.
	driftShare = 0.015
	// longestMean is for how long after a change the readings of a device may go on to
	// change, in seconds, and lateStep in which steps that is tried.
	longestMean = 1.3
	lateStep    = 0.2
	// sameShare is how near two levels are one, by the range (or steadyLeast); differShare and differWatts how
	// far two must be apart, by the highest.
	sameShare   = 0.05
	differShare = 0.1
	differWatts = 5
	// straightShare is by how much a device is off a straight line, as a standard deviation
	// by its highest level: on real boards a third level is off by 1 to 2 W in 400.
	straightShare = 0.003
)

// steady returns the levels at which both are steady, lowest first. Without a shift (NaN) it
// returns those of the meter alone.
func steady(meter, device Series, ahead float64) []Level {
	spacing := meter.spacing()
	width := max(spacing, device.spacing(), levelBin)
	fine := spacing <= rippleBin/2
	from, to := meter.Start(), meter.End()
	other := meter
	if !math.IsNaN(ahead) {
		from, to = max(from, device.Start()+ahead), min(to, device.End()+ahead)
		other = device
	} else {
		ahead = 0
	}
	n := int((to - from) / width)
	if n < levelBins {
		return nil
	}
	m, d := meter.bins(from, width, n), other.bins(from-ahead, width, n)
	closeM, closeD := closeness(m), closeness(d)
	alike := func(i, j int) bool { return level(m[i:j], closeM) && level(d[i:j], closeD) }
	var list []Level
	for i := 0; i < n; {
		j := i + 1
		for j < n && j-i < mostLevelBins && alike(i, j+1) {
			j++
		}
		// The first and the last bin may have a part of a step.
		inner := float64(j-i-2) * width
		if j-i >= levelBins+2 && inner >= levelSeconds-1e-9 && alike(i, j) && !(fine && meter.rough(from+float64(i+1)*width, from+float64(j-1)*width, closeM)) {
			list = append(list, Level{mean(m[i+1 : j-1]), mean(d[i+1 : j-1]), inner})
		}
		i = j
	}
	return merged(list)
}

// closeness is how far bins of one level may be from their mean, in watts.
func closeness(bins []float64) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	var steps []float64
	for i, x := range bins {
		if math.IsNaN(x) {
			continue
		}
		low, high = min(low, x), max(high, x)
		if i > 0 && !math.IsNaN(bins[i-1]) {
			steps = append(steps, math.Abs(x-bins[i-1]))
		}
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	close := min(max(steadyShare*(high-low), steadyNoise*steps[len(steps)/2]), roughShare*(high-low))
	return max(close, steadyLeast*high)
}

// rough reports whether the power of a meter that shows it within bins differs there by far more than that of bins may, in watts.
func (s Series) rough(from, to, within float64) bool {
	bins := s.bins(from, rippleBin, int((to-from)/rippleBin))
	middle, squares := mean(bins), 0.0
	for _, x := range bins {
		squares += (x - middle) * (x - middle)
	}
	return math.Sqrt(squares/float64(len(bins))) > roughShare/steadyShare*within
}

// level reports whether all bins are known, within some watts of their mean, and do not drift.
func level(bins []float64, within float64) bool {
	middle := mean(bins)
	if half := len(bins) / 2; half >= levelBins/2 && math.Abs(mean(bins[:half])-mean(bins[half:])) > within*driftShare/steadyShare {
		return false
	}
	return !math.IsNaN(middle) && !slices.ContainsFunc(bins, func(x float64) bool { return math.Abs(x-middle) > within })
}

// seconds returns how long levels are in all.
func seconds(levels []Level) (sum float64) {
	for _, l := range levels {
		sum += l.Seconds
	}
	return sum
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

// merged returns levels, lowest first, with those that are one as one.
func merged(list []Level) []Level {
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b Level) int { return int(math.Copysign(1, a.Meter-b.Meter)) })
	high := list[len(list)-1].Meter
	same := max(sameShare*(high-list[0].Meter), steadyLeast*high)
	all := list[:1:1]
	for _, x := range list[1:] {
		last := &all[len(all)-1]
		if x.Meter-last.Meter > same {
			all = append(all, x)
			continue
		}
		t := last.Seconds + x.Seconds
		last.Meter = (last.Meter*last.Seconds + x.Meter*x.Seconds) / t
		last.Device = (last.Device*last.Seconds + x.Device*x.Seconds) / t
		last.Seconds = t
	}
	return all
}

// differ returns the levels, or an error if they are not two that differ.
func differ(levels []Level) ([]Level, error) {
	switch n := len(levels); {
	case n == 0:
		return nil, fmt.Errorf("%w: there is none: keep the load as it is for some seconds", ErrLevels)
	case n == 1:
		return nil, fmt.Errorf("%w: there is one, of %s: let the device idle before the load", ErrLevels, names(levels))
	case levels[n-1].Meter-levels[0].Meter < max(differShare*levels[n-1].Meter, differWatts):
		return nil, fmt.Errorf("%w: there are %s, which are too near: let the device idle before the load", ErrLevels, names(levels))
	}
	return levels, nil
}

// names names levels, for messages.
func names(levels []Level) string {
	s := ""
	for i, x := range levels {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%.1f W for %.1f s", x.Meter, x.Seconds)
	}
	return s
}

// line fits the device's power to the meter's by least squares. Each level is known as well
// as devices are straight; where there are more than two, as well as they are on the line.
func line(levels []Level) energy.Scale {
	n := float64(len(levels))
	floor := straightShare * levels[len(levels)-1].Meter
	var sx, sy, sxx, sxy float64
	for _, l := range levels {
		sx, sy, sxx, sxy = sx+l.Meter, sy+l.Device, sxx+l.Meter*l.Meter, sxy+l.Meter*l.Device
	}
	det := n*sxx - sx*sx
	s := energy.Scale{Gain: (n*sxy - sx*sy) / det}
	s.Offset = (sy - s.Gain*sx) / n
	squares := 0.0
	for _, l := range levels {
		off := l.Device - s.Gain*l.Meter - s.Offset
		squares += off * off
	}
	if n > 2 {
		floor = max(floor, math.Sqrt(squares/(n-2)))
	}
	s.Floor = floor
	s.GainSD, s.OffsetSD = floor*math.Sqrt(n/det), floor*math.Sqrt(sxx/det)
	s.Correlation = -sx / math.Sqrt(n*sxx)
	return s
}
