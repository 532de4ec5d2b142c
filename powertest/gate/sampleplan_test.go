package gate

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scales are the noises of a sample and of the difference of two, as the plan has them of
// very many samples.
var scales = map[string]map[Test]float64{
	"normal":       {TestUnpaired: math.Sqrt(math.Pi / 3), TestPaired: math.Sqrt(2 * math.Pi / 3)},
	"heavy-tailed": {TestUnpaired: 1.386, TestPaired: 2.32},
}

// foundWith is the share of trials in which as many samples as are planned for a change, of
// so many units of the noise, find it, alone in a family.
func foundWith(random *rand.Rand, noise string, test Test, change float64, family, trials int) (samples int, power float64) {
	samples = samplesNeeded(scales[noise][test], test, change, DefaultAlpha/float64(family))
	found := 0
	for range trials {
		old, newer, d := make([]float64, samples), make([]float64, samples), make([]float64, samples)
		for i := range old {
			old[i], newer[i] = noises[noise](random), change+noises[noise](random)
			d[i] = newer[i] - old[i]
		}
		p := signedRank(d)
		if test == TestUnpaired {
			p = compare(old, newer, false, DefaultAlpha).p
		}
		if p*float64(family) < DefaultAlpha {
			found++
		}
	}
	return samples, float64(found) / float64(trials)
}

// planFinds: what is planned is found in about 9 of 10 trials, or more often where so few
// samples would do that a test has its least p-value; less often if the noise has heavy
// tails and the change is large, as the documentation says.
func planFinds(t *testing.T, trials int, slack float64) {
	random := rand.New(rand.NewPCG(1, 13))
	for noise := range scales {
		least := 1.0
		for _, test := range []Test{TestUnpaired, TestPaired} {
			for _, family := range []int{1, 3, 12, 100} {
				for _, change := range []float64{0.7, 1, 1.5, 2, 2.5, 3, 4} {
					n, power := foundWith(random, noise, test, change, family, trials)
					t.Logf("%s, %s, family of %d, change of %.1f: %d samples find it in %.3f", noise, test, family, change, n, power)
					least = min(least, power)
					if noise == "normal" && n > 2*fewest(test, DefaultAlpha/float64(family)) {
						assert.LessOrEqual(t, power, Power+0.05+slack)
					}
				}
			}
		}
		t.Logf("%s: at least %.3f", noise, least)
		assert.GreaterOrEqual(t, least, map[string]float64{"normal": Power, "heavy-tailed": 0.58}[noise]-slack)
	}
}

func TestPlanFinds(t *testing.T) {
	t.Parallel()
	planFinds(t, 150, 0.1)
}

// planCovers: of plans from few samples, the interval has the number that is right in 4 of
// 5, and the middle is not far off on average.
func planCovers(t *testing.T, trials int) {
	random := rand.New(rand.NewPCG(2, 13))
	for _, samples := range []int{6, 10, 30} {
		var within [2]int
		for range trials {
			text := simulate(random, 1, samples, "J/op", func(int) float64 { return 100 }, 0.01)
			s, err := PlanReader(Config{}, "old.txt", strings.NewReader(text))
			require.NoError(t, err)
			for i, plan := range [][]Needed{s.Rows[0].Unpaired, s.Rows[0].Paired} {
				scale := 0.01 * math.Sqrt(math.Pi/3)
				if i == 1 {
					scale *= math.Sqrt2
				}
				right := samplesNeeded(scale, []Test{TestUnpaired, TestPaired}[i], margin(0.01, 0), DefaultAlpha)
				if n := plan[0]; n.Low <= right && (right <= n.High || n.High == 0) {
					within[i]++
				}
			}
		}
		t.Logf("plans from %d samples: %d and %d of %d intervals are right", samples, within[0], within[1], trials)
		for _, n := range within {
			assert.InDelta(t, 0.8, float64(n)/float64(trials), 0.12)
		}
	}
}

func TestPlanCovers(t *testing.T) {
	t.Parallel()
	planCovers(t, 300)
}

// TestPlanDrift: where runs become dearer, pairs need fewer samples.
func TestPlanDrift(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 13))
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, "BenchmarkChat 1 %.6f J/op\n", 100*(1+0.002*float64(i)+0.005*random.NormFloat64()))
	}
	s, err := PlanReader(Config{}, "old.txt", strings.NewReader(b.String()))
	require.NoError(t, err)
	r := s.Rows[0]
	assert.Greater(t, r.Unpaired[0].Samples, 2*r.Paired[0].Samples)
}

// TestPlan: what is said, also of what cannot be planned.
func TestPlan(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 13))
	text := "Unit calls/op assume=exact better=lower\n" + simulate(random, 1, 10, "J/op", func(int) float64 { return 100 }, 0.01)
	text = strings.ReplaceAll(text, " J/op", " J/op 2 err-% 5 calls/op")
	text += file("Few", "J/op", 1, 1.01, 1.02) + file("Some", "J/op", 1, 1.01, 1.02, 1.01, 0.99, 1.03) + file("Net", "net-J/op", 1, -1, 1, 2, 3, 4, 5)
	s, err := PlanReader(Config{Units: []string{"J/op", "calls/op", "net-J/op"}}, "old.txt", strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, s.Rows, 5)
	assert.Equal(t, 4, s.Family)
	rows := map[string]*PlanRow{}
	for i := range s.Rows {
		rows[s.Rows[i].Benchmark+" "+s.Rows[i].Unit] = &s.Rows[i]
	}
	assert.Zero(t, rows["Case0 J/op"].Unpaired[0].Samples, "2 % on both sides hide 1 %")
	assert.Positive(t, rows["Case0 J/op"].Unpaired[2].Samples)
	assert.Equal(t, Needed{1, 1, 1}, rows["Case0 calls/op"].Paired[0])
	assert.True(t, math.IsNaN(rows["Few J/op"].Noise))
	assert.Zero(t, rows["Few J/op"].Unpaired[3].Samples)
	out := written(t, s.WriteText)
	t.Log("\n" + out)
	for _, want := range []string{
		"old.txt: how many samples of each side a change needs, to be found in 90 % of runs\nif its noise has no heavy tails, among 4 comparisons at alpha 0.05",
		"never", "the instrument's error of a comparison is 2.9 %: run longer, with a larger -benchtime",
		"3 samples do not show how large the noise is: take 10", "6 samples show the noise roughly: take 10", "a value is 0 or less, and has no ratio",
	} {
		assert.Contains(t, out, want)
	}
	var doc struct {
		Power float64
		Rows  []struct {
			Benchmark string
			Unpaired  []map[string]float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(written(t, s.WriteJSON)), &doc))
	assert.InDelta(t, Power, doc.Power, 0)
	assert.Equal(t, map[string]float64{"change": 0.01}, doc.Rows[0].Unpaired[0])

	s, err = PlanReader(Config{}, "old.txt", strings.NewReader(text+"FAIL\n"))
	require.NoError(t, err)
	assert.Empty(t, s.Rows)
	assert.Contains(t, written(t, s.WriteText), "CANNOT PLAN: old.txt has a line that cannot be used")
	s, err = PlanReader(Config{}, "old.txt", strings.NewReader(file("A", "widgets", 1, 2)))
	require.NoError(t, err)
	assert.Contains(t, s.Reasons[0], "nothing is planned")
	_, err = PlanReader(Config{Alpha: 2}, "old.txt", strings.NewReader(text))
	require.ErrorIs(t, err, ErrUsage)
	_, err = PlanSamples(Config{}, Side{Path: "no-such-file"})
	require.ErrorIs(t, err, ErrInput)
}

// TestPlanFlags: one file, its plan on the standard output and as JSON, and no verdict.
func TestPlanFlags(t *testing.T) {
	flags := func(args ...string) (*Flags, []string) {
		var g Flags
		set := flag.NewFlagSet("gate", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		g.Register(set)
		g.RegisterPlan(set)
		require.NoError(t, set.Parse(args))
		return &g, set.Args()
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	g, args := flags("-plan", "-json", path, recordings("old.txt"))
	sides, err := g.Sides(args)
	require.NoError(t, err)
	require.True(t, g.Plans())
	var out, errs bytes.Buffer
	assert.Equal(t, 0, g.PublishPlan(sides[0], &out, &errs))
	assert.Contains(t, out.String(), "how many samples")
	assert.Empty(t, errs.String())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, json.Valid(text))
	assert.Equal(t, 2, g.PublishPlan(Side{Path: "no-such-file"}, &out, &errs))
	assert.Contains(t, errs.String(), "no-such-file")
	for _, wrong := range [][]string{
		{"-plan", "a", "b"}, {"-plan"}, {"-plan", "-junit", "x", "a"}, {"-plan", "-max", "J/op=1", "a"}, {"-plan", path, "-json", "-"},
	} {
		g, args := flags(wrong...)
		_, err := g.Sides(args)
		assert.Error(t, err, "%q", wrong)
	}
}
