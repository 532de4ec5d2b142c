package energy

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// pausing runs a load in bursts that count, with pauses that do not, for about
// the time w, and measures them.
func pausing(rng *rand.Rand, T, w float64, on, off func() float64) (d DeviceMeasurement, truth float64) {
	s := 1.0
	var win []span
	var levels []burst
	level := peak(rng)
	for t := s; t < s+w; {
		end := t + on()
		win = append(win, span{int64(t * second), int64(end * second), int64((end - t) * second)})
		levels = append(levels, burst{t, end, level})
		t = end + off()
	}
	e := float64(win[len(win)-1].end) / second
	tr := newTruth(rng, bursts(levels), e+5*T)
	for _, b := range levels {
		truth += tr.at(b.to) - tr.at(b.from)
	}
	c := newCurve(Device{Method: Counter, Resolution: 1e-3, PowerLimit: 700}, epoch, 100*time.Millisecond)
	newPoller(rng).record(c, newCounter(rng, tr, T, e+5*T), s-2.5*T, s, e)
	return measureDevices([]*curve{c}, family{spans: win}, false)[0][0], truth
}

// Whatever the pauses of a window are, what is published holds. TestSlowPauses does
// more windows.
func TestPausesOfAnyLength(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates many windows")
	}
	testPauses(t, 12)
}

func testPauses(t *testing.T, windows int) {
	tests := map[string]struct{ on, off [2]float64 }{
		"long":          {[2]float64{0.2, 0.5}, [2]float64{0.4, 0.9}},
		"of one period": {[2]float64{0.1, 0.3}, [2]float64{0.05, 0.2}},
		"short":         {[2]float64{0.02, 0.2}, [2]float64{0.005, 0.02}},
		"regular":       {[2]float64{0.01, 0.01}, [2]float64{0.01, 0.01}},
		"shorter":       {[2]float64{0.001, 0.005}, [2]float64{0.001, 0.02}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, uint64(len(name))))
			inside, n, errs, half := 0.0, 0.0, 0.0, 0.0
			for range windows {
				d, truth := pausing(rng, 0.1, 4,
					func() float64 { return uniform(rng, tt.on[0], tt.on[1]) },
					func() float64 { return uniform(rng, tt.off[0], tt.off[1]) })
				if !d.Valid {
					assert.True(t, d.Has(WindowTooShort), "%v", d.Reasons)
					continue
				}
				n++
				half += d.Energy.HalfWidth() / truth
				errs += math.Abs(d.Energy.Joules-truth) / truth
				if d.Energy.Low <= truth && truth <= d.Energy.High {
					inside++
				}
			}
			t.Logf("%.0f of %d published, mean error %.2f %%, mean half-width %.2f %%, %.1f %% inside", n, windows, 100*errs/n, 100*half/n, 100*inside/n)
			if n > 0 {
				assert.GreaterOrEqual(t, inside/n, 0.95)
			}
		})
	}
}

// The same operation again and again, with a tail after each: the errors of
// the edges are correlated, and do not cancel. TestSlowEqualOperations does more windows.
func TestManyEqualOperations(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates many windows")
	}
	testEqualOperations(t, 10)
}

func testEqualOperations(t *testing.T, windows int) {
	tests := map[string]struct{ on, off, tail float64 }{
		"tail of two operations": {0.03, 0.48, 0.06},
		"short tail":             {0.03, 0.48, 0.02},
		"in step with the ticks": {0.06, 0.94, 0},
		"no tail":                {0.06, 0.48, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(2, uint64(len(name))))
			inside, n, half := 0.0, 0.0, 0.0
			for range windows {
				d, truth := repeating(rng, 0.1, 60, tt.on, tt.off, tt.tail)
				if !d.Valid {
					continue
				}
				n++
				half += d.Energy.HalfWidth() / truth
				if d.Energy.Low <= truth && truth <= d.Energy.High {
					inside++
				}
			}
			t.Logf("%.0f of %d published, mean half-width %.2f %%, %.1f %% inside", n, windows, 100*half/n, 100*inside/n)
			if n > 0 {
				assert.GreaterOrEqual(t, inside/n, 0.9)
			}
		})
	}
}

// repeating runs n operations of a length, each with a tail, and pauses that do
// not count.
func repeating(rng *rand.Rand, T float64, n int, on, off, tail float64) (d DeviceMeasurement, truth float64) {
	s := 1 + T*rng.Float64()
	var win []span
	var ends []float64
	level := peak(rng)
	for i := range n {
		t := s + float64(i)*(on+off)
		win = append(win, span{int64(t * second), int64((t + on) * second), int64(on * second)})
		ends = append(ends, t+on)
	}
	e := ends[n-1]
	i := 0
	tr := newTruth(rng, func(t float64) float64 {
		for i < n && ends[i] <= t {
			i++
		}
		switch {
		case i < n && t >= ends[i]-on:
			return level
		case i > 0 && tail > 0:
			return idle + (level-idle)*math.Exp(-(t-ends[i-1])/tail)
		}
		return idle
	}, e+5*T)
	for _, end := range ends {
		truth += tr.at(end) - tr.at(end-on)
	}
	c := newCurve(Device{Method: Counter, Resolution: 1e-3, PowerLimit: 700}, epoch, 100*time.Millisecond)
	newPoller(rng).record(c, newCounter(rng, tr, T, e+5*T), s-2.5*T, s, e)
	return measureDevices([]*curve{c}, family{spans: win}, false)[0][0], truth
}
