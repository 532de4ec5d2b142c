package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/powertest"
)

// requireTruth requires the energy of a level to be what the simulation knows,
// within the interval that is stated, and its tokens to be those that the server
// wrote in the window.
func requireTruth(t *testing.T, b *bench, r result) {
	t.Helper()
	m := r.report.Measurement
	require.True(t, r.report.Valid(), "%v", r.report)
	truth := b.gpu.TrueJoules(m.Start, m.End)
	assert.GreaterOrEqual(t, truth, m.Energy.Low, "users=%d", r.users)
	assert.LessOrEqual(t, truth, m.Energy.High, "users=%d", r.users)
	assert.Less(t, m.Energy.ErrPercent(), 5.0)
	inside, edges := b.served.between(m.Start, m.End)
	assert.GreaterOrEqual(t, r.report.Work.OutputTokens, inside, "users=%d", r.users)
	assert.LessOrEqual(t, r.report.Work.OutputTokens, inside+edges, "users=%d", r.users)
	assert.LessOrEqual(t, edges, int64(2*r.users), "users=%d", r.users)
}

func value(t *testing.T, r result, unit string) float64 {
	t.Helper()
	v, known := r.report.Value(unit)
	require.True(t, known, "%s of users=%d: %v", unit, r.users, r.report)
	return v
}

// TestLevels: the energy and the tokens of each level are the true ones, and more
// users get more tokens for a joule.
func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(1, 4, 16)
		b := newBench(t, c, nil)
		require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
		require.Len(t, b.results, 3)
		for i, r := range b.results {
			requireTruth(t, b, r)
			assert.Equal(t, c.duration, r.report.Work.Elapsed)
			assert.Zero(t, r.failures)
			assert.Equal(t, value(t, r, "tokens/J"), value(t, r, "goodput-tokens/J"), "all requests met the objective")
			if i > 0 {
				assert.Greater(t, value(t, r, "tokens/J"), 1.2*value(t, b.results[i-1], "tokens/J"))
			}
		}
		assert.Equal(t, 3, strings.Count(b.stderr.String(), "\n"), "a line for each level in\n%s", &b.stderr)
	})
}

// TestOneUser: what one user sees can be told in advance, to the nanosecond.
func TestOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small(1), nil)
		require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
		r, each := b.results[0], chat.Alone(50, 20)
		const ttft, itl = 3000 * time.Microsecond, 2125 * time.Microsecond
		for _, p := range []float64{0, 0.5, 0.99, 1} {
			v, _ := quantile(r.ttft, p)
			assert.Equal(t, ttft, v)
			v, _ = quantile(r.gaps, p)
			assert.Equal(t, itl, v)
		}
		assert.Equal(t, ttft.Seconds(), value(t, r, "p99-ttft-sec"))
		assert.Equal(t, itl.Seconds(), value(t, r, "p50-itl-sec"))
		w := r.report.Work
		inWindow := int64((b.warmup+b.duration)/each) - int64(b.warmup/each)
		assert.Equal(t, inWindow, w.Requests)
		assert.Equal(t, time.Duration(inWindow)*each, w.Latency)
		assert.Equal(t, int64(1), w.Users)
		firstTokens := int64((b.warmup+b.duration-ttft)/each) - int64((b.warmup-ttft)/each)
		assert.Equal(t, 50*firstTokens, w.PromptTokens, "prompts whose first token came in the window")
	})
}

// TestPhases: prefill is from a request to its first token and decode the rest,
// also for the request that is under way when the window begins. They last long
// enough here to be told apart, as in the tour.
func TestPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(1)
		c.prompt, c.maxTokens, c.warmup = 4000, 120, 301*time.Millisecond
		b := newBench(t, c, nil)
		require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
		r := b.results[0]
		require.Len(t, r.report.Phases, 2)
		length := time.Duration(0)
		for _, p := range r.report.Phases {
			m, watts := p.Measurement, map[string]float64{"prefill": 700, "decode": 100 + 600*0.2}[p.Name]
			truth := watts * m.Duration.Seconds()
			require.True(t, m.Valid, "%s: %v", p.Name, m.Reasons)
			assert.InEpsilon(t, truth, m.Energy.Joules, 0.02, p.Name)
			length += m.Duration
		}
		assert.Equal(t, c.duration, length, "one user is always in one of them")
		assert.Positive(t, value(t, r, "prefill-J/op"))
		assert.Positive(t, value(t, r, "decode-J/op"))
	})
}

// TestObjectives: a request that is as fast as asked for is good, and one that is
// a nanosecond slower is not.
func TestObjectives(t *testing.T) {
	const ttft, itl = 3000 * time.Microsecond, 2125 * time.Microsecond
	for _, c := range []struct {
		name    string
		slo     objective
		percent float64
	}{
		{"both met", objective{ttft, itl}, 100},
		{"late first token", objective{ttft - 1, itl}, 0},
		{"slow tokens", objective{ttft, itl - 1}, 0},
		{"only the first token matters", objective{ttft, 0}, 100},
		{"only the others matter", objective{0, itl}, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				setup := small(1)
				setup.slo = c.slo
				b := newBench(t, setup, nil)
				require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
				r := b.results[0]
				met, known := r.metPercent()
				require.True(t, known)
				assert.Equal(t, c.percent, met)
				assert.Equal(t, c.percent/100*value(t, r, "tokens/J"), value(t, r, "goodput-tokens/J"))
			})
		})
	}
	t.Run("none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			setup := small(1)
			setup.slo = objective{}
			b := newBench(t, setup, nil)
			require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
			_, known := b.results[0].metPercent()
			assert.False(t, known)
			_, known = b.results[0].report.Value("goodput-tokens/J")
			assert.False(t, known)
		})
	})
}

// TestSomeMissTheObjective: the tokens of requests that were good are good ones,
// and the others are not.
func TestSomeMissTheObjective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		b := newBench(t, small(4), func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1)%3 == 0 {
					time.Sleep(300 * time.Millisecond)
				}
				h.ServeHTTP(w, r)
			})
		})
		require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
		r := b.results[0]
		requireTruth(t, b, r)
		met, _ := r.metPercent()
		assert.InDelta(t, 100*2.0/3, met, 3)
		assert.InDelta(t, 2.0/3, value(t, r, "goodput-tokens/J")/value(t, r, "tokens/J"), 0.03)
	})
}

// TestSteady: the window is from the first token of as many requests as there are
// users to that of the last but as many.
func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := small(4)
		setup.steady = true
		b := newBench(t, setup, nil)
		require.Equal(t, ok, b.run(t.Context()), b.stderr.String())
		r := b.results[0]
		requireTruth(t, b, r)
		require.NotNil(t, r.report.Steady)
		assert.Equal(t, 4, r.report.Steady.Batch)
		assert.Equal(t, len(r.ttft), r.report.Steady.FirstTokens)
		assert.Less(t, r.report.Work.Elapsed, setup.duration)
	})
}

// TestInterrupt: what was measured until then is there, the level that was under
// way too.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(1, 4, 16)
		c.bench, c.json = filepath.Join(t.TempDir(), "bench"), filepath.Join(t.TempDir(), "json")
		f := flag.NewFlagSet("", flag.ContinueOnError)
		c.page.Register(f, "")
		require.NoError(t, f.Parse([]string{"-plot", filepath.Join(t.TempDir(), "page.html")}))
		b := newBench(t, c, nil)
		began := time.Now()
		const after = 5 * time.Second
		require.Equal(t, interrupted, b.run(interrupt(t, after)), b.stderr.String())
		require.Len(t, b.results, 2)
		for _, r := range b.results {
			requireTruth(t, b, r)
			assert.Zero(t, r.failures, "requests that were cut off are no errors")
		}
		assert.Equal(t, c.duration, b.results[0].report.Work.Elapsed)
		assert.True(t, began.Add(after).Equal(b.results[1].report.Measurement.End), "the window ends with the interrupt")
		assert.Contains(t, b.stdout.String(), "tokens/J")
		text, err := os.ReadFile(c.bench)
		require.NoError(t, err)
		assert.Contains(t, string(text), "BenchmarkLoadgen/users=4 ")
		var reports []powertest.Report
		text, err = os.ReadFile(c.json)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &reports))
		text, err = os.ReadFile(c.page.Path())
		require.NoError(t, err)
		assert.Contains(t, string(text), "users=4", "the page has the levels")
		require.Len(t, reports, 2)
		assert.Equal(t, b.results[1].report.Work, reports[1].Work)
	})
}

// TestInterruptBeforeTheWindow: a level without a window is none.
func TestInterruptBeforeTheWindow(t *testing.T) {
	for name, after := range map[string]time.Duration{"at the first request": time.Millisecond, "in the warm-up": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small(4), nil)
				require.Equal(t, interrupted, b.run(interrupt(t, after)), b.stderr.String())
				assert.Empty(t, b.results)
				assert.Empty(t, b.stdout.String())
			})
		})
	}
}

// TestInterruptWhileDraining: answers that take long are not waited for.
func TestInterruptWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := small(1)
		c.maxTokens, c.timeout = 1_000_000, time.Hour
		b := newBench(t, c, nil)
		began := time.Now()
		require.Equal(t, interrupted, b.run(interrupt(t, 4*time.Second)))
		assert.Less(t, time.Since(began), 10*time.Second)
		requireTruth(t, b, b.results[0])
		assert.Equal(t, c.duration, b.results[0].report.Work.Elapsed)
		assert.Contains(t, b.stdout.String(), "BenchmarkLoadgen/users=1 ", "tokens came, though no answer ended")
	})
}
