package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An unseenTrial is two builds of which the new one of some benchmarks costs more by a
// shift, and an instrument that hides as much of it as its error allows.
type unseenTrial struct {
	family, count int
	noise         string
	deviation     float64
	shift, hidden float64 // shares
	paired        bool
	cfg           Config
}

func (u unseenTrial) judge(t *testing.T, random *rand.Rand) *Report {
	t.Helper()
	var out [2]strings.Builder
	for i := range u.family {
		s := simulatedTaken(random, u.count, "none", u.noise, u.deviation, (1+u.shift)/(1+u.hidden)-1)
		if !u.paired {
			s = s.apart()
		}
		old, newer := s.files()
		for side, text := range []string{old, newer} {
			text = strings.ReplaceAll(text, "BenchmarkChat", fmt.Sprintf("BenchmarkChat%d", i))
			if u.hidden > 0 { // of both sides together
				text = strings.ReplaceAll(text, "J/op", fmt.Sprintf("J/op %.9g err-%%", 100*u.hidden/math.Sqrt2))
			}
			out[side].WriteString(text)
		}
	}
	cfg := u.cfg
	cfg.Units = []string{"J/op"}
	r, err := JudgeReaders(cfg, "old.txt", strings.NewReader(out[oldSide].String()), "new.txt", strings.NewReader(out[newSide].String()))
	require.NoError(t, err)
	require.Len(t, r.Rows, u.family)
	return r
}

// excluded reports whether a pass excludes the shift that is there: what it says of the
// largest change that could have gone unseen is wrong.
func (u unseenTrial) excluded(r *Report) bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Verdict == VerdictSame && row.Unseen < u.shift })
}

// unseenHolds: that a row has become worse by more than its Unseen happens in no more than
// alpha of the trials, and half of it for one row: whatever the noise, with pairs and
// without, in families, and behind the instrument's error.
func unseenHolds(t *testing.T, trials int) {
	for _, u := range []unseenTrial{
		{family: 1, count: 10, noise: "normal", deviation: 0.01, shift: 0.01},
		{family: 1, count: 10, noise: "normal", deviation: 0.01, shift: 0.01, paired: true},
		{family: 1, count: 6, noise: "skewed", deviation: 0.01, shift: 0.02},
		{family: 1, count: 10, noise: "heavy-tailed", deviation: 0.01, shift: 0.02},
		{family: 1, count: 12, noise: "heavy-tailed", deviation: 0.01, shift: 0.02, paired: true},
		{family: 1, count: 10, noise: "normal", deviation: 0.01, shift: 0.05, hidden: 0.045},
		{family: 8, count: 10, noise: "normal", deviation: 0.01, shift: 0.01},
		{family: 8, count: 10, noise: "normal", deviation: 0.01, shift: 0.01, paired: true},
	} {
		t.Run(fmt.Sprintf("%d rows of %d samples, %s, paired %v, hidden %v", u.family, u.count, u.noise, u.paired, u.hidden), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(14, uint64(u.family)))
			trials := trials / u.family
			wrong, same := 0, 0
			for range trials {
				r := u.judge(t, random)
				if u.excluded(r) {
					wrong++
				}
				if r.Outcome == Pass {
					same++
				}
			}
			t.Logf("%d of %d trials pass, and %d exclude the change that is there", same, trials, wrong)
			level := DefaultAlpha
			if u.family == 1 {
				level /= 2
			}
			assert.LessOrEqual(t, float64(wrong), level*float64(trials)+3*math.Sqrt(level*float64(trials)))
			assert.Positive(t, same)
		})
	}
}

func TestUnseenHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("judges thousands of pairs")
	}
	unseenHolds(t, 600)
}

// unseenFinds: with -max-unseen, a change as large as the limit passes in no more than half
// of alpha, one half as large more often, and as many samples as Needed says let identical
// builds pass in 9 of 10 trials. The verdict for a change as large as Unseen is a regression
// in half of them or so, and for one 1.7 times as large in 9 of 10.
func unseenFinds(t *testing.T, trials int) {
	const limit = 0.02
	u := unseenTrial{family: 1, noise: "normal", deviation: 0.01, cfg: Config{MaxUnseen: map[string]float64{"": limit}, Thresholds: map[string]float64{"": 0}}}
	for _, paired := range []bool{false, true} {
		u.paired = paired
		random := rand.New(rand.NewPCG(15, 1))
		share := func(count int, shift float64, outcome Outcome) float64 {
			u.count, u.shift = count, shift
			n := 0
			for range trials {
				if u.judge(t, random).Outcome == outcome {
					n++
				}
			}
			return float64(n) / float64(trials)
		}
		u.count, u.shift = 8, 0
		var needed, unseen []float64
		for range 100 {
			if r := &u.judge(t, random).Rows[0]; r.hides() {
				needed = append(needed, float64(r.Needed))
				assert.False(t, r.Hopeless())
			} else if r.Verdict == VerdictSame {
				unseen = append(unseen, r.Unseen)
			}
		}
		require.NotEmpty(t, needed)
		slices.Sort(needed)
		enough := int(needed[len(needed)/2])
		t.Logf("paired %v: of 8 samples, %d of 100 are too few for %v; %d are said to be enough", paired, len(needed), limit, enough)
		pass, worst, half := share(enough, 0, Pass), share(enough, limit, Pass), share(enough, limit/2, Pass)
		t.Logf("with %d samples pass: no change %.3f, half of the limit %.3f, the limit %.3f", enough, pass, half, worst)
		slack := 3 * math.Sqrt(0.25/float64(trials))
		assert.GreaterOrEqual(t, pass, 0.9-slack)
		assert.LessOrEqual(t, worst, DefaultAlpha/2+3*math.Sqrt(DefaultAlpha/2/float64(trials)))
		assert.Greater(t, half, worst)
		assert.NotEmpty(t, unseen)

		u.cfg.MaxUnseen = nil
		u.count, u.shift = 10, 0
		var size []float64
		for range 200 {
			size = append(size, u.judge(t, random).Rows[0].Unseen)
		}
		slices.Sort(size)
		typical := size[slices.IndexFunc(size, func(x float64) bool { return x > 0 })+100]
		t.Logf("10 samples: typically %.4f could go unseen; regressions are found at that %.3f, half of it %.3f, 1.7 times %.3f",
			typical, share(10, typical, Regression), share(10, typical/2, Regression), share(10, 1.7*typical, Regression))
		assert.GreaterOrEqual(t, share(10, 1.7*typical, Regression), 0.9-slack)
		u.cfg.MaxUnseen = map[string]float64{"": limit}
	}
}

func TestUnseenFinds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("judges thousands of pairs")
	}
	unseenFinds(t, 100)
}

// TestUnseen: of which verdicts there is one, and what it is where it can be counted.
func TestUnseen(t *testing.T) {
	exact := func(old, newer []float64, threshold float64) *Row {
		cfg := Config{Exact: map[string]bool{"J/op": true}, Thresholds: map[string]float64{"J/op": threshold}}
		return &run(t, cfg, file("A", "J/op", old...), file("A", "J/op", newer...)).Rows[0]
	}
	assert.Zero(t, exact([]float64{5}, []float64{5}, 0).Unseen)
	assert.InDelta(t, 0.06, exact([]float64{100, 102}, []float64{104, 106}, 0.1).Unseen, 1e-12)
	assert.Zero(t, exact([]float64{104, 106}, []float64{100, 102}, 0.1).Unseen, "that is better")

	one := func(cfg Config, unit string, old, newer []float64) *Row {
		return &run(t, cfg, file("A", unit, old...), file("A", unit, newer...)).Rows[0]
	}
	flat := slices.Repeat([]float64{7}, 10)
	assert.Zero(t, one(Config{}, "J/op", flat, flat).Unseen, "identical samples exclude all")
	zero := slices.Repeat([]float64{0}, 10)
	assert.Zero(t, one(Config{Units: []string{"B/op"}}, "B/op", zero, zero).Unseen)
	some := append(slices.Clone(zero[:9]), 1)
	assert.True(t, math.IsInf(one(Config{Units: []string{"B/op"}}, "B/op", zero, some).Unseen, 1), "nothing bounds a change from 0")
	assert.True(t, math.IsNaN(one(Config{}, "J/op", spread(100, 10), spread(120, 10)).Unseen), "a regression was seen")
	few := one(Config{}, "J/op", spread(100, 3), spread(100, 3))
	assert.Equal(t, VerdictInconclusive, few.Verdict)
	assert.True(t, math.IsNaN(few.Unseen))
	assert.True(t, math.IsInf(few.DeltaHigh, 1))
	// Swapped, or as the inverse, a change for the worse is as large.
	up, down := spread(101, 10), spread(100, 10)
	inverse := func(list []float64) (l []float64) {
		for _, v := range list {
			l = append(l, 1/v)
		}
		return l
	}
	assert.InDelta(t, one(Config{}, "J/token", down, up).Unseen, one(Config{Units: []string{"tokens/J"}}, "tokens/J", inverse(down), inverse(up)).Unseen, 1e-9)
	// The instrument's error makes it larger.
	text := strings.ReplaceAll(file("A", "J/op", down...), "J/op", "J/op 1 err-%")
	r := run(t, Config{}, text, text).Rows[0]
	without := one(Config{}, "J/op", down, down)
	assert.InDelta(t, (1+without.Unseen)*(1+math.Sqrt2/100), 1+r.Unseen, 1e-9)
}

// TestMaxUnseen: more than may be is no pass, with what would do.
func TestMaxUnseen(t *testing.T) {
	random := rand.New(rand.NewPCG(16, 1))
	old := simulate(random, 2, 10, "J/op", func(int) float64 { return 100 }, 0.02)
	newer := simulate(random, 2, 10, "J/op", func(int) float64 { return 100 }, 0.02)
	limit := func(share float64) Config { return Config{MaxUnseen: map[string]float64{"": share}} }
	assert.Equal(t, Pass, run(t, limit(0.1), old, newer).Outcome)
	r := run(t, limit(0.01), old, newer)
	requireReason(t, r, CannotJudge, "a change for the worse could have gone unseen in Case0 J/op (up to ", ", and 1 % may), Case1 J/op", ": run both sides with -count ")
	assert.Greater(t, r.Rows[0].Needed, 50)
	assert.Equal(t, VerdictInconclusive, r.Rows[0].Verdict)
	assert.Contains(t, r.Rows[0].Why, "could have gone unseen")
	for _, out := range []string{written(t, plain(r)), written(t, r.WriteJUnit), written(t, r.WriteGitHub), written(t, r.WriteMarkdown)} {
		assert.Contains(t, out, "could have gone unseen")
	}
	out := written(t, r.WriteJSON)
	assert.Contains(t, out, `"max_unseen": 0.01`)
	assert.Contains(t, out, fmt.Sprintf(`"needed_samples": %d`, r.Rows[0].Needed))

	blurred := func(text string) string { return strings.ReplaceAll(text, "J/op", "J/op 1 err-%") }
	r = run(t, limit(0.01), blurred(old), blurred(newer))
	requireReason(t, r, CannotJudge, "no -count would do, for the instrument's error alone is as large; run longer")
	assert.True(t, r.Rows[0].Hopeless())
	r = run(t, Config{MaxUnseen: map[string]float64{"B/op": 0.1}}, file("A", "B/op", 0, 0, 0, 0, 0), file("A", "B/op", 0, 0, 0, 0, 1))
	requireReason(t, r, CannotJudge, "any size", "values that are 0 or less have no ratio")
	r = run(t, Config{MaxUnseen: map[string]float64{"B/op": 0.1}, Exact: map[string]bool{"B/op": true}, Thresholds: map[string]float64{"B/op": 0.5}},
		file("A", "B/op", 10), file("A", "B/op", 12))
	requireReason(t, r, CannotJudge, "it is exact")
	// A regression beside it comes first.
	worse := newer + file("Bad", "J/op", spread(120, 10)...)
	assert.Equal(t, Regression, run(t, limit(0.01), old+file("Bad", "J/op", spread(100, 10)...), worse).Outcome)
	_, err := JudgeReaders(limit(-1), "old.txt", strings.NewReader(old), "new.txt", strings.NewReader(newer))
	require.ErrorIs(t, err, ErrUsage)
}

// TestRoundedUp: two digits that are never less than the share.
func TestRoundedUp(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0 %", 0.1237: "13 %", 0.12: "12 %", 0.01234: "1.3 %", 0.000123: "0.013 %", 0.999: "100 %", 12.34: "1300 %", 0.05: "5.0 %", 0.1: "10 %",
	} {
		assert.Equal(t, want, RoundedUp(share), "%v", share)
	}
	assert.Equal(t, "any size", upTo(math.Inf(1)))
}
