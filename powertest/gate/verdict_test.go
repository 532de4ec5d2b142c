package gate

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withError adds err-% to all lines.
func withError(results string, percent float64) string {
	return strings.ReplaceAll(results, "\n", fmt.Sprintf("\t %g err-%%\n", percent))
}

// TestInstrumentErrorOfBothSides is the root of the sum of the squares of both
// medians, of an even number of samples and of an odd one.
func TestInstrumentErrorOfBothSides(t *testing.T) {
	side := func(percents ...float64) string {
		var b strings.Builder
		for i, p := range percents {
			fmt.Fprintf(&b, "BenchmarkChat-8 1 %d J/op %g err-%%\n", 100+i, p)
		}
		return b.String()
	}
	r := run(t, Config{}, side(3, 1, 10, 2), side(20, 6, 1))
	require.Len(t, r.Rows, 1)
	assert.InDelta(t, 0.065, r.Rows[0].InstrumentError, 1e-12, "2.5 % and 6 %")
	r = run(t, Config{}, side(3, 1, 10, 2), file("Chat-8", "J/op", 1, 2, 3))
	assert.InDelta(t, 0.025, r.Rows[0].InstrumentError, 1e-12, "of one side alone")
	r = run(t, Config{Units: []string{"ns/op"}}, strings.ReplaceAll(side(3), "J/op", "ns/op"), strings.ReplaceAll(side(3), "J/op", "ns/op"))
	assert.True(t, math.IsNaN(r.Rows[0].InstrumentError), "a time has none")
}

// TestInstrumentError: a change that the instrument could make is no regression.
func TestInstrumentError(t *testing.T) {
	r := run(t, Config{}, withError(before, 8), withError(after, 8))
	requireReason(t, r, CannotJudge, "instrument's error of 11.31 %", "-benchtime")
	assert.Equal(t, VerdictInconclusive, r.Rows[0].Verdict)
	assert.InDelta(t, 0.08*math.Sqrt2, r.Rows[0].InstrumentError, 1e-9)
	r = run(t, Config{}, withError(after, 8), withError(before, 8))
	assert.Equal(t, Pass, r.Outcome)
	assert.Equal(t, VerdictSame, r.Rows[0].Verdict, "nor is it an improvement")
	assert.Equal(t, Regression, run(t, Config{}, withError(before, 5), withError(after, 5)).Outcome)
	assert.Equal(t, Regression, run(t, Config{}, withError(before, 5), after).Outcome)
	// A time is not measured by the instrument.
	times := func(s string) string { return strings.ReplaceAll(s, "J/op", "ns/op") }
	assert.Equal(t, Regression, run(t, Config{}, withError(times(before), 50), withError(times(after), 50)).Outcome)
}

// TestPartError: the joules of a phase, and of a kind of devices, have an error of their own.
func TestPartError(t *testing.T) {
	for _, part := range []string{"prefill", "cpu", "all"} {
		cfg := Config{Units: []string{part + "-J/op"}}
		of := func(s string, percent float64) string {
			s = strings.ReplaceAll(s, "J/op", part+"-J/op\t 0.1 err-%")
			return strings.ReplaceAll(s, "\n", fmt.Sprintf("\t %g %s-err-%%\n", percent, part))
		}
		requireReason(t, run(t, cfg, of(before, 20), of(after, 20)), CannotJudge, "28.28 %")
		requireReason(t, run(t, cfg, of(before, 1), of(after, 1)), Regression)
	}
}

func TestIsEnergy(t *testing.T) {
	for _, u := range []string{"J/op", "W", "tokens/J", "J/prompt-token", "net-J/op", "idle-W", "W/gpu", "J*s/req", "prefill-J/op", "goodput-tokens/J"} {
		assert.True(t, isEnergy(u), u)
	}
	for _, u := range []string{"sec/op", "B/op", "err-%", "tokens/s", "JSON/op", "Words/op"} {
		assert.False(t, isEnergy(u), u)
	}
}

// TestDefaultUnits: time, joules and joules per token; not the same joules under
// other names, unless they are asked for.
func TestDefaultUnits(t *testing.T) {
	line := func(v float64) string {
		return fmt.Sprintf("BenchmarkChat-8 10 %v ns/op %v J/op 300 W 1 err-%% %v tokens/J %v J/token 12 B/op\n", v*1e6, v, 100/v, v/100)
	}
	var text strings.Builder
	for _, v := range spread(5, 10) {
		text.WriteString(line(v))
	}
	units := func(cfg Config) []string {
		r := run(t, cfg, text.String(), text.String())
		require.Equal(t, Pass, r.Outcome, r.Headline())
		var list []string
		for _, row := range r.Rows {
			list = append(list, row.Unit)
		}
		return list
	}
	assert.Equal(t, []string{"sec/op", "J/op", "J/token"}, units(Config{}))
	assert.Equal(t, []string{"W"}, units(Config{Units: []string{"W"}}))
	assert.Equal(t, []string{"sec/op", "J/op", "J/token", "W"}, units(Config{Thresholds: map[string]float64{"W": 0.1}}))
	assert.Equal(t, []string{"sec/op", "J/op", "J/token", "tokens/J", "tokens/J"}, units(Config{Min: map[string]float64{"tokens/J": 1}}))
	assert.Equal(t, []string{"tokens/J"}, units(Config{Filter: ".unit:tokens/J"}))
	assert.Equal(t, []string{"sec/op", "W"}, units(Config{Filter: ".name:Chat .unit:(ns/op OR W)"}))
	assert.Equal(t, []string{"J/op", "J/token"}, units(Config{Filter: "-.unit:ns/op"}))
	requireReason(t, run(t, Config{Thresholds: map[string]float64{"J/opp": 0.1}}, text.String(), text.String()), CannotJudge, "J/opp, which no result has, is named by a threshold")
	requireReason(t, run(t, Config{Filter: ".name:Nobody"}, text.String(), text.String()), CannotJudge, "-filter")
	requireReason(t, run(t, Config{}, file("A", "B/op", 1), file("A", "B/op", 1)), CannotJudge, "nothing was compared", "-threshold")
}

func TestBudgets(t *testing.T) {
	budget := func(cfg Config, text string) *Report {
		r, err := BudgetReader(cfg, "new.txt", strings.NewReader(text))
		require.NoError(t, err)
		return r
	}
	r := budget(Config{Max: map[string]float64{"J/op": 105}}, after)
	requireReason(t, r, Regression, "Chat-8 J/op more than 105.0 J/op")
	assert.Equal(t, "FAIL: 1 of 1 budget over", r.Headline())
	r = budget(Config{Max: map[string]float64{"J/op": 115}}, after)
	assert.Equal(t, "PASS: none of 1 budget over", r.Headline())
	requireReason(t, budget(Config{Min: map[string]float64{"tokens/J": 2}}, file("A", "tokens/J", 1)), Regression, "less than 2.000 tokens/J")
	assert.Equal(t, Pass, budget(Config{Max: map[string]float64{"ns/op": 150}}, file("A", "ns/op", 100)).Outcome, "scaled with its unit")
	assert.Equal(t, Regression, budget(Config{Max: map[string]float64{"ns/op": 50}}, file("A", "ns/op", 100)).Outcome)
	assert.Equal(t, Pass, budget(Config{Max: map[string]float64{"errors/s": 1}}, file("A", "errors/s", 0.5)).Outcome, "a budget has a direction of its own")
	requireReason(t, budget(Config{Max: map[string]float64{"J/token": 1}}, after), CannotJudge, "J/token, which no result has")
	requireReason(t, budget(Config{Max: map[string]float64{"J/op": 115}}, ""), CannotJudge, "new.txt has no results")
	_, err := BudgetReader(Config{}, "new.txt", strings.NewReader(after))
	assert.ErrorIs(t, err, ErrUsage)
	// With a baseline, both are judged.
	r = run(t, Config{Max: map[string]float64{"J/op": 105}}, before, after)
	assert.Equal(t, "FAIL: 1 regression in 1 comparison, 1 of 1 budget over", r.Headline())
}

func TestRejectedSamples(t *testing.T) {
	lost := before + strings.Repeat("BenchmarkChat-8 100 5 ns/op\n", 3)
	lost = strings.ReplaceAll(lost, "\n", "\t 9 ns/op\n")
	lost = strings.ReplaceAll(lost, " 5 ns/op\t 9 ns/op", " 5 ns/op")
	r := run(t, Config{}, lost, lost)
	require.Equal(t, Pass, r.Outcome)
	require.Len(t, r.Rejected, 2)
	assert.Equal(t, "3 of 13 samples of Chat-8 in old.txt are not used: no J/op", r.Rejected[0].String())
	assert.Equal(t, 10, r.Rows[1].Old.N)
	assert.Equal(t, 13, r.Rows[0].Old.N, "the time of a sample without joules is a time")
	// Marked samples are not used at all.
	marked := before + "BenchmarkChat-8 100 99999 J/op 1 invalid\nBenchmarkChat-8 100 99999 J/op 1 withheld\nBenchmarkChat-8 100 100 J/op 0 invalid\n"
	r = run(t, Config{}, before, marked)
	require.Equal(t, Pass, r.Outcome)
	assert.Equal(t, 11, r.Rows[0].New.N)
	assert.Contains(t, r.Warnings, "2 of 13 samples of Chat-8 in new.txt are not used: marked invalid")
	all := strings.ReplaceAll(before, "\n", " 1 invalid\n")
	requireReason(t, run(t, Config{}, before, all), CannotJudge, "missing in new.txt: Chat-8")
	other := file("Embed-8", "J/op", spread(5, 10)...)
	requireReason(t, run(t, Config{}, all+other, all+other), CannotJudge, "missing in new.txt: Chat-8")
}

// TestBadValues: what cannot be a measurement makes its file corrupt.
func TestBadValues(t *testing.T) {
	for value, why := range map[string]string{"NaN": "J/op is not a number", "+Inf": "J/op is infinite", "-3": "J/op is negative", "1e999": "parsing measurement"} {
		bad := before + "BenchmarkChat-8 100 " + value + " J/op\n"
		requireReason(t, run(t, Config{}, before, bad), CannotJudge, "new.txt:11", why)
		requireReason(t, run(t, Config{}, bad, before), CannotJudge, "old.txt:11", why)
	}
	unjudged := "BenchmarkX 1 3 J/op 3 B/op NaN W +Inf rows/op -1 misses/op NaN prefill-err-%\n"
	assert.Equal(t, Pass, run(t, Config{}, before, before+unjudged).Outcome, "what is not judged cannot block")
	requireReason(t, run(t, Config{Units: []string{"W"}}, before, before+unjudged), CannotJudge, "W is not a number")
	requireReason(t, run(t, Config{Filter: ".unit:/W|J/"}, before, before+unjudged), CannotJudge, "W is not a number")
	requireReason(t, run(t, Config{}, before, before+strings.ReplaceAll(unjudged, "prefill-", "")), CannotJudge, "err-% is not a number")
	timed := file("Chat-8", "ns/op", spread(10, 10)...)
	assert.Equal(t, Pass, run(t, Config{Units: []string{"ns/op"}}, timed, timed+"BenchmarkChat-8 1 10 ns/op NaN err-% NaN J/op\n").Outcome)
	// Neither can what is said of it.
	said := "Unit tests passed\nUnit rows/op better=lower\nUnit rows/op better=higher\n"
	assert.Equal(t, Pass, run(t, Config{}, said+before, before).Outcome)
	requireReason(t, run(t, Config{}, "Unit J/op better=lower\nUnit J/op better=higher\n"+before, before), CannotJudge, "metadata better of unit J/op already set to lower")
	cfg := Config{Units: []string{"net-J/op"}}
	net := func(v float64) string { return file("A", "net-J/op", spread(v, 10)...) }
	requireReason(t, run(t, cfg, net(-5), net(5)), CannotJudge, "negative")
	assert.Equal(t, Pass, run(t, cfg, net(-5), net(-5)).Outcome)
}

// TestZero: no run takes no joules, and where 0 is a measurement, more than it is
// more by any share.
func TestZero(t *testing.T) {
	zeros := func(unit string) string { return file("A", unit, 0, 0, 0, 0, 0) }
	ones := func(unit string) string { return file("A", unit, 1, 1, 1, 1, 1) }
	for _, unit := range []string{"J/op", "J/token", "prefill-J/op", "W", "tokens/J"} {
		cfg := Config{Units: []string{unit}}
		requireReason(t, run(t, cfg, ones(unit), zeros(unit)), CannotJudge, "new.txt has 5 lines", unit+" is 0")
		requireReason(t, run(t, cfg, zeros(unit), ones(unit)), CannotJudge, "old.txt has 5 lines", unit+" is 0")
	}
	for _, unit := range []string{"net-J/op", "idle-W", "B/op"} {
		cfg := Config{Units: []string{unit}}
		requireReason(t, run(t, cfg, zeros(unit), ones(unit)), Regression, "+∞")
		assert.Equal(t, Pass, run(t, cfg, zeros(unit), zeros(unit)).Outcome, unit)
	}
}

// TestFormsOfText: what editors, shells and go test make of a file.
func TestFormsOfText(t *testing.T) {
	assert.Equal(t, 10, run(t, Config{}, "\xef\xbb\xbf"+before, before).Rows[0].Old.N, "a byte-order mark")
	assert.Equal(t, Pass, run(t, Config{}, strings.ReplaceAll(before, "\n", "\r\n"), before).Outcome)
	assert.Equal(t, 10, run(t, Config{}, strings.TrimSuffix(before, "\n"), before).Rows[0].Old.N)
	requireReason(t, run(t, Config{}, "\xff\xfeB\x00e\x00", before), CannotJudge, "UTF-16")
	requireReason(t, run(t, Config{}, before, `{"Time":"2026-01-01T00:00:00Z","Action":"output"}`+"\n"), CannotJudge, "without -json")
	long := strings.Repeat("x", 200_000) + "\n"
	assert.Equal(t, Pass, run(t, Config{}, long+before+long, before).Outcome, "a long line of a log")
	requireReason(t, run(t, Config{}, before, before+"BenchmarkLong 1 "+long), CannotJudge, "new.txt:11", "too long")
	assert.Equal(t, Pass, run(t, Config{}, "=== RUN   BenchmarkChat\nBenchmarkChat\n"+before+"PASS\n", before).Outcome, "go test -v")
}

func TestUsage(t *testing.T) {
	for _, cfg := range []Config{
		{Alpha: -1}, {Alpha: 1}, {Alpha: math.NaN()}, {Filter: "("}, {Row: "@"}, {Row: ".unit"}, {Ignore: "a@("}, {Missing: 7},
		{Units: []string{" "}}, {Thresholds: map[string]float64{"J/op": -1}}, {Thresholds: map[string]float64{"": math.Inf(1)}},
		{Max: map[string]float64{"J/op": math.NaN()}}, {Min: map[string]float64{"": 1}}, {Better: map[string]int{"x": 0}},
	} {
		_, err := JudgeReaders(cfg, "old", strings.NewReader(before), "new", strings.NewReader(after))
		assert.ErrorIs(t, err, ErrUsage, "%+v", cfg)
	}
	_, err := Judge(Config{}, ParseSide("-"), ParseSide("-"))
	assert.ErrorIs(t, err, ErrUsage)
	broken := errors.New("the disk is broken")
	_, err = JudgeReaders(Config{}, "old", strings.NewReader(before), "new", io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken)))
	assert.ErrorIs(t, err, ErrInput)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, Side{"main", "a=b.txt"}, ParseSide("main=a=b.txt"))
	assert.Equal(t, Side{"a.txt", "a.txt"}, ParseSide("a.txt"))
}

// TestRow: samples of different benchmarks can be taken for one, and that is reported.
func TestRow(t *testing.T) {
	text := file("Chat/size=1-8", "J/op", spread(100, 5)...) + file("Chat/size=2-8", "J/op", spread(100, 5)...)
	r := run(t, Config{Row: ".name"}, text, text)
	require.Len(t, r.Rows, 1)
	assert.Equal(t, "Chat", r.Rows[0].Benchmark)
	assert.Equal(t, 10, r.Rows[0].Old.N)
	const pooled = "the samples of Chat are pooled of different benchmarks, such as Chat/size=1-8 and Chat/size=2-8"
	assert.Equal(t, []string{pooled}, r.Warnings)
	assert.Equal(t, "PASS: no regression in 1 comparison (1 pooled); one of up to 0.20 % in Chat J/op could have gone unseen", r.Headline())
	assert.Equal(t, []string{pooled}, run(t, Config{Row: ".name", Ignore: "/size,/gomaxprocs"}, text, text).Warnings)
	r, err := BudgetReader(Config{Row: ".name", Max: map[string]float64{"J/op": 200}}, "new.txt", strings.NewReader(text))
	require.NoError(t, err)
	assert.Equal(t, "PASS: none of 1 budget over (1 pooled)", r.Headline())
	assert.Equal(t, "PASS: no regression in 2 comparisons; one of up to 0.31 % in Chat 1 J/op could have gone unseen", run(t, Config{Row: ".name,/size"}, text, text).Headline())
	// A key that no result has distinguishes nothing.
	requireReason(t, run(t, Config{Row: ".name,/sise"}, text, text), CannotJudge, "-row names /sise, which no result has")
	requireReason(t, run(t, Config{Row: "model"}, text, text), CannotJudge, "-row names model, which no result has")
}

func TestWaivers(t *testing.T) {
	waivers, err := ReadWaivers(strings.NewReader(`
# benchmark unit until reason
Chat J/op 2026-12-31 larger draft model, see issue 51 # reviewed
BenchmarkEmbed-8 * 2026-12-31 removed
`), "waivers.txt")
	require.NoError(t, err)
	require.Len(t, waivers, 2)
	assert.Equal(t, "larger draft model, see issue 51", waivers[0].Reason)
	assert.Equal(t, 3, waivers[0].Line)
	cfg := Config{Waivers: waivers, Now: time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)}
	embed := file("Embed-8", "J/op", spread(5, 10)...)
	r := run(t, cfg, before+embed, after)
	require.Equal(t, Pass, r.Outcome, r.Headline())
	assert.Equal(t, "PASS: no regression in 1 comparison (1 waived, 1 missing)", r.Headline())
	assert.Equal(t, VerdictRegression, r.Rows[0].Verdict)
	cfg.Now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	r = run(t, cfg, before+embed, after)
	requireReason(t, r, Regression)
	assert.Contains(t, strings.Join(r.Warnings, "\n"), "the waiver of Chat J/op (line 3) expired on 2026-12-31")
	cfg.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r = run(t, cfg, before, before)
	assert.Contains(t, strings.Join(r.Warnings, "\n"), "the waiver of Chat J/op (line 3) waives nothing: remove it")
	for _, bad := range []string{"Chat J/op 2026-12-31\n", "Chat J/op tomorrow because\n", "A J/op 2026-12-31 x\nA J/op 2027-12-31 y\n", strings.Repeat("x", 70_000)} {
		_, err := ReadWaivers(strings.NewReader(bad), "waivers.txt")
		assert.ErrorIs(t, err, ErrInput)
		assert.ErrorContains(t, err, "waivers.txt:")
	}
}
