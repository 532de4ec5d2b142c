package promsource

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// gone makes the series of some GPUs end now.
func (w *world) gone(gpus ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := time.Now()
	for _, i := range gpus {
		for _, s := range w.series {
			if was := s.value; s.labels["UUID"] == w.uuid(i) {
				s.value = func(at time.Time) (float64, bool) {
					v, ok := was(at)
					return v, ok && at.Before(end)
				}
			}
		}
	}
}

// The GPUs of a window of yesterday are those that there were yesterday.
func TestGPUsOfTheWindow(t *testing.T) {
	for _, victoria := range []bool{false, true} {
		bubble(t, 4, func(t *testing.T, w *world) {
			w.victoria, w.skew = victoria, 3*time.Second
			span := w.work(time.Minute)
			time.Sleep(time.Minute)
			w.gone(0, 1, 2, 3)
			w.add(8, energyName, nil).value = func(at time.Time) (float64, bool) { return 1e6, at.After(span.End.Add(time.Hour)) }
			time.Sleep(24 * time.Hour)

			arg := fmt.Sprintf("http://prometheus.test:9090?window=%s/%s", span.Start.Format(time.RFC3339Nano), span.End.Format(time.RFC3339Nano))
			cfg, err := parseArg(arg)
			require.NoError(t, err)
			cfg.HTTP = w.config().HTTP
			s, err := Open(cfg)
			require.NoError(t, err)
			defer s.Close()
			require.Len(t, s.Devices(), 4)
			assert.Equal(t, time.Second, s.Info().Period, "the pace is that of then, too")
			w.right(t, measured(t, s, span))

			cfg.Selector = `{job="other"}`
			_, err = Open(cfg)
			require.ErrorIs(t, err, energy.ErrNoDevice)
			assert.ErrorContains(t, err, "for how long the server keeps samples")
		})
	}
}

// One of several that is gone since is named, and how to leave it out.
func TestGPUGoneSince(t *testing.T) {
	for name, after := range map[string]bool{"in the window": false, "right after it": true} {
		bubble(t, 4, func(t *testing.T, w *world) {
			s := w.open(t)
			start := time.Now()
			w.load(500)
			time.Sleep(20 * time.Second)
			if !after {
				w.gone(3)
			}
			time.Sleep(20 * time.Second)
			span := energy.Span{Start: start, End: time.Now()}
			w.gone(3)
			m := measured(t, s, span)
			assert.False(t, m.Valid, name)
			require.True(t, m.Devices[3].Has(energy.BenchmarkWindowNotBracketed), "%s: %v", name, m.Reasons)
			said := fmt.Sprint(m.Devices[3].Reasons)
			assert.Contains(t, said, "GPU 1 of node-01", name)
			assert.Equal(t, 1, strings.Count(fmt.Sprint(energy.Causes(m.Reasons)), "select them with POWERTEST_DEVICES or -devices"), "%s: %v", name, m.Reasons)
			for _, d := range m.Devices[:3] {
				assert.True(t, d.Valid, "%s: %v", name, d.Reasons)
			}
		})
	}
}

func TestWindowOfAnArgument(t *testing.T) {
	for arg, says := range map[string]string{
		"http://p?window=2026-11-25T10:00:00Z":                      "not a window",
		"http://p?window=2026-11-25T10:00:00Z/2026-11-25T10:00:00Z": "not a window",
		"http://p?window=/":                                         "not a window",
		"http://p?windows=now":                                      "none of our keys",
	} {
		_, err := parseArg(arg)
		assert.ErrorContains(t, err, says, arg)
	}
	cfg, err := parseArg("http://p?window=2026-11-25T10:00:00.5Z/2026-11-25T12:10:00+01:00")
	require.NoError(t, err)
	assert.Equal(t, 70*time.Minute-500*time.Millisecond, cfg.Window.End.Sub(cfg.Window.Start))
}
