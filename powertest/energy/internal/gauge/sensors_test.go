package gauge

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// board is the energy of a device up to each ms, in joules.
type board []float64

// newBoard returns a device that idles at 130 W and has a load from 3 s to 11 s of 14 s:
// of 440 W for a share of each period in ms, and 200 W for the rest, with periods that
// differ by 1 % or, if not regular, at random. Its power follows in about 5 ms.
func newBoard(r *rand.Rand, period, share float64, regular bool) board {
	watts := make([]float64, 14_000)
	for i := range watts {
		watts[i] = 130
	}
	for x := 3000.0; x < 11_000; {
		p := period * (1 + 0.01*r.NormFloat64())
		if !regular {
			p = period*r.ExpFloat64() + 5
		}
		for i := int(x); i < min(int(x+p), 11_000); i++ {
			watts[i] = 200
			if float64(i) < x+p*share {
				watts[i] = 440
			}
		}
		x += p
	}
	b, p := make(board, 1, len(watts)+1), watts[0]
	for _, w := range watts {
		p += (w - p) / 5
		b = append(b, b[len(b)-1]+p/1000)
	}
	return b
}

// upTo returns the energy up to a time in seconds.
func (b board) upTo(t float64) float64 {
	if t <= 0 {
		return b[1] * 1000 * t
	}
	i := min(int(t*1000), len(b)-2)
	return b[i] + (b[i+1]-b[i])*(t*1000-float64(i))
}

// sense returns the readings, so many seconds apart, of a sensor that does what a kernel says
// at refreshes between two times apart.
func (b board) sense(r *rand.Rand, k kernel, slowest, spacing float64) *Series {
	s := &Series{Limit: 1 << 16}
	refreshed, next, shown := 0.0, r.Float64()*k.refresh, 130.0
	filtered, at := 130.0, 0.0
	for t := 0.001; t < 13.95; t += spacing + 0.001*(2*r.Float64()-1) {
		for ; next <= t; next += k.refresh + (slowest-k.refresh)*r.Float64() + 0.001*r.NormFloat64() {
			refreshed = next - k.delay
			if k.exponential {
				for ; at+0.001 < refreshed; at += 0.001 {
					filtered += (1 - math.Exp(-0.001/k.width)) * ((b.upTo(at+0.001)-b.upTo(at))*1000 - filtered)
				}
				shown = filtered
			} else {
				shown = (b.upTo(refreshed) - b.upTo(refreshed-k.width)) / k.width
			}
			shown = math.Round(100*shown*(1+0.0005*r.NormFloat64())) / 100
		}
		s.Add(int64(t*second), shown)
	}
	return s
}

// tally is what came of windows.
type tally struct{ n, inside, withheld int }

// measure takes random windows of a length.
func (x *tally) measure(t *testing.T, r *rand.Rand, b board, s *Series, length float64, n int) {
	for range n {
		from := 1.5 + (10.8-length)*r.Float64()
		lo, hi := int64(from*second), int64((from+length)*second)
		e, err := Integrate(Input{Series: s, Spans: []Span{{lo, hi, hi - lo}}, MaxGap: 3 * second})
		require.NoError(t, err)
		truth := b.upTo(float64(hi)/second) - b.upTo(float64(lo)/second)
		if e.High-e.Low > 0.5*e.Mean {
			x.withheld++
			continue
		}
		x.n++
		if e.Low <= truth && truth <= e.High {
			x.inside++
		}
	}
}

const msT = int64(1e6)

// What is known of sensors, as wide as names of models promise.
var (
	kWhole  = Kernel{Shortest: 100 * msT, Longest: 110 * msT, Earliest: -10 * msT, Latest: 10 * msT}
	kPart   = Kernel{Shortest: 17 * msT, Longest: 40 * msT, Latest: 10 * msT}
	kHalf   = Kernel{Shortest: 8 * msT, Longest: 20 * msT, Latest: 10 * msT}
	kSecond = Kernel{Shortest: 950 * msT, Longest: 1200 * msT, Earliest: -10 * msT, Latest: 50 * msT}
	kFilter = Kernel{Exponential: true, Shortest: 80 * msT, Longest: 250 * msT, Latest: 20 * msT}
)

type sensorOf struct {
	name    string
	kernel  kernel
	slowest float64 // the longest time between refreshes
	known   []Kernel
}

// sensorsOf are sensors, and what is known of each.
var sensorsOf = []sensorOf{
	{"whole", kernel{width: 0.1, delay: 0.002, refresh: 0.1}, 0.101, []Kernel{kWhole}},
	{"mean", kernel{width: 1.05, delay: 0.002, refresh: 0.1}, 0.101, []Kernel{kSecond}},
	{"mean 20", kernel{width: 1.0, delay: 0.002, refresh: 0.02}, 0.021, []Kernel{kSecond}},
	{"filter", kernel{exponential: true, width: 0.15, delay: 0.002, refresh: 0.015}, 0.03, []Kernel{kFilter}},
	{"filter, not known", kernel{exponential: true, width: 0.15, delay: 0.002, refresh: 0.015}, 0.03, []Kernel{kSecond, kWhole, kPart, kHalf, kFilter}},
	{"mean 20, not known", kernel{width: 1.0, delay: 0.002, refresh: 0.02}, 0.021, []Kernel{kSecond, kWhole, kPart, kHalf, kFilter}},
	{"part", kernel{width: 0.03, delay: 0.002, refresh: 0.104}, 0.105, []Kernel{kPart}},
	{"nothing", kernel{width: 1.05, delay: 0.002, refresh: 0.1}, 0.101, nil},
	{"nothing, part", kernel{width: 0.03, delay: 0.002, refresh: 0.104}, 0.105, nil},
}

// loads are on for a share of each period in ms. inStep are those whose period is that of a
// sensor's refresh, or of its mean: readings of a sensor that sees a part of the time, and
// short windows of such a mean, are then all alike and wrong.
var loads = []struct {
	period, share float64
	regular       bool
	inStep        map[string]bool
}{
	{20, 0.5, true, nil}, {52, 0.5, true, partTime}, {104, 0.5, true, partTime}, {104.5, 0.5, true, partTime}, {107, 0.5, true, nil},
	{110, 0.3, true, nil}, {160, 0.7, true, nil}, {208, 0.5, true, nil}, {500, 0.3, true, nil}, {1000, 0.5, true, nil}, {2100, 0.5, true, nil},
	{30, 0.5, false, nil}, {100, 0.5, false, nil}, {400, 0.5, false, nil},
}

var partTime = map[string]bool{"part": true, "nothing, part": true}

// TestSensorsOfAllKinds: whatever the sensor is, the energy of a load that goes on and off
// is inside the interval, or withheld.
func TestSensorsOfAllKinds(t *testing.T) {
	for _, o := range sensorsOf {
		if o.kernel.refresh < 0.05 && o.name != "filter" {
			continue // TestSlowSensorsOfAllKinds
		}
		t.Run(o.name, func(t *testing.T) { o.check(t, asRecorded, []int{0, 5, 10}, 1, 5) })
	}
}

// asRecorded is how far apart the readings of a dense log are, in seconds.
const asRecorded = 0.007

// TestMeanOfSparseRows: a mean over a second that is read as seldom tells of all of the
// time.
func TestMeanOfSparseRows(t *testing.T) {
	for _, width := range []float64{0.95, 1.1} {
		o := sensorOf{"mean", kernel{width: width, delay: 0.002, refresh: 0.1}, 0.101, []Kernel{kSecond}}
		for _, spacing := range []float64{0.5, 1} {
			o.check(t, spacing, []int{0, 5, 8, 9, 10, 12}, 1, 4)
		}
	}
}

// check measures loads whose readings are so far apart, with windows of 1 s, 5 s and 10 s of
// each.
func (o sensorOf) check(t *testing.T, spacing float64, which []int, seeds uint64, n int) {
	for _, length := range []float64{1, 5, 10} {
		var all tally
		for _, i := range which {
			l := loads[i]
			if l.inStep[o.name] {
				continue
			}
			for seed := range seeds {
				r := rand.New(rand.NewPCG(seed, 7))
				b := newBoard(r, l.period, l.share, l.regular)
				s := b.sense(r, o.kernel, o.slowest, spacing)
				s.Sensor.Kernels = o.known
				all.measure(t, r, b, s, length, n)
			}
		}
		assert.GreaterOrEqual(t, float64(all.inside), 0.95*float64(all.n), "%g s: %+v", length, all)
		if length == 10 && len(o.known) > 0 && o.name != "part" {
			assert.Zero(t, all.withheld, "%g s", length)
		}
	}
}
