package dcgmsource_test

import (
	"flag"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	labSeed    = flag.Uint64("accuracy.seed", 1, "seed of the accuracy lab")
	labWindows = flag.Int("accuracy.windows", 200, "windows per cell of the accuracy lab")
)

// cell is the outcomes of all estimators for one kind of window.
type cell map[string][]outcome

// try simulates n windows, as many at a time as there are processors.
func try(t *testing.T, k kind, n int) cell {
	results := make([]map[string]outcome, n)
	t.Run("windows", func(t *testing.T) {
		workers := runtime.GOMAXPROCS(0)
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for i := worker; i < n; i += workers {
					results[i] = k.try(t, *labSeed, uint64(i))
				}
			})
		}
	})
	c := cell{}
	for _, result := range results {
		for est, o := range result {
			c[est] = append(c[est], o)
		}
	}
	return c
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

var shapes = []string{"cold", "late", "warm", "decay"}

// kinds are the kinds of windows that are compared.
func kinds() []kind {
	var ks []kind
	for _, c := range []struct {
		collect time.Duration
		windows []time.Duration
	}{
		{time.Second, []time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute}},
		{30 * time.Second, []time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}},
	} {
		for _, w := range c.windows {
			for _, shape := range shapes {
				ks = append(ks, kind{c.collect, w, shape})
			}
		}
	}
	return ks
}

// BenchmarkAccuracy compares estimators of a window's energy on the same windows,
// on a GPU whose dcgm-exporter collects every T. The shapes: cold, where load
// begins and ends with the window, and the window begins when the instrument says
// so; late, where it begins at any other time; decay, where the power takes up to
// a few seconds to follow the load; and warm, where the load goes on over both
// edges.
//
// Metrics: bias-% is the mean signed error, p95-% the 95th percentile of the
// absolute error, inside-% the share of windows whose true energy lies in the
// stated interval, err-% the median half-width of the interval, withheld-% the
// share of windows without a number (which the other metrics leave out).
func BenchmarkAccuracy(b *testing.B) {
	cells := map[kind]cell{}
	for _, est := range []string{"powertest", "plain", "aiperf"} {
		for _, k := range kinds() {
			b.Run("est="+est+"/"+k.String(), func(b *testing.B) {
				if cells[k] == nil {
					cells[k] = tryInBenchmark(b, k, *labWindows)
				}
				report(b, est, cells[k])
			})
		}
	}
}

// tryInBenchmark is try where there is no testing.T, without which there is no
// bubble.
func tryInBenchmark(b *testing.B, k kind, n int) cell {
	b.Helper()
	var c cell
	any := func(string, string) (bool, error) { return true, nil }
	ok := testing.RunTests(any, []testing.InternalTest{{Name: "lab", F: func(t *testing.T) {
		if c == nil { // it is called as often as -count says
			c = try(t, k, n)
		}
	}}})
	require.True(b, ok)
	return c
}

func report(b *testing.B, est string, c cell) {
	s := summarize(c[est])
	b.ReportMetric(0, "ns/op") // nothing was timed
	if s.withheld < 100 {
		b.ReportMetric(s.bias, "bias-%")
		b.ReportMetric(s.p95, "p95-%")
	}
	if est != "powertest" {
		return
	}
	if s.withheld < 100 {
		b.ReportMetric(s.inside, "inside-%")
		b.ReportMetric(s.half, "err-%")
	}
	b.ReportMetric(s.withheld, "withheld-%")
}

// promise is what is promised of windows.
type promise struct {
	collect, window time.Duration
	p95             float64 // of the error, in %
}

var promises = []promise{
	{time.Second, 5 * time.Second, 3},
	{time.Second, 30 * time.Second, 0.5},
	{time.Second, 2 * time.Minute, 0.15},
	{30 * time.Second, 2 * time.Minute, 3},
}

// hold holds the whole path to what is promised of it, in n windows of each kind,
// for load that starts cold, goes on, or decays.
func (p promise) hold(t *testing.T, n int) {
	for _, shape := range shapes {
		k := kind{p.collect, p.window, shape}
		t.Run(k.String(), func(t *testing.T) {
			outcomes := try(t, k, n)["powertest"]
			s := summarize(outcomes)
			t.Logf("%+v", s)
			limit := p.p95
			if shape == "decay" {
				limit *= 1.5 // a tail of seconds hides in the last interval
			}
			assert.LessOrEqual(t, s.p95, limit, "95th percentile of the error, in %")
			assert.GreaterOrEqual(t, s.inside, 95.0, "share of windows inside their interval, in %")
			assert.LessOrEqual(t, s.withheld, 20.0, "share of windows withheld, in %: %v", whys(outcomes))
		})
	}
}

// TestAccuracy is TestSlowAccuracy with few windows.
func TestAccuracy(t *testing.T) {
	windows := 20
	if testing.Short() {
		windows = 4
	}
	promises[0].hold(t, windows)
}

// whys are the reasons for which numbers were withheld.
func whys(os []outcome) map[string]int {
	count := map[string]int{}
	for _, o := range os {
		for _, finding := range o.why {
			count[fmt.Sprint(finding)]++
		}
	}
	return count
}
