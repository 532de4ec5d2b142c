package estimate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile changes an input at random: what is known of the period contradicts the
// ticks, ticks are missing, doubled, late or wide, energies stand still or jump, and
// windows are short, long, many or side by side.
func hostile(rng *rand.Rand) Input {
	pick := func(list ...float64) float64 { return list[rng.IntN(len(list))] }
	period := pick(0.01, 0.1, 1, 30)
	steps := []step{{0, pick(0, 90)}, {10 * period, pick(0, 700, 1e5)}, {30 * period, pick(0, 90)}}
	at := func() int64 { return int64((5 + 30*rng.Float64()) * period * second) }
	var spans []Span
	for range 1 + rng.IntN(4) {
		a, b := at(), at()
		spans = append(spans, Span{min(a, b), max(a, b), int64(rng.Float64() * float64(max(a, b)-min(a, b)))})
	}
	slices.SortFunc(spans, func(a, b Span) int { return int(a.Start/1000 - b.Start/1000) })
	in := seen(steps, period, 45*period, period*rng.Float64(), spans[0])
	in.Spans = spans[:1]
	if rng.IntN(2) == 0 {
		in.Members = [][]Span{spans[rng.IntN(len(spans)):]}
	}
	in.Others = spans[1:]
	p := &in.Period
	p.Seen *= pick(1, 1, 0.3, 2, 1e-3)
	p.Variance = pick(0, 1, 1e12, 1e17, -1e17)
	p.JitterVariance = pick(p.JitterVariance, 0, 1e18, -1)
	p.Known = rng.IntN(4) > 0
	in.Recorded, in.Far, in.Brief = rng.IntN(4) == 0, rng.IntN(4) == 0, rng.IntN(4) == 0
	in.PowerLimit, in.Resolution = pick(0, 700, 1), pick(0, 1e-3, 1000)
	for i := range in.Ticks {
		t := &in.Ticks[i]
		switch rng.IntN(12) {
		case 0:
			t.Hi += int64(3 * period * second * rng.Float64())
		case 1:
			t.Lo = t.Hi
		case 2:
			t.Joules += pick(0, 1e6)
		case 3:
			t.Inferred = true
		}
	}
	joules, hi := 0.0, int64(math.MinInt64)
	for i := range in.Ticks { // readings come in order, and a counter does not go down
		t := &in.Ticks[i]
		joules, hi = max(joules, t.Joules), max(hi, t.Hi)
		t.Joules, t.Hi = joules, hi
	}
	return in
}

// TestHostileInputs: whatever the input says, the answer is an error or finite numbers in
// their order.
func TestHostileInputs(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 500
	}
	for seed := range uint64(n) {
		in := hostile(rand.New(rand.NewPCG(seed, 7)))
		var list []Result
		require.NotPanics(t, func() { list, _ = Estimate(in) }, "seed %d", seed)
		for _, r := range list {
			if r.Err != nil {
				continue
			}
			for _, x := range []float64{r.Mean, r.Low, r.High} {
				require.False(t, math.IsNaN(x) || math.IsInf(x, 0), "seed %d: %+v", seed, r)
			}
			assert.LessOrEqual(t, r.Low, r.Mean, "seed %d", seed)
			assert.LessOrEqual(t, r.Mean, r.High, "seed %d", seed)
		}
	}
}
