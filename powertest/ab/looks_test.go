package ab

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLooks compares with the increments of the spending function of O'Brien and
// Fleming's type at three equal steps and alpha 0.05, two-sided, as tables have
// them: 0.0007, 0.0164 and 0.05 are spent.
func TestLooks(t *testing.T) {
	looks, err := Looks(0.05, 10, 30)
	require.NoError(t, err)
	require.Len(t, looks, 3)
	spent := 0.0
	for i, want := range []float64{0.0007, 0.0164, 0.05} {
		assert.Equal(t, 10*(i+1), looks[i].Count)
		spent += looks[i].Alpha
		assert.InDelta(t, want, spent, 0.00005)
	}
}

func TestLooksAtOddNumbers(t *testing.T) {
	for _, c := range []struct {
		count, most int
		want        []int
	}{
		{10, 10, []int{10}},
		{10, 19, []int{19}},
		{10, 20, []int{10, 20}},
		{10, 25, []int{10, 25}},
		{7, 30, []int{7, 14, 21, 30}},
		{1, 3, []int{1, 2, 3}},
	} {
		looks, err := Looks(0.01, c.count, c.most)
		require.NoError(t, err)
		var counts []int
		sum := 0.0
		for _, l := range looks {
			counts = append(counts, l.Count)
			sum += l.Alpha
			assert.Positive(t, l.Alpha)
		}
		assert.Equal(t, c.want, counts, "from %d to %d", c.count, c.most)
		assert.InDelta(t, 0.01, sum, 1e-15)
	}
}

func TestNoSuchLooks(t *testing.T) {
	for _, c := range []struct {
		alpha       float64
		count, most int
		want        string
	}{
		{0, 10, 30, "the level is 0"},
		{1, 10, 30, "the level is 1"},
		{math.NaN(), 10, 30, "the level is NaN"},
		{0.05, 0, 30, "the first is at 0"},
		{0.05, 10, 9, "the last, at 9 samples, would be before the first, at 10"},
	} {
		_, err := Looks(c.alpha, c.count, c.most)
		require.ErrorIs(t, err, ErrLooks)
		assert.ErrorContains(t, err, c.want)
	}
}

// TestLooksKeepAlpha: with a test whose p-values are exact, a sequence of looks at
// growing samples raises a false alarm as seldom as it promises, and one that
// looks every time at alpha does not.
func TestLooksKeepAlpha(t *testing.T) {
	t.Parallel()
	const alpha, trials = 0.05, 20_000
	looks, err := Looks(alpha, 10, 30)
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(1, 2))
	planned, naive := 0, 0
	for range trials {
		sum, n := 0.0, 0
		var hit, hitNaive bool
		for _, l := range looks {
			for ; n < l.Count; n++ {
				sum += rnd.NormFloat64()
			}
			p := math.Erfc(math.Abs(sum) / math.Sqrt(2*float64(n)))
			hit = hit || p < l.Alpha
			hitNaive = hitNaive || p < alpha
		}
		if hit {
			planned++
		}
		if hitNaive {
			naive++
		}
	}
	t.Logf("false alarms: %.4f with the plan, %.4f without", float64(planned)/trials, float64(naive)/trials)
	assert.LessOrEqual(t, float64(planned)/trials, alpha)
	assert.Greater(t, float64(planned)/trials, alpha/2, "it is not needlessly strict")
	assert.Greater(t, float64(naive)/trials, 2*alpha, "looking as one likes is what this is against")
}
