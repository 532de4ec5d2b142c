package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	embed   = file("Embed-8", "J/op", spread(5, 10)...)
	invalid = func(s string) string { return strings.ReplaceAll(s, "\n", " 1 invalid\n") }
	timed   = func(s string) string { return strings.ReplaceAll(s, "J/op", "ns/op") }
)

// both are results in two units.
func both(name string) string {
	return file(name, "J/op\t 7 ns/op", spread(5, 10)...)
}

// TestBudgetOfAbsent: a benchmark that has not the unit of a budget has not kept
// it, and neither has one whose samples are all invalid.
func TestBudgetOfAbsent(t *testing.T) {
	budget := func(cfg Config, text string) *Report {
		cfg.Max = map[string]float64{"J/op": 1000}
		r, err := BudgetReader(cfg, "new.txt", strings.NewReader(text))
		require.NoError(t, err)
		return r
	}
	requireReason(t, budget(Config{}, before+timed(embed)), CannotJudge, "missing in new.txt: Embed-8 J/op; run them")
	requireReason(t, budget(Config{}, before+invalid(embed)), CannotJudge, "missing in new.txt: Embed-8; run them")
	assert.Equal(t, Pass, budget(Config{Missing: Warn}, before+timed(embed)).Outcome)
	for _, policy := range []Policy{Fail, Warn} {
		requireReason(t, budget(Config{Missing: policy}, timed(before)), CannotJudge, "J/op, which no result has, is named by a budget")
		requireReason(t, budget(Config{Missing: policy}, invalid(before)), CannotJudge, "J/op, which no result has, is named by a budget")
		cfg := Config{Missing: policy, Max: map[string]float64{"J/op": 1000}}
		requireReason(t, run(t, cfg, both("A"), file("A", "ns/op", spread(7, 10)...)), CannotJudge, "J/op, which no result of new.txt has, is named by a budget")
		requireReason(t, run(t, cfg, both("A")+timed(embed), invalid(both("A"))+timed(embed)), CannotJudge, "J/op, which no result of new.txt has")
	}
	// Of two budgets of a unit it is reported once, and of a unit that is lost as well.
	cfg := Config{Max: map[string]float64{"J/op": 1000}, Min: map[string]float64{"J/op": 0}}
	r := run(t, cfg, before+timed(embed), before+timed(embed))
	require.Len(t, r.Missing, 1)
	r = run(t, cfg, before+both("A"), before+file("A", "ns/op", spread(7, 10)...))
	require.Len(t, r.Missing, 1)
	assert.True(t, r.Missing[0].lost)
}

// TestAbsentOnOldSide: what cannot be compared since the old side lacks it has not
// passed.
func TestAbsentOnOldSide(t *testing.T) {
	for _, old := range []string{before + timed(embed), before + invalid(embed)} {
		newer := before + strings.ReplaceAll(embed, "J/op", "J/op 1 ns/op")
		if strings.Contains(old, "invalid") {
			newer = before + embed
		}
		r := run(t, Config{}, old, newer)
		requireReason(t, r, CannotJudge, "missing in old.txt: Embed-8", "; measure the old side again, or -missing warn if it is new there")
		assert.Equal(t, "old", r.Missing[0].Side)
		r = run(t, Config{Missing: Warn}, old, newer)
		assert.NotContains(t, strings.Join(r.Reasons, "\n"), "missing")
		assert.Contains(t, strings.Join(r.Warnings, "\n"), "missing in old.txt: Embed-8")
	}
	assert.Equal(t, Pass, run(t, Config{}, before, before+embed).Outcome, "a new benchmark")
}

// TestLostUnit: a unit that only the new side lacks is excused by nothing but a
// waiver of all units.
func TestLostUnit(t *testing.T) {
	old, newer := before+both("A"), before+file("A", "ns/op", spread(7, 10)...)
	cfg := Config{Missing: Warn, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	requireReason(t, run(t, cfg, old, newer), CannotJudge, "missing in new.txt: A J/op; old.txt has it: measure the new side again")
	waive := func(unit string) {
		cfg.Waivers = []Waiver{{Benchmark: "A", Unit: unit, Until: cfg.Now.Add(time.Hour), Reason: "x", Line: 1}}
	}
	waive("J/op")
	r := run(t, cfg, old, newer)
	requireReason(t, r, CannotJudge, "missing in new.txt: A J/op")
	assert.Contains(t, strings.Join(r.Warnings, "\n"), "the waiver of A J/op (line 1) waives nothing")
	waive("*")
	assert.NotContains(t, strings.Join(run(t, cfg, old, newer).Reasons, "\n"), "missing")
}

// TestNamedUnits: what is named must be there on both sides, whoever names it.
func TestNamedUnits(t *testing.T) {
	const line = "Unit hits/op better=lower\n"
	one, two := line+before, line+strings.ReplaceAll(before, "J/op", "J/op\t 3 hits/op")
	for who, cfg := range map[string]Config{
		"a threshold":                {Thresholds: map[string]float64{"hits/op": 0.1}},
		"a budget":                   {Max: map[string]float64{"hits/op": 4}},
		"-unit":                      {Better: map[string]int{"hits/op": -1}},
		"the list of units to judge": {Units: []string{"J/op", "hits/op"}},
	} {
		cfg.Missing = Warn
		requireReason(t, run(t, cfg, one, two), CannotJudge, "hits/op, which no result of old.txt has, is named by "+who)
		requireReason(t, run(t, cfg, two, one), CannotJudge, "hits/op, which no result of new.txt has, is named by "+who)
		assert.Equal(t, Pass, run(t, cfg, two, two).Outcome, who)
	}
	requireReason(t, run(t, Config{Exact: map[string]bool{"hit/op": true}}, two, two), CannotJudge, "hit/op, which no result has, is named by -unit")
}

// TestVaryingExact: of an exact unit whose values vary only ranges apart from each
// other are compared.
func TestVaryingExact(t *testing.T) {
	cfg := Config{Units: []string{"allocs/op"}, Exact: map[string]bool{"allocs/op": true}}
	judged := func(cfg Config, old, newer []float64) Verdict {
		r := run(t, cfg, file("A", "allocs/op", old...), file("A", "allocs/op", newer...))
		require.Len(t, r.Rows, 1)
		return r.Rows[0].Verdict
	}
	constant, varying := []float64{5, 5, 5}, []float64{5, 5, 900}
	requireReason(t, run(t, cfg, file("A", "allocs/op", constant...), file("A", "allocs/op", varying...)),
		CannotJudge, "the values of one side vary", "without assume=exact")
	assert.Equal(t, VerdictInconclusive, judged(cfg, constant, varying), "the same centre")
	assert.Equal(t, VerdictInconclusive, judged(cfg, varying, constant))
	assert.Equal(t, VerdictInconclusive, judged(cfg, varying, varying))
	assert.Equal(t, VerdictRegression, judged(cfg, constant, []float64{6, 7, 6}))
	assert.Equal(t, VerdictImprovement, judged(cfg, []float64{6, 7, 6}, constant))
	assert.Equal(t, VerdictRegression, judged(cfg, []float64{0, 0}, []float64{1, 1}), "from none")
	assert.Equal(t, VerdictImprovement, judged(cfg, []float64{1, 1}, []float64{0, 0}))
	cfg.Thresholds = map[string]float64{"allocs/op": 0.3}
	assert.Equal(t, VerdictInconclusive, judged(cfg, constant, []float64{6, 7, 6}), "one of 20 % or of 40 %")
	assert.Equal(t, VerdictSame, judged(cfg, constant, []float64{5.5, 6, 5.5}))
	assert.Equal(t, VerdictRegression, judged(cfg, constant, []float64{7, 8, 7}))
}

// TestContradictedDirection: a line of a file that turns a known unit round must
// be confirmed.
func TestContradictedDirection(t *testing.T) {
	const line = "Unit J/op better=higher\n"
	requireReason(t, run(t, Config{}, line+before, line+after), CannotJudge, "opposite of what is known", "-unit 'J/op better=higher'")
	assert.Equal(t, Pass, run(t, Config{Better: map[string]int{"J/op": +1}}, line+before, line+after).Outcome)
	requireReason(t, run(t, Config{Better: map[string]int{"J/op": -1}}, line+before, line+after), CannotJudge, "opposite of what is known")
	assert.Equal(t, Regression, run(t, Config{}, "Unit J/op better=lower\n"+before, after).Outcome)
}
