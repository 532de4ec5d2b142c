package energy

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var (
	labSeed    = flag.Uint64("accuracy.seed", 1, "seed of the accuracy lab")
	labWindows = flag.Int("accuracy.windows", 200, "windows per cell of the accuracy lab")
)

// outcome is what an estimator said of one window, relative to the truth.
type outcome struct {
	err      float64 // signed relative error, in %
	half     float64 // half-width of the interval, in %
	inside   bool    // the truth lies in the interval
	withheld bool
}

// cell is the outcomes of all estimators for one kind of window.
type cell struct {
	outcomes map[string][]outcome
	elapsed  time.Duration
}

var estimators = []struct {
	name string
	f    rival
}{
	{"powertest", nil}, {"tworead", tworead}, {"zeus", zeus}, {"aiperf", aiperf}, {"inferencex", inferencex}, {"interp", interp},
}

// runCell simulates n windows of length w.
func runCell(seed uint64, n int, period, w time.Duration, name string, sh shape) *cell {
	h := seed
	for _, b := range []byte(fmt.Sprint(period, w, name)) {
		h = h*1099511628211 + uint64(b)
	}
	rng := rand.New(rand.NewPCG(seed, h))
	c := &cell{outcomes: map[string][]outcome{}}
	for range n {
		x, d, spent := runWindow(rng, period.Seconds(), w.Seconds(), sh)
		c.elapsed += spent
		truth := x.true()
		ours := outcome{withheld: !d.Valid}
		if d.Valid {
			ours.err = 100 * (d.Energy.Joules - truth) / truth
			ours.half = 100 * d.Energy.HalfWidth() / truth
			ours.inside = d.Energy.Low <= truth && truth <= d.Energy.High
		}
		c.outcomes["powertest"] = append(c.outcomes["powertest"], ours)
		for _, e := range estimators[1:] {
			c.outcomes[e.name] = append(c.outcomes[e.name], outcome{err: 100 * (e.f(x) - truth) / truth})
		}
	}
	return c
}

// runWindow simulates one window and measures it.
func runWindow(rng *rand.Rand, T, w float64, sh shape) (*experiment, DeviceMeasurement, time.Duration) {
	lead := max(2.5, 4*T) // room for the scrapers
	s := lead + T*rng.Float64()
	e := s + w
	until := e + max(2.5, 5*T)
	x := &experiment{s: s, e: e, phase: rng.Float64()}
	x.tr = newTruth(rng, sh(rng, s, e, T), until)
	x.dev = newCounter(rng, x.tr, T, until)
	x.curve = newCurve(Device{Method: Counter, Resolution: 1e-3, PowerLimit: 700}, time.Unix(0, 0), 100*time.Millisecond)
	win := newPoller(rng).record(x.curve, x.dev, s-uniform(rng, 2.2, 3.5)*T, s, e)
	start := time.Now()
	d := measureDevices([]*curve{x.curve}, family{spans: win}, false)[0][0]
	return x, d, time.Since(start)
}

// summary condenses outcomes into the metrics of a cell.
type summary struct{ bias, p95, inside, half, withheld float64 }

func summarize(os []outcome) summary {
	var s summary
	var abs, half []float64
	for _, o := range os {
		if o.withheld {
			s.withheld++
			continue
		}
		s.bias += o.err
		abs, half = append(abs, math.Abs(o.err)), append(half, o.half)
		if o.inside {
			s.inside++
		}
	}
	n := float64(len(abs))
	s.withheld *= 100 / float64(len(os))
	if n == 0 {
		return s
	}
	slices.Sort(abs)
	slices.Sort(half)
	s.bias, s.inside = s.bias/n, 100*s.inside/n
	s.p95 = abs[min(int(math.Ceil(0.95*n))-1, len(abs)-1)]
	s.half = half[len(half)/2]
	return s
}

// BenchmarkAccuracy compares estimators of a window's energy on the same
// simulated windows. Metrics: bias-% is the mean signed error, p95-% the 95th
// percentile of the absolute error, inside-% the share of windows whose true
// energy lies in the stated interval, err-% the median half-width of the
// interval, withheld-% the share of windows without a number (which the other
// metrics leave out).
func BenchmarkAccuracy(b *testing.B) {
	periods := []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond}
	windows := []time.Duration{20e6, 50e6, 100e6, 250e6, 500e6, 1e9, 2e9, 5e9, 10e9}
	cells := map[string]*cell{}
	for _, est := range estimators {
		for _, period := range periods {
			for _, w := range windows {
				for _, sh := range shapes {
					key := fmt.Sprintf("T=%v/W=%v/shape=%s", period, w, sh.name)
					b.Run("est="+est.name+"/"+key, func(b *testing.B) {
						c := cells[key]
						if c == nil {
							c = runCell(*labSeed, *labWindows, period, w, sh.name, sh.make)
							cells[key] = c
						}
						report(b, est.name, c)
					})
				}
			}
		}
	}
}

func report(b *testing.B, est string, c *cell) {
	s := summarize(c.outcomes[est])
	if s.withheld < 100 {
		b.ReportMetric(s.bias, "bias-%")
		b.ReportMetric(s.p95, "p95-%")
	}
	if est != "powertest" {
		b.ReportMetric(0, "ns/op") // nothing was timed
		return
	}
	if s.withheld < 100 {
		b.ReportMetric(s.inside, "inside-%")
		b.ReportMetric(s.half, "err-%")
	}
	b.ReportMetric(s.withheld, "withheld-%")
	b.ReportMetric(float64(c.elapsed.Nanoseconds())/float64(len(c.outcomes[est])), "ns/op")
}

// TestAccuracy holds the estimator to what is promised of it at a refresh
// period of 100 ms, for load that starts cold, goes on, or decays. TestSlowAccuracy
// does with more windows.
func TestAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates 240 windows")
	}
	testAccuracy(t, 20)
}

func testAccuracy(t *testing.T, windows int) {
	promises := []struct {
		window    time.Duration
		p95, bias float64
	}{
		{100 * time.Millisecond, 10, 5},
		{250 * time.Millisecond, 4, 2},
		{time.Second, 1, 0.2},
		{10 * time.Second, 0.1, 0.05},
	}
	for _, p := range promises {
		for _, name := range []string{"cold", "warm", "decay"} {
			t.Run(fmt.Sprintf("W=%v/shape=%s", p.window, name), func(t *testing.T) {
				t.Parallel()
				s := summarize(runCell(*labSeed, windows, 100*time.Millisecond, p.window, name, shapeOf(name)).outcomes["powertest"])
				assert.LessOrEqual(t, s.p95, p.p95, "95th percentile of the error, in %")
				assert.LessOrEqual(t, math.Abs(s.bias), p.bias, "mean error, in %")
				assert.GreaterOrEqual(t, s.inside, 95.0, "share of windows inside their interval, in %")
				assert.LessOrEqual(t, s.withheld, 20.0, "share of windows withheld, in %")
			})
		}
	}
}
