package powertest

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
	"github.com/joulebench/joulebench/simsource"
)

// These tests are about what reviews of aiperf's energy metrics found, by the ids
// of docs/parity.md.

// TestA1EachMetricOnItsOwn: a device with a counter and no gauge has watts, and one
// with a gauge and no counter has joules.
func TestA1EachMetricOnItsOwn(t *testing.T) {
	for _, gauge := range []simsource.Gauge{simsource.NoGauge, simsource.WithGauge, simsource.OnlyGauge} {
		metered(t, simsource.Config{Gauge: gauge}, func(t *testing.T, m *Meter, sim *simsource.Source) {
			w := m.Start("a")
			defer sim.Busy()()
			time.Sleep(5 * time.Second)
			w.AddTokens(0, 7)
			r := stop(t, w)
			requireTrue(t, sim, r, 0.02)
			for _, unit := range []string{"W", "tokens/J", "J/token"} {
				_, ok := r.Value(unit)
				assert.True(t, ok, "%s with gauge %d", unit, gauge)
			}
			_, ok := r.Value("J/prompt-token")
			assert.False(t, ok, "of no prompts")
		})
	}
}

// TestA3TotalsNotMeans: requests of very different sizes. The ratio is that of the
// sums, and nobody's mean of ratios.
func TestA3TotalsNotMeans(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("a")
		done := sim.Busy()
		for _, tokens := range []int{1, 1, 1, 997} {
			time.Sleep(time.Second)
			w.AddTokens(0, tokens)
			w.AddRequests(1)
		}
		done()
		r := stop(t, w)
		requireValue(t, 1000/r.Measurement.Energy.Joules, r, "tokens/J")
		requireValue(t, r.Measurement.Energy.Joules/4, r, "J/req")
	})
}

// TestA5WindowsShareNoJoule: warm-up, profiling and cool-down one right after the
// other. What a window uses does not depend on what comes before or after it, and
// together they use what there was.
func TestA5WindowsShareNoJoule(t *testing.T) {
	loads := []float64{1, 0.1, 0.6}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		metered(t, simsource.Config{}, func(t *testing.T, m *Meter, sim *simsource.Source) {
			var windows []*Window
			for _, i := range order {
				w := m.Start([]string{"warm-up", "profiling", "cool-down"}[i])
				done := sim.BusyLoad(loads[i])
				time.Sleep(3030 * time.Millisecond)
				w.End() // the next begins at once
				done()
				windows = append(windows, w)
			}
			sum := 0.0
			for k, w := range windows {
				r := stop(t, w)
				requireTrue(t, sim, r, 0.02)
				assert.InEpsilon(t, 3.03*(100+600*loads[order[k]]), r.Measurement.Energy.Joules, 0.02, "%s in %v", r.Name, order)
				sum += r.Measurement.Energy.Joules
				if k > 0 {
					assert.False(t, r.Measurement.Start.Before(windows[k-1].report.Measurement.End), "they overlap")
				}
			}
			assert.InEpsilon(t, 3.03*(300+600*1.7), sum, 0.01)
		})
	}
}

// TestA6DegenerateWindow: a window without a length, or that ends before it starts,
// is said to be one, and there are no numbers.
func TestA6DegenerateWindow(t *testing.T) {
	metered(t, simsource.Config{}, func(t *testing.T, m *Meter, _ *simsource.Source) {
		time.Sleep(time.Second)
		now := time.Now()
		for name, span := range map[string]energy.Span{
			"empty":    {Start: now, End: now},
			"reversed": {Start: now, End: now.Add(-time.Second)},
			"no end":   {Start: now},
			"no start": {End: now},
			"nothing":  {},
		} {
			w := m.Start(name)
			w.AddTokens(0, 10)
			time.Sleep(time.Second)
			w.SetSpans(span)
			r := stop(t, w)
			assert.False(t, r.Valid(), name)
			assert.NotEmpty(t, r.Reasons, name)
			for _, x := range r.Metrics {
				assert.Equal(t, "tokens/s", x.Unit, name)
				assert.True(t, metrictable.Finite(x.Value) && x.Value > 0, name)
			}
		}
	})
}

// TestA7HowManyGPUs is in every report and in its text: "7 of 8" is not "8 of 8".
func TestA7HowManyGPUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 8})
		m := newMeter(t, From(energytest.Lose(sim, 3, 1)))
		w := m.Start("a")
		time.Sleep(2 * time.Second)
		r := stop(t, w)
		assert.Equal(t, [2]int{7, 8}, [2]int{r.GPUs, r.ExpectedGPUs})
		assert.Contains(t, r.String(), "7 of 8 GPUs have a number")
	})
}

// TestA8EmittedUnitsAreDeclared: every unit of a record has its line, with a
// direction.
func TestA8EmittedUnitsAreDeclared(t *testing.T) {
	r := NewReport("a", fullWork, fullMeasurement)
	r.Metrics = append(r.Metrics, derivePart("prefill", fullWork, fullMeasurement, true)...)
	var b bytes.Buffer
	require.NoError(t, r.WriteBenchmark(&b))
	reader := benchfmt.NewReader(&b, "")
	n := 0
	for reader.Scan() {
		res, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		for _, v := range res.Values {
			n++
			if v.OrigUnit == "" {
				assert.NotZero(t, benchfmt.UnitMetadataMap(reader.Units()).GetBetter(v.Unit), v.Unit)
			}
		}
	}
	assert.Equal(t, len(r.Metrics)+1, n)
}

// TestA10DerivedMetricsCountNothing: making a report changes no work.
func TestA10DerivedMetricsCountNothing(t *testing.T) {
	w := fullWork
	r := NewReport("a", w, fullMeasurement)
	assert.Equal(t, fullWork, w)
	assert.Equal(t, fullWork, r.Work)
}

// TestA13CounterReset: never a negative number, and none that is clamped.
func TestA13CounterReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{})
		m := newMeter(t, From(energytest.Reset(sim, 0, 40)))
		w := m.Start("a")
		time.Sleep(10 * time.Second)
		w.AddTokens(1, 1)
		r := stop(t, w)
		assert.True(t, r.Measurement.Has(energy.CounterReset), "%v", r)
		assert.Equal(t, []Metric{{"tokens/s", 0.1}}, r.Metrics)
	})
}

// TestA14BaselineFails: a source that does not answer when the window begins is a
// reason, and no error of the load.
func TestA14BaselineFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{})
		m := newMeter(t, From(energytest.Error(sim, 0, 1, 60, energy.ErrNoAnswer)))
		w := m.Start("a")
		time.Sleep(20 * time.Second)
		r := stop(t, w)
		assert.False(t, r.Valid())
		assert.NotEmpty(t, r.Reasons)
		next := m.Start("b")
		time.Sleep(5 * time.Second)
		requireTrue(t, sim, stop(t, next), 0.02)
	})
}

// TestA15MetricsAreDocumented: each has a row in docs/metrics.md, with its unit.
func TestA15MetricsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	lines := strings.Split(string(doc), "\n")
	for _, m := range (config{net: true, load: true}).metrics() {
		assert.True(t, slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| `"+m.Unit+"` |") }), "%s has no row", m.Unit)
	}
}

// TestA16CounterAndGaugeOverOneWindow: both are asked about the same time, to the
// nanosecond, and agree; neither is widened.
func TestA16CounterAndGaugeOverOneWindow(t *testing.T) {
	metered(t, simsource.Config{Noise: 0.05, Gauge: simsource.WithGauge}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		time.Sleep(time.Second)
		w := m.Start("a")
		done := sim.Busy()
		time.Sleep(5 * time.Second)
		w.End()
		done()
		defer sim.BusyLoad(0.9)() // what comes after is not in it
		r := stop(t, w)
		requireTrue(t, sim, r, 0.01)
		d := r.Measurement.Devices[0]
		require.True(t, d.HasGauge)
		assert.InEpsilon(t, d.Energy.Joules, d.GaugeJoules, 0.02)
	})
}

// TestAiperfHappyPath: the numbers of aiperf's own tests.
func TestAiperfHappyPath(t *testing.T) {
	of := func(watts, joules float64, gpus int) energy.Measurement {
		return energy.Measurement{Valid: true, Watts: watts, Duration: 5 * time.Second, Energy: energy.Estimate{Joules: joules},
			Devices: make([]energy.DeviceMeasurement, gpus)}
	}
	r := NewReport("a", Work{OutputTokens: 2000, Users: 1}, of(200, 1000, 1))
	requireValue(t, 200, r, "W")
	requireValue(t, 2, r, "tokens/J")
	requireValue(t, 1000, r, "J/user")
	r = NewReport("a", Work{OutputTokens: 2000, Users: 8}, of(250, 1000, 2))
	requireValue(t, 250, r, "W")
	requireValue(t, 125, r, "J/user")
	for _, none := range []Report{NewReport("a", Work{Users: 8}, of(250, 1000, 2)), NewReport("a", Work{}, energy.Measurement{})} {
		_, ok := none.Value("tokens/J")
		assert.False(t, ok)
	}
}

// TestA25StaleSamples: a source that is read more often than it changes tells no
// more than its changes do, and a mean of its samples is not the energy.
func TestA25StaleSamples(t *testing.T) {
	metered(t, simsource.Config{Gauge: simsource.WithGauge, Period: time.Second, GaugePeriod: time.Second}, func(t *testing.T, m *Meter, sim *simsource.Source) {
		w := m.Start("a")
		for range 20 {
			done := sim.Busy()
			time.Sleep(700 * time.Millisecond)
			done()
			time.Sleep(800 * time.Millisecond)
		}
		r := stop(t, w)
		requireTrue(t, sim, r, 0.05)
		assert.InDelta(t, 30, r.Measurement.Devices[0].Ticks, 1, "changes, not reads")
		assert.Greater(t, math.Abs(r.Measurement.Energy.ErrPercent()), 0.2, "and the interval knows")
	})
}
