package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// taken are samples that were taken in turn, as powertest ab does, and what both sides
// are as files: each value is a function of when the run was, from 0, and of its side.
type taken struct {
	count   int
	session func(run int) string // nil: one
	value   func(run, side int) float64
	lost    map[int]bool // runs without joules
}

// turn is the side of a run: base head, head base, base head.
func turn(run int) int { return (run ^ run>>1) & 1 }

func (s taken) files() (old, newer string) {
	var out [2]strings.Builder
	for run := range 2 * s.count {
		session := "a"
		if s.session != nil {
			session = s.session(run)
		}
		side := turn(run)
		fmt.Fprintln(&out[side], Mark{Number: run/2 + 1, Package: "p", Took: time.Second, Run: run + 1, Session: session})
		if s.lost[run] {
			fmt.Fprintln(&out[side], "BenchmarkChat 1 1 ns/op")
			continue
		}
		fmt.Fprintf(&out[side], "BenchmarkChat 1 %.9g J/op 1 ns/op\n", s.value(run, side))
	}
	return out[oldSide].String(), out[newSide].String()
}

// judge judges the joules of samples.
func (s taken) judge(t testing.TB, cfg Config) *Row {
	t.Helper()
	cfg.Units = []string{"J/op"}
	old, newer := s.files()
	r, err := JudgeReaders(cfg, "base.txt", strings.NewReader(old), "head.txt", strings.NewReader(newer))
	require.NoError(t, err)
	require.Len(t, r.Rows, 1)
	return &r.Rows[0]
}

// TestPairs: samples are judged by their pairs where they were taken in turn, and Runs has
// the order of both sides.
func TestPairs(t *testing.T) {
	warming := func(run, side int) float64 { return 100 * (1 + 0.02*float64(run) + 0.01*float64(side)) }
	r := taken{count: 10, value: warming}.judge(t, Config{Thresholds: map[string]float64{"": 0.001}})
	assert.Equal(t, TestPaired, r.Test)
	assert.Equal(t, 10, r.Pairs)
	assert.InDelta(t, 0.0084, r.Delta, 0.0003, "the ratio in the middle")
	assert.Less(t, r.DeltaLow, r.Delta)
	assert.Greater(t, r.DeltaHigh, r.Delta)
	assert.Equal(t, []int{1, 4, 5, 8, 9, 12, 13, 16, 17, 20}, r.Old.Runs)
	assert.Equal(t, []int{2, 3, 6, 7, 10, 11, 14, 15, 18, 19}, r.New.Runs)
	assert.InDelta(t, 100, r.Old.Values[0], 1e-9)
	assert.Greater(t, r.P, 0.3, "the unpaired p stands beside it")

	still := func(run, side int) float64 { return 100 * (1 + 0.001*math.Sin(float64(7*run)) + 0.01*float64(side)) }
	r = taken{count: 10, value: still}.judge(t, Config{Thresholds: map[string]float64{"": 0.001}})
	assert.Equal(t, VerdictRegression, r.Verdict)
	assert.InDelta(t, 2.0/1024, r.PPaired, 1e-12)
	assert.Equal(t, r.PPaired, r.PAdjusted)
}

// TestBrokenPairs: only whole blocks of one session are pairs, and where they are too few
// all samples are compared, which the report says.
func TestBrokenPairs(t *testing.T) {
	flat := func(run, _ int) float64 { return 100 + float64(run%7) }
	for _, c := range []struct {
		name  string
		s     taken
		pairs int
		test  Test
	}{
		{"whole", taken{count: 8}, 8, TestPaired},
		{"odd", taken{count: 9}, 8, TestPaired},
		{"too few", taken{count: 5}, 4, TestUnpaired},
		{"a sample without joules", taken{count: 10, lost: map[int]bool{5: true}}, 8, TestPaired},
		{"three of them", taken{count: 10, lost: map[int]bool{0: true, 9: true, 18: true}}, 4, TestUnpaired},
		{"resumed between blocks", taken{count: 10, session: func(run int) string { return fmt.Sprint(run / 8) }}, 10, TestPaired},
		{"resumed in a block", taken{count: 10, session: func(run int) string { return fmt.Sprint((run + 2) / 12) }}, 8, TestPaired},
		{"resumed in a pair", taken{count: 10, session: func(run int) string { return fmt.Sprint((run + 1) / 12) }}, 8, TestPaired},
		{"two runs of ab", taken{count: 10, session: func(run int) string { return fmt.Sprint(turn(run)) }}, 0, TestUnpaired},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.value = flat
			old, newer := c.s.files()
			r := run(t, Config{Units: []string{"J/op"}}, old, newer)
			row := r.Rows[0]
			assert.Equal(t, c.pairs, row.Pairs)
			assert.Equal(t, c.test, row.Test)
			notes := strings.Join(r.Warnings, "\n")
			if c.test == TestPaired {
				assert.NotContains(t, notes, "pairs")
				assert.Contains(t, written(t, plain(r)), fmt.Sprintf("signed-rank test of %d pairs", c.pairs))
			} else {
				assert.Contains(t, notes, fmt.Sprintf("not by pairs: Chat J/op (%s); among 1 comparison it takes 6 pairs", count(c.pairs, "pair")))
				assert.Contains(t, written(t, plain(r)), "Mann-Whitney U test of all samples")
			}
		})
	}
	t.Run("without a ratio", func(t *testing.T) {
		s := taken{count: 10, value: func(run, _ int) float64 { return float64(run % 3) }}
		old, newer := s.files()
		r := run(t, Config{Units: []string{"net-J/op"}}, strings.ReplaceAll(old, "J/op", "net-J/op"), strings.ReplaceAll(newer, "J/op", "net-J/op"))
		assert.Equal(t, TestUnpaired, r.Rows[0].Test)
		assert.True(t, math.IsInf(r.Rows[0].Unseen, 1))
		assert.Equal(t, "PASS: no regression in 1 comparison; one of any size in Chat net-J/op could have gone unseen", r.Headline())
	})
	t.Run("pooled", func(t *testing.T) {
		s := taken{count: 10, value: flat}
		old, newer := s.files()
		double := func(text string) string {
			return strings.ReplaceAll(text, "BenchmarkChat 1", "BenchmarkChat/b 1 1 ns/op\nBenchmarkChat/a 1 5 J/op\nBenchmarkChat/b 1")
		}
		r := run(t, Config{Units: []string{"J/op"}, Row: ".name"}, double(old), double(newer))
		assert.Equal(t, TestUnpaired, r.Rows[0].Test)
	})
}

// TestMark: what ab writes is read, and what it wrote before there were sessions.
func TestMark(t *testing.T) {
	m := Mark{Number: 3, Package: "example.com/a, run 7 of b", Took: 1204 * time.Millisecond, Run: 7, Session: "9f2c"}
	assert.Equal(t, "# powertest ab: sample 3 of example.com/a, run 7 of b, 1.204s, run 7 of 9f2c", m.String())
	got, ok := ParseMark(m.String() + "\n")
	require.True(t, ok)
	assert.Equal(t, m, got)
	got, ok = ParseMark("# powertest ab: sample 3 of here, 1.204s\n")
	require.True(t, ok)
	assert.Equal(t, Mark{Number: 3, Package: "here", Took: 1204 * time.Millisecond}, got)
	for _, line := range []string{"", "# powertest ab: sample 0 of x, 1s", "# powertest ab: sample x of x", "# powertest ab: sample 1 of ", "sample 1 of x"} {
		_, ok := ParseMark(line)
		assert.False(t, ok, line)
	}
}

func FuzzMark(f *testing.F) {
	f.Add("# powertest ab: sample 3 of example.com/p, 1.204s, run 7 of 9f2c")
	f.Add("# powertest ab: sample 3 of p, 1s")
	f.Add("# powertest ab: sample 3 of , run 1 of x, run 2 of y")
	f.Fuzz(func(t *testing.T, line string) {
		m, ok := ParseMark(line)
		if !ok {
			return
		}
		m.Took = m.Took.Round(time.Millisecond)
		again, ok := ParseMark(m.String())
		require.True(t, ok, "%q", m.String())
		if strings.TrimSpace(m.Package) == m.Package && m.Session != "" {
			assert.Equal(t, m, again)
		}
	})
}

// TestIntervalAgrees: no change is in the interval if and only if the p-value is not below
// the level, by pairs and without, also where values are equal; and what is reported is in it.
func TestIntervalAgrees(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 9))
	seen := map[string]int{}
	for i := range 600 {
		n, shift := 6+2*random.IntN(6), 0.03*random.NormFloat64()
		s := taken{count: n, value: func(_, side int) float64 {
			v := 100 * (1 + shift*float64(side) + 0.02*random.NormFloat64())
			if i%3 == 0 {
				v = math.Round(v)
			}
			return v
		}}
		if i%2 == 0 {
			s.session = func(run int) string { return fmt.Sprint(turn(run)) }
		}
		r := s.judge(t, Config{})
		significant := r.PAdjusted < DefaultAlpha
		within := r.DeltaLow <= 0 && 0 <= r.DeltaHigh
		if i%3 != 0 {
			assert.NotEqual(t, significant, within, "%+v", r)
		} else {
			assert.True(t, significant || within, "%+v", r)
		}
		assert.True(t, r.DeltaLow <= r.Delta && r.Delta <= r.DeltaHigh, "%+v", r)
		seen[fmt.Sprint(r.Test, significant)]++
	}
	for _, test := range []Test{TestPaired, TestUnpaired} {
		assert.Greater(t, seen[fmt.Sprint(test, true)], 50)
		assert.Greater(t, seen[fmt.Sprint(test, false)], 50)
	}
}

// series are the samples without files.
func (s taken) series() (sides [2]series) {
	for run := range 2 * s.count {
		side := turn(run)
		sides[side].add(s.value(run, side), &Mark{Number: run/2 + 1, Package: "p", Run: run + 1, Session: "a"})
	}
	return sides
}

// noFalseAlarms: whatever the noise is, and whatever drifts, identical builds are called
// different by their pairs in no more than alpha of the trials.
func noFalseAlarms(t *testing.T, trials map[int]int) {
	for count, trials := range trials {
		for shape := range drifts {
			for noise := range noises {
				t.Run(fmt.Sprintf("%d samples, drift %s, noise %s", count, shape, noise), func(t *testing.T) {
					t.Parallel()
					random := rand.New(rand.NewPCG(uint64(count), 11))
					alarms := 0
					for range trials {
						sides := simulatedTaken(random, count, shape, noise, 0.005, 0).series()
						pairs := pairsOf(sides[oldSide], sides[newSide])
						require.Len(t, pairs, count)
						if signedRank(pairs) < DefaultAlpha {
							alarms++
						}
					}
					t.Logf("%d false alarms in %d trials", alarms, trials)
					// Three standard deviations are what chance adds.
					most := DefaultAlpha*float64(trials) + 3*math.Sqrt(DefaultAlpha*(1-DefaultAlpha)*float64(trials))
					assert.LessOrEqual(t, float64(alarms), most)
					if noise == "none" && shape == "none" {
						assert.Zero(t, alarms, "identical samples")
					}
				})
			}
		}
	}
}

func TestPairsFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates thousands of comparisons")
	}
	noFalseAlarms(t, map[int]int{10: 300})
}

// findsShift: 1 % is found at 0.5 % noise and a drift of 0.2 % per run with ten samples by
// their pairs, and not by all samples.
func findsShift(t *testing.T, trials int) {
	random := rand.New(rand.NewPCG(10, 12))
	paired, unpaired := 0, 0
	cfg := Config{Thresholds: map[string]float64{"": 0}}
	for range trials {
		s := simulatedTaken(random, 10, "linear", "normal", 0.005, 0.01)
		if s.judge(t, cfg).Verdict == VerdictRegression {
			paired++
		}
		if s.apart().judge(t, cfg).Verdict == VerdictRegression {
			unpaired++
		}
	}
	t.Logf("found in %d of %d trials by pairs, in %d without", paired, trials, unpaired)
	assert.GreaterOrEqual(t, paired, trials*90/100)
	assert.Less(t, unpaired, trials*25/100)
}

func TestPairsFindShift(t *testing.T) {
	t.Parallel()
	findsShift(t, 400)
}
