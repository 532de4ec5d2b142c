package ab_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/ab"
	"github.com/joulebench/joulebench/powertest/gate"
)

// A warming is a GPU on which the same work costs more joules the longer it works:
// 0.2 % per run of ten seconds.
type warming struct {
	began time.Time
	noise float64 // of a run, as a share
	rnd   *rand.Rand
}

const (
	runTime = 10 * time.Second
	drift   = 0.002
)

// run is one run of a benchmark, which costs 100 J on a cold GPU, whatever build it
// is of.
func (w *warming) run() string {
	time.Sleep(runTime)
	warm := 1 + drift*time.Since(w.began).Seconds()/runTime.Seconds()
	return fmt.Sprintf("BenchmarkChat 1 %.6f J/op\n", 100*warm*(1+w.noise*w.rnd.NormFloat64()))
}

// differs runs identical builds in an order and reports whether the gate calls them
// different.
func differs(t *testing.T, w warming, order iter.Seq[ab.Sample]) (yes bool) {
	synctest.Test(t, func(t *testing.T) {
		w.began = time.Now()
		var out [2]strings.Builder
		for s := range order {
			out[s.Side].WriteString(w.run())
		}
		cfg := gate.Config{Thresholds: map[string]float64{"": 0}}
		r, err := gate.JudgeReaders(cfg, "base", strings.NewReader(out[ab.Base].String()), "head", strings.NewReader(out[ab.Head].String()))
		require.NoError(t, err)
		require.Len(t, r.Rows, 1)
		yes = r.Rows[0].Verdict == gate.VerdictRegression || r.Rows[0].Verdict == gate.VerdictImprovement
	})
	return yes
}

// oneAfterTheOther is what Order is better than.
func oneAfterTheOther(rounds int) iter.Seq[ab.Sample] {
	return func(yield func(ab.Sample) bool) {
		for _, side := range []ab.Side{ab.Base, ab.Head} {
			for i := range rounds {
				if !yield(ab.Sample{Round: i, Side: side}) {
					return
				}
			}
		}
	}
}

// TestInterleaving shows what the order buys: where a GPU warms by 0.2 % per run,
// identical builds that are run one after the other are called different in most
// trials, and in turn in no more than alpha of them.
func TestInterleaving(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("judges thousands of runs")
	}
	const trials, rounds = 1000, 10
	for _, noise := range []float64{0.003, 0.005} {
		rnd := rand.New(rand.NewPCG(1, 2))
		after, inTurn := 0, 0
		for range trials {
			w := warming{noise: noise, rnd: rnd}
			if differs(t, w, oneAfterTheOther(rounds)) {
				after++
			}
			if differs(t, w, ab.Order(1, 0, rounds)) {
				inTurn++
			}
		}
		t.Logf("noise %.1f %%: called different in %d of %d trials one after the other, in %d in turn", 100*noise, after, trials, inTurn)
		assert.Greater(t, after, trials/2)
		assert.LessOrEqual(t, inTurn, int(gate.DefaultAlpha*trials))
	}
}
