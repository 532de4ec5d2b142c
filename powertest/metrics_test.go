package powertest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

var fullWork = Work{
	Ops: 100, Requests: 50, PromptTokens: 4000, OutputTokens: 1000, Users: 8, Elapsed: 2 * time.Second,
	Judged: 50, Rejected: 10, GoodTokens: 800, Latency: 25 * time.Second, Latencies: 50,
}

var fullMeasurement = energy.Measurement{
	Valid:       true,
	Duration:    2 * time.Second,
	Energy:      energy.Estimate{Joules: 1000, Low: 990, High: 1010}, // ± 10 J
	Watts:       500,
	BeforeWatts: 120, // whatever that was
	HasBefore:   true,
	Idle:        energy.PowerEstimate{Watts: 100, Low: 88, High: 112}, // ± 24 J
	HasIdle:     true,
	Devices:     make([]energy.DeviceMeasurement, 4),
}

func TestDeriveAll(t *testing.T) {
	want := []Metric{
		{"J/op", 10},
		{"W", 500},
		{"err-%", 1},
		{"tokens/J", 1},
		{"J/token", 1},
		{"tokens/s", 500},
		{"J/req", 20},
		{"J/user", 125},
		{"net-J/op", 8},
		{"net-err-%", 100 * 26. / 800},
		{"idle-W", 100},
		{"W/gpu", 125},
		{"J/prompt-token", 0.25},
		{"J/total-token", 0.2},
		{"goodput-tokens/J", 0.8},
		{"J*s/req", 10},
	}
	assert.Equal(t, want, derive(fullWork, fullMeasurement, config{net: true, load: true}))
	assert.Equal(t, want[:8], derive(fullWork, fullMeasurement, config{}), "of a benchmark")
	assert.Equal(t, want[:11], derive(fullWork, fullMeasurement, config{net: true}), "with Net")
}

// inputSet is a set of inputs that can be missing, and the units that need each.
var inputSet = []struct {
	name  string
	take  func(w *Work, m *energy.Measurement)
	units []string
}{
	{"ops", func(w *Work, _ *energy.Measurement) { w.Ops = 0 }, []string{"J/op", "net-J/op"}},
	{"requests", func(w *Work, _ *energy.Measurement) { w.Requests = 0 }, []string{"J/req", "J*s/req"}},
	{"prompt tokens", func(w *Work, _ *energy.Measurement) { w.PromptTokens = 0 }, []string{"J/prompt-token", "J/total-token"}},
	{"output tokens", func(w *Work, _ *energy.Measurement) { w.OutputTokens = 0 }, []string{"tokens/J", "J/token", "tokens/s", "J/total-token"}},
	{"judgement", func(w *Work, _ *energy.Measurement) { w.Judged = 0 }, []string{"goodput-tokens/J"}},
	{"latency", func(w *Work, _ *energy.Measurement) { w.Latencies = 0 }, []string{"J*s/req"}},
	{"users", func(w *Work, _ *energy.Measurement) { w.Users = 0 }, []string{"J/user"}},
	{"elapsed", func(w *Work, _ *energy.Measurement) { w.Elapsed = 0 }, []string{"tokens/s"}},
	{"energy", func(_ *Work, m *energy.Measurement) { m.Valid, m.Energy, m.Watts = false, energy.Estimate{}, 0 },
		[]string{"J/op", "W", "err-%", "tokens/J", "J/token", "J/req", "J/user", "net-J/op", "net-err-%", "W/gpu", "J/prompt-token", "J/total-token", "goodput-tokens/J", "J*s/req"}},
	{"idle power", func(_ *Work, m *energy.Measurement) { m.HasIdle = false }, []string{"net-J/op", "net-err-%", "idle-W"}},
	{"devices", func(_ *Work, m *energy.Measurement) { m.Devices = nil }, []string{"W/gpu"}},
}

// TestDeriveMissing takes away every combination of inputs: exactly the metrics
// that need one of those go, and none is ever NaN or infinite.
func TestDeriveMissing(t *testing.T) {
	for set := range 1 << len(inputSet) {
		w, m := fullWork, fullMeasurement
		var without []string
		gone := map[string]bool{}
		for i, in := range inputSet {
			if set&(1<<i) == 0 {
				continue
			}
			without = append(without, in.name)
			in.take(&w, &m)
			for _, u := range in.units {
				gone[u] = true
			}
		}
		var want, got []string
		for _, f := range (config{net: true, load: true}).metrics() {
			if !gone[f.Unit] {
				want = append(want, f.Unit)
			}
		}
		for _, x := range derive(w, m, config{net: true, load: true}) {
			require.True(t, metrictable.Finite(x.Value), "%s without %v", x.Unit, without)
			got = append(got, x.Unit)
		}
		require.Equal(t, want, got, "without %v", without)
	}
}

// TestDeriveNoGoodTokens: none of the requests met its objective, and that is a
// number.
func TestDeriveNoGoodTokens(t *testing.T) {
	w := fullWork
	w.GoodTokens, w.Rejected = 0, w.Judged
	assert.Contains(t, derive(w, fullMeasurement, config{load: true}), Metric{"goodput-tokens/J", 0})
}

func TestDerivePart(t *testing.T) {
	assert.Equal(t, []Metric{{"prefill-J/op", 10}, {"prefill-err-%", 1}, {"prefill-W", 500}, {"prefill-J/prompt-token", 0.25}}, derivePart("prefill", fullWork, fullMeasurement, true))
	assert.Equal(t, []Metric{{"decode-J/op", 10}, {"decode-err-%", 1}, {"decode-W", 500}, {"decode-J/token", 1}}, derivePart("decode", fullWork, fullMeasurement, true))
	assert.Equal(t, []Metric{{"x-W", 500}}, derivePart("x", Work{}, fullMeasurement, true))
	assert.Equal(t, []Metric{{"prefill-J/op", 10}, {"prefill-err-%", 1}}, derivePart("prefill", fullWork, fullMeasurement, false), "of a benchmark")
	assert.Empty(t, derivePart("prefill", Work{}, fullMeasurement, false))
	withheld := energy.Measurement{Energy: fullMeasurement.Energy}
	assert.Empty(t, derivePart("decode", fullWork, withheld, true))
	withheld = fullMeasurement
	withheld.Valid = false
	assert.Empty(t, derivePart("prefill", fullWork, withheld, false))
}

// TestDeriveZeroJoules: no energy at all is a number, but nothing is divided by it.
func TestDeriveZeroJoules(t *testing.T) {
	m := fullMeasurement
	m.Energy, m.Watts = energy.Estimate{}, 0
	list := derive(fullWork, m, config{})
	assert.Contains(t, list, Metric{"J/op", 0})
	assert.False(t, slices.ContainsFunc(list, func(x Metric) bool { return x.Unit == "tokens/J" || x.Unit == "err-%" }))
}

// TestDeriveGarbage: inputs that should not occur do not get out.
func TestDeriveGarbage(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m := fullMeasurement
		m.Energy, m.Watts, m.Idle = energy.Estimate{Joules: x, Low: x, High: x}, x, energy.PowerEstimate{Watts: x, Low: x, High: x}
		for _, got := range derive(fullWork, m, config{net: true, load: true}) {
			assert.True(t, metrictable.Finite(got.Value), "%v gives %v", x, got)
		}
		assert.Empty(t, derivePart("p", fullWork, m, false))
	}
	for _, n := range []int64{0, -1} {
		list := derive(Work{Ops: n, Requests: n, PromptTokens: n, OutputTokens: n, Judged: n, Latencies: n, Latency: time.Duration(n), Users: n}, fullMeasurement, config{load: true})
		assert.Equal(t, []Metric{{"W", 500}, {"err-%", 1}, {"W/gpu", 125}}, list, "counts of %d", n)
	}
}

// TestNetMayBeNegative: less than idle is what was measured, and not clamped.
func TestNetMayBeNegative(t *testing.T) {
	m := fullMeasurement
	m.Idle = energy.PowerEstimate{Watts: 600, Low: 588, High: 612}
	list := derive(fullWork, m, config{net: true, load: true})
	assert.Contains(t, list, Metric{"net-J/op", -2})
	assert.Contains(t, list, Metric{"net-err-%", 100 * 26. / 200})
}

func TestRounds(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		benchtime string
		round     round
		want      bool
	}{
		{"1s", round{1, 1, 10 * time.Millisecond}, false},
		{"1s", round{100, 100, 999 * time.Millisecond}, false},
		{"1s", round{120, 120, s}, true},
		{"1s", round{1, 1, 3 * s}, true},        // a slow first iteration, either style
		{"1s", round{1, 92, s}, true},           // b.Loop
		{"1s", round{0, 92, s}, true},           // b.Loop, wrapped inside of it
		{"1s", round{1, 92, 0}, true},           // b.Loop, and a ResetTimer after it
		{"1s", round{maxN, maxN, s / 10}, true}, // it does not get larger
		{"5x", round{1, 1, 2 * s}, false},       // the round before
		{"5x", round{5, 5, 5}, true},            // b.N
		{"5x", round{1, 5, 5}, true},            // b.Loop
		{"1x", round{1, 1, 1}, true},            // the only round, either style
		{"250ms", round{9, 9, 300 * time.Millisecond}, true},
	} {
		t.Run(fmt.Sprint(c.benchtime, c.round), func(t *testing.T) {
			setBenchtime(t, c.benchtime)
			assert.Equal(t, c.want, c.round.reported())
		})
	}
}
