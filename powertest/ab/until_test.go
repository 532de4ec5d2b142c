package ab

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/gate"
)

// A simulation is a comparison with -until, of two benchmarks.
type simulation struct {
	looks     []Look
	threshold float64
	noise     float64 // of a sample, as a share
	shift     float64 // of the head of one benchmark, as a share
	drift     float64 // of each run, as a share
	marked    bool    // the samples are judged as pairs
	unseen    float64 // what may be unseen; 0: all
	rnd       *rand.Rand
}

// run takes samples until the verdict is decided, and returns
// it and how many there were of each side.
func (s simulation) run(t *testing.T) (r *gate.Report, samples int) {
	t.Helper()
	var out [2]strings.Builder
	runs := 0
	for _, look := range s.looks {
		for sample := range Order(1, samples, look.Count) {
			runs++
			if s.marked {
				fmt.Fprintln(&out[sample.Side], gate.Mark{Number: sample.Round + 1, Package: "p", Run: runs, Session: "a"})
			}
			for bench := range 2 {
				j := 100 * (1 + s.noise*s.rnd.NormFloat64()) * (1 + s.drift*float64(runs))
				if sample.Side == Head && bench == 1 {
					j *= 1 + s.shift
				}
				fmt.Fprintf(&out[sample.Side], "Benchmark%d 1 %.6f J/op\n", bench, j)
			}
		}
		samples = look.Count
		cfg := gate.Config{Alpha: look.Alpha, Thresholds: map[string]float64{"": s.threshold}}
		if s.unseen > 0 {
			cfg.MaxUnseen = map[string]float64{"": s.unseen}
		}
		var err error
		r, err = gate.JudgeReaders(cfg, "base", strings.NewReader(out[Base].String()), "head", strings.NewReader(out[Head].String()))
		require.NoError(t, err)
		if !undecided(r) {
			break
		}
	}
	return r, samples
}

// falseAlarms is in how many trials identical builds are called different in any
// benchmark.
func falseAlarms(t *testing.T, s simulation, trials int) int {
	t.Helper()
	s.rnd = rand.New(rand.NewPCG(30, 4))
	n := 0
	for range trials {
		if r, _ := s.run(t); slices.ContainsFunc(r.Rows, different) {
			n++
		}
	}
	return n
}

func different(r gate.Row) bool {
	return r.Verdict == gate.VerdictRegression || r.Verdict == gate.VerdictImprovement
}

// TestUntilKeepsAlpha: samples are added while the verdict is undecided, with no
// threshold in the way, and still identical builds are called different in no more
// than alpha of the trials. With all of alpha at each look they would be.
func TestUntilKeepsAlpha(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("judges hundreds of runs")
	}
	untilKeepsAlpha(t, 100)
}

func untilKeepsAlpha(t *testing.T, trials int) {
	looks, err := Looks(gate.DefaultAlpha, 10, 30)
	require.NoError(t, err)
	naive := make([]Look, len(looks))
	for i, l := range looks {
		naive[i] = Look{Count: l.Count, Alpha: gate.DefaultAlpha}
	}
	most := gate.DefaultAlpha*float64(trials) + 2*math.Sqrt(gate.DefaultAlpha*float64(trials))
	for _, s := range []simulation{{noise: 0.01}, {noise: 0.01, marked: true}, {noise: 0.005, marked: true, drift: 0.002}} {
		s.looks = looks
		planned := falseAlarms(t, s, trials)
		s.looks = naive
		unplanned := falseAlarms(t, s, trials)
		t.Logf("pairs %v, drift %v: false alarms in %d trials: %d with the plan, %d with alpha at each look", s.marked, s.drift, trials, planned, unplanned)
		assert.LessOrEqual(t, float64(planned), most)
		assert.Greater(t, unplanned, planned)
		if s.drift == 0 {
			assert.Greater(t, unplanned, int(gate.DefaultAlpha*float64(trials)))
		}
	}
}

// TestUntilDrift: behind a drift, a shift is found by pairs, at the first look whose level
// they can reach.
func TestUntilDrift(t *testing.T) {
	t.Parallel()
	looks, err := Looks(gate.DefaultAlpha, 10, 30)
	require.NoError(t, err)
	found := map[bool]int{}
	for _, marked := range []bool{false, true} {
		s := simulation{looks: looks, threshold: 0.005, noise: 0.005, shift: 0.01, drift: 0.002, marked: marked, rnd: rand.New(rand.NewPCG(7, 8))}
		for range 100 {
			if r, _ := s.run(t); r.Outcome == gate.Regression {
				found[marked]++
			}
		}
	}
	t.Logf("found in %d of 100 trials by pairs, in %d without", found[true], found[false])
	assert.GreaterOrEqual(t, found[true], 90)
	assert.Less(t, found[false], 30)
}

// TestUntilUnseen: samples are added until nothing larger than may be can have gone unseen,
// and no longer; not where no number of samples would do.
func TestUntilUnseen(t *testing.T) {
	t.Parallel()
	looks, err := Looks(gate.DefaultAlpha, 10, 40)
	require.NoError(t, err)
	s := simulation{looks: looks, threshold: gate.DefaultThreshold, noise: 0.02, unseen: 0.025, marked: true, rnd: rand.New(rand.NewPCG(9, 8))}
	passed, samples := 0, 0
	for range 60 {
		r, n := s.run(t)
		samples += n
		if r.Outcome == gate.Pass {
			passed++
			for _, row := range r.Rows {
				assert.LessOrEqual(t, row.Unseen, 0.025)
			}
		} else {
			assert.Equal(t, 40, n, "there was no more to take")
		}
	}
	t.Logf("%d of 60 pass, with %.1f samples on average", passed, float64(samples)/60)
	assert.Greater(t, passed, 45)
	assert.Less(t, samples, 60*40)
	assert.Greater(t, samples, 60*15)
	s.unseen = 0
	r, n := s.run(t)
	assert.Equal(t, 10, n)
	assert.Equal(t, gate.Pass, r.Outcome)
}

// TestUntilSaves: what is large is found at the first look, what is nothing ends
// there, and what is hard to see takes longer.
func TestUntilSaves(t *testing.T) {
	t.Parallel()
	looks, err := Looks(gate.DefaultAlpha, 10, 30)
	require.NoError(t, err)
	for _, c := range []struct {
		noise, shift float64
		found        int     // at least, of 100
		least, most  float64 // samples
	}{
		{0.01, 0, 0, 10, 10},
		{0.01, 0.05, 99, 10, 11},
		{0.04, 0.06, 80, 15, 25},
	} {
		s := simulation{looks: looks, threshold: gate.DefaultThreshold, noise: c.noise, shift: c.shift, rnd: rand.New(rand.NewPCG(5, 6))}
		found, samples := 0, 0
		for range 100 {
			r, n := s.run(t)
			samples += n
			if r.Outcome == gate.Regression {
				found++
			}
		}
		t.Logf("a shift of %.0f %% at %.0f %% noise: found in %d of 100 trials, with %.1f samples on average", 100*c.shift, 100*c.noise, found, float64(samples)/100)
		assert.GreaterOrEqual(t, found, c.found)
		assert.LessOrEqual(t, float64(samples)/100, c.most)
		assert.GreaterOrEqual(t, float64(samples)/100, c.least)
		if c.shift == 0 {
			assert.Zero(t, found)
		}
	}
}

// TestUndecided: what more samples might change.
func TestUndecided(t *testing.T) {
	row := func(v gate.Verdict, delta float64) gate.Row {
		return gate.Row{Verdict: v, Delta: delta, P: 0.2, Threshold: 0.03}
	}
	exact, within := row(gate.VerdictSame, 0.05), row(gate.VerdictSame, 0.05)
	exact.Exact, within.InstrumentError = true, 0.05 // which the change just does not exceed
	more := within
	more.InstrumentError = 0.0499
	for _, c := range []struct {
		name    string
		outcome gate.Outcome
		rows    []gate.Row
		want    bool
	}{
		{"inconclusive", gate.CannotJudge, []gate.Row{row(gate.VerdictInconclusive, 0)}, true},
		{"moved, but not significantly", gate.Pass, []gate.Row{row(gate.VerdictSame, 0.04)}, true},
		{"and the other way", gate.Pass, []gate.Row{row(gate.VerdictSame, -0.03)}, true},
		{"not moved", gate.Pass, []gate.Row{row(gate.VerdictSame, 0.02)}, false},
		{"too much unseen", gate.CannotJudge, []gate.Row{{Verdict: gate.VerdictInconclusive, Unseen: 0.1, MaxUnseen: 0.05, Needed: 20}}, true},
		{"and whatever the samples", gate.CannotJudge, []gate.Row{{Verdict: gate.VerdictInconclusive, Unseen: 0.1, MaxUnseen: 0.05}}, false},
		{"less than the instrument can show", gate.Pass, []gate.Row{within}, false},
		{"more than the instrument's error", gate.Pass, []gate.Row{more}, true},
		{"exact", gate.Pass, []gate.Row{exact}, false},
		{"improved", gate.Pass, []gate.Row{row(gate.VerdictImprovement, -0.5)}, false},
		{"a regression beside it", gate.Regression, []gate.Row{row(gate.VerdictInconclusive, 0), row(gate.VerdictRegression, 0.5)}, false},
		{"nothing", gate.CannotJudge, nil, false},
	} {
		assert.Equal(t, c.want, undecided(&gate.Report{Outcome: c.outcome, Rows: c.rows}), c.name)
	}
}
