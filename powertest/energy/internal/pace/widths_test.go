package pace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// At edges brackets are as narrow as the reads and the jitter since the tick before allow,
// also where the jitter is that of few counters, and those that one edge may cost do.
func TestBracketsAtEdges(t *testing.T) {
	for _, period := range []float64{20, 100, 1000} {
		for _, share := range []float64{0, 0.01, 0.02, 0.04, 0.08} {
			for name, make := range map[string]func() *sensor{
				"walking": func() *sensor { return walking(period, share) },
				"about":   func() *sensor { return about(period, share) },
			} {
				w := many(10, make, period, 15*period, 0.3)
				name = fmt.Sprintf("%s, %g ms, jitter %g", name, period, share)
				assert.LessOrEqual(t, w.atEdge, float64(EdgeReads), name)
				assert.LessOrEqual(t, w.between, max(MaxRate, 4*1000/(11*period)), name)
				assert.LessOrEqual(t, w.wrong/w.seen, 0.01, name)
				if period < 100 {
					continue // ticks are passed over
				}
				assert.LessOrEqual(t, most(w.after), (4*share+0.05)*period, name)
				assert.LessOrEqual(t, most(w.before), (4*share+0.05)*period, name)
			}
		}
	}
}

// most returns what most do not exceed.
func most(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)*4/5]
}

// oddities are sensors that nobody had in mind.
var oddities = []struct {
	name  string
	make  func() *sensor
	most  float64 // reads a second
	width float64 // of brackets at edges, in ms
}{
	{"90 and 110 ms by turns", func() *sensor {
		return &sensor{gap: func(r *rand.Rand, k int, _ float64) float64 { return []float64{90, 110}[k%2] + 0.3*r.NormFloat64() }}
	}, 20, 20},
	{"drifts by 1 % a minute", func() *sensor {
		return &sensor{gap: func(_ *rand.Rand, _ int, at float64) float64 { return 100 + at/60e3 }}
	}, 20, 4},
	{"drifts by 1 % a second", func() *sensor {
		return &sensor{gap: func(_ *rand.Rand, _ int, at float64) float64 { return 100 + at/1e3 }}
	}, 20, 12},
	{"stops for 2 s", func() *sensor { return during(3000, 3100, 2000, 100) }, 21, 6},
	{"is faster under load", func() *sensor { return during(1500, 6000, 70, 100) }, 20, 20},
	{"is slower under load", func() *sensor { return during(1500, 6000, 140, 100) }, 20, 20},
	{"misses 5 %", func() *sensor {
		return hiding(walking(100, 0.005), func(r *rand.Rand, _ float64) bool { return r.Float64() < 0.05 })
	}, 20, 25},
	{"ticks double, 10 %", func() *sensor {
		return &sensor{gap: func(r *rand.Rand, _ int, _ float64) float64 {
			if r.Float64() < 0.1 {
				return 1 + 9*r.Float64()
			}
			return 100 + 0.5*r.NormFloat64()
		}}
	}, 20, 30},
	{"looks for news when read", func() *sensor {
		s := walking(100, 0)
		s.lazy = true
		return s
	}, 20, 8},
	{"changes seldom while idle", func() *sensor {
		return hiding(walking(100, 0.003), func(r *rand.Rand, at float64) bool { return (at < 1500 || at > 5000) && r.IntN(4) != 0 })
	}, 20, 230},
}

// Whatever a counter does, the reads are few, and hardly a tick is said to be where it is not.
func TestOddSensors(t *testing.T) {
	for _, o := range oddities {
		w := many(8, o.make, 100, 10e3, 0.3)
		t.Logf("%-24s brackets before %5.1f, after %5.1f ms; %v reads at an edge, %.1f a second between; wrong %.2f %%",
			o.name, mean(w.before), mean(w.after), w.atEdge, w.between, 100*w.wrong/w.seen)
		assert.LessOrEqual(t, w.atEdge, float64(EdgeReads), o.name)
		assert.LessOrEqual(t, w.between, o.most, o.name)
		assert.LessOrEqual(t, w.wrong/w.seen, 0.02, o.name)
		assert.LessOrEqual(t, mean(w.before), o.width, o.name)
		assert.LessOrEqual(t, mean(w.after), o.width, o.name)
	}
}
