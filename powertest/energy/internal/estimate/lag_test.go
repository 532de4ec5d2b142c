package estimate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lagging returns what is known of a counter that shows steps late.
func lagging(steps []step, late float64, spans ...Span) Input {
	moved := make([]step, len(steps))
	for i, s := range steps {
		moved[i] = s
		if i > 0 {
			moved[i].from += late
		}
	}
	return seen(moved, 0.1, 3.35, 0.002, spans...)
}

func TestLag(t *testing.T) {
	for _, late := range []float64{0.02, 0.05, 0.15} {
		in := lagging(cold, late, span(1, 3))
		by, sd, ok := TimingOf(in).Lag()
		require.True(t, ok, late)
		assert.InDelta(t, late, by, 0.002)
		assert.Less(t, sd, 0.003)
		assert.True(t, BeginsLate(in))

		in.Ticks = Earlier(in.Ticks, int64(by*second))
		r, err := estimated(in)
		require.NoError(t, err)
		assert.InEpsilon(t, 1200, r.Mean, 0.003, "corrected")
	}
}

// TestLagOfFewTicks: of a window in which every other tick is passed over, and in which some
// are known badly, the others still show the lag.
func TestLagOfFewTicks(t *testing.T) {
	steps := []step{{0, 100}, {1, 600}, {2, 100}}
	in := lagging(steps, 0.15, span(1, 2))
	few := in.Ticks[:0]
	for i, k := range in.Ticks[:23] {
		switch {
		case i > 12 && i < 20 && i%3 != 0:
			continue // passed over
		case i == 21:
			k.Lo -= 0.08 * second
		}
		few = append(few, k)
	}
	in.Ticks = few
	timing := TimingOf(in)
	by, _, ok := timing.Lag()
	require.True(t, ok, "%+v", timing)
	assert.InDelta(t, 0.15, by, 0.003)
}

// TestLagOfOneVagueEdge: an edge that shows the lag badly does not hide that of the other one,
// and two that do show none.
func TestLagOfOneVagueEdge(t *testing.T) {
	clear, vague := Late{By: 0.021, SD: 0.002, Clear: true}, Late{By: 0.027, SD: 0.0064, Clear: true}
	by, sd, ok := Timing{Rise: vague, Fall: clear}.Lag()
	assert.True(t, ok)
	assert.InDelta(t, 0.0215, by, 0.001)
	assert.Greater(t, sd, 0.0019)
	_, _, ok = Timing{Rise: vague, Fall: vague}.Lag()
	assert.False(t, ok)
}

// TestNoLag: loads that begin late or end late on their own are no lag, nor is what
// others recorded.
func TestNoLag(t *testing.T) {
	for name, in := range map[string]Input{
		"cold":         lagging(cold, 0, span(1, 3)),
		"delay":        lagging([]step{{0, 100}, {1.05, 600}, {3, 100}}, 0, span(1, 3)),
		"drain":        lagging([]step{{0, 100}, {1, 600}, {3.05, 100}}, 0, span(1, 3)),
		"apart":        lagging([]step{{0, 100}, {1.02, 600}, {3.06, 100}}, 0, span(1, 3)),
		"goes on":      lagging([]step{{0, 100}, {1.05, 600}}, 0, span(1, 3)),
		"unsteady":     lagging([]step{{0, 100}, {1, 600}, {1.5, 300}, {2, 600}, {3, 100}}, 0.05, span(1, 3)),
		"other window": func() Input { in := lagging(cold, 0.05, span(1, 3)); in.Others = []Span{span(0.7, 0.9)}; return in }(),
		"recorded":     func() Input { in := lagging(cold, 0.05, span(1, 3)); in.Recorded = true; return in }(),
		"no window":    {},
	} {
		timing := TimingOf(in)
		_, _, ok := timing.Lag()
		assert.False(t, ok, name)
		assert.Zero(t, timing.Mean, name)
	}
	timing := TimingOf(lagging(cold, 0, span(1, 3)))
	assert.True(t, timing.Contradicts(0.05, 0.001))
	assert.False(t, timing.Contradicts(0, 0))
	assert.False(t, Timing{}.Contradicts(0.05, 0.001), "nothing is known")
}

// averaged is the energy that a counter adds up which averages over m.
func averaged(from, to, m, t float64) float64 {
	return 100*t + 500*(ramped(t-from, m)-ramped(t-to, m))
}

func TestMean(t *testing.T) {
	for _, w := range []Span{span(1, 2), span(1, 3), span(1, 6)} {
		in := seen(cold, 0.1, float64(w.End)/second+0.35, 0.002, w)
		for i := range in.Ticks {
			k := &in.Ticks[i]
			k.Joules = averaged(1, float64(w.End)/second, 1, (float64(i)+0.37)*0.1)
		}
		assert.InEpsilon(t, 1, TimingOf(in).Mean, 0.1, "%v", w)
	}
	// A load that rises as slowly, and ends at once.
	in := seen(cold, 0.1, 6.35, 0.002, span(1, 6))
	for i := range in.Ticks {
		at := (float64(i) + 0.37) * 0.1
		in.Ticks[i].Joules = averaged(1, 99, 1, min(at, 6)) + 100*max(at-6, 0)
	}
	assert.Zero(t, TimingOf(in).Mean)
}
