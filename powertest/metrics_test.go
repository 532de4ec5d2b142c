package powertest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

var fullWork = work{Ops: 100, Requests: 50, PromptTokens: 9999, OutputTokens: 1000, Users: 8, Elapsed: 2 * time.Second}

var fullMeasurement = energy.Measurement{
	Valid:       true,
	Duration:    2 * time.Second,
	Energy:      energy.Estimate{Joules: 1000, Low: 990, High: 1010},
	Watts:       500,
	BeforeWatts: 100,
	HasBefore:   true,
}

func TestDeriveAll(t *testing.T) {
	want := []metric{
		{"J/op", 10},
		{"W", 500},
		{"err-%", 1},
		{"tokens/J", 1},
		{"J/token", 1},
		{"tokens/s", 500},
		{"J/req", 20},
		{"J/user", 125},
		{"net-J/op", 8},
		{"idle-W", 100},
	}
	assert.Equal(t, want, derive(fullWork, fullMeasurement, true))
	var names []string
	for _, u := range units {
		names = append(names, u.name)
	}
	for i, m := range want {
		assert.Equal(t, m.Unit, names[i], "every unit that is derived is announced")
	}
}

// TestDeriveMissing takes away every combination of inputs: exactly the metrics
// that need one of those go, and none is ever NaN or infinite.
func TestDeriveMissing(t *testing.T) {
	inputs := []struct {
		name  string
		take  func(w *work, m *energy.Measurement, net *bool)
		units []string
	}{
		{"ops", func(w *work, _ *energy.Measurement, _ *bool) { w.Ops = 0 }, []string{"J/op", "net-J/op"}},
		{"requests", func(w *work, _ *energy.Measurement, _ *bool) { w.Requests = 0 }, []string{"J/req"}},
		{"output tokens", func(w *work, _ *energy.Measurement, _ *bool) { w.OutputTokens = 0 }, []string{"tokens/J", "J/token", "tokens/s"}},
		{"users", func(w *work, _ *energy.Measurement, _ *bool) { w.Users = 0 }, []string{"J/user"}},
		{"elapsed", func(w *work, _ *energy.Measurement, _ *bool) { w.Elapsed = 0 }, []string{"tokens/s"}},
		{"energy", func(_ *work, m *energy.Measurement, _ *bool) {
			m.Valid, m.Energy, m.Watts = false, energy.Estimate{}, 0
		},
			[]string{"J/op", "W", "err-%", "tokens/J", "J/token", "J/req", "J/user", "net-J/op"}},
		{"power before", func(_ *work, m *energy.Measurement, _ *bool) { m.HasBefore = false }, []string{"net-J/op", "idle-W"}},
		{"net", func(_ *work, _ *energy.Measurement, net *bool) { *net = false }, []string{"net-J/op", "idle-W"}},
	}
	for set := range 1 << len(inputs) {
		w, m, net := fullWork, fullMeasurement, true
		var without []string
		gone := map[string]bool{}
		for i, in := range inputs {
			if set&(1<<i) == 0 {
				continue
			}
			without = append(without, in.name)
			in.take(&w, &m, &net)
			for _, u := range in.units {
				gone[u] = true
			}
		}
		var want, got []string
		for _, u := range units {
			if !gone[u.name] {
				want = append(want, u.name)
			}
		}
		for _, x := range derive(w, m, net) {
			require.True(t, finite(x.Value), "%s without %v", x.Unit, without)
			got = append(got, x.Unit)
		}
		require.Equal(t, want, got, "without %v", without)
	}
}

// TestDeriveZeroJoules: no energy at all is a number, but nothing is divided by it.
func TestDeriveZeroJoules(t *testing.T) {
	m := fullMeasurement
	m.Energy, m.Watts = energy.Estimate{}, 0
	list := derive(fullWork, m, false)
	assert.Contains(t, list, metric{"J/op", 0})
	assert.False(t, slices.ContainsFunc(list, func(x metric) bool { return x.Unit == "tokens/J" || x.Unit == "err-%" }))
}

// TestDeriveGarbage: inputs that should not occur do not get out.
func TestDeriveGarbage(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m := fullMeasurement
		m.Energy, m.Watts, m.BeforeWatts = energy.Estimate{Joules: x, Low: x, High: x}, x, x
		for _, got := range derive(fullWork, m, true) {
			assert.True(t, finite(got.Value), "%v gives %v", x, got)
		}
		assert.Empty(t, derivePhase("p", fullWork, m))
	}
	for _, n := range []int{0, -1} {
		list := derive(work{Ops: n, Requests: int64(n), OutputTokens: int64(n), Users: int64(n)}, fullMeasurement, false)
		assert.Equal(t, []metric{{"W", 500}, {"err-%", 1}}, list, "counts of %d", n)
	}
}

// TestNetMayBeNegative: less than idle is what was measured, and not clamped.
func TestNetMayBeNegative(t *testing.T) {
	m := fullMeasurement
	m.BeforeWatts = 600
	assert.Contains(t, derive(fullWork, m, true), metric{"net-J/op", -2})
}

func TestDerivePhase(t *testing.T) {
	assert.Equal(t, []metric{{"prefill-J/op", 10}, {"prefill-err-%", fullMeasurement.Energy.ErrPercent()}}, derivePhase("prefill", fullWork, fullMeasurement))
	assert.Empty(t, derivePhase("prefill", work{}, fullMeasurement))
	m := fullMeasurement
	m.Valid = false
	assert.Empty(t, derivePhase("prefill", fullWork, m))
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
