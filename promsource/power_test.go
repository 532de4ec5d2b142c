package promsource

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// watts returns the power at a time.
func (w *world) watts(t time.Time) float64 {
	p := 0.0
	for _, s := range w.steps {
		if !s.at.After(t) {
			p = s.watts
		}
	}
	return p
}

// addPower adds the power gauge of a GPU.
func (w *world) addPower(i int, factor float64) *series {
	s := w.add(i, "DCGM_FI_DEV_POWER_USAGE", nil)
	// As of a real gauge, no value is like the one before.
	s.value = func(t time.Time) (float64, bool) { return factor*w.watts(t) + float64(t.Unix()%7)/100, true }
	return s
}

// GPUs that have only their power are measured by it, over the whole window.
func TestGauges(t *testing.T) {
	bubble(t, 0, func(t *testing.T, w *world) {
		w.addPower(0, 1)
		w.addPower(1, 1)
		s := w.open(t)
		span := w.work(2 * time.Minute)
		m := measured(t, s, span)
		assert.Equal(t, energy.Gauge, m.Devices[0].Device.Method)
		w.right(t, m)
		assert.Less(t, time.Since(span.End), 10*time.Second)
	})
}

// The mean of the power gauge is the cross-check of a counter, and no more: the
// number stands without it.
func TestCrossCheck(t *testing.T) {
	for factor, disagrees := range map[float64]bool{1: false, 0.8: true} {
		bubble(t, 2, func(t *testing.T, w *world) {
			w.addPower(0, factor)
			w.addPower(1, factor)
			s := w.open(t)
			m := measured(t, s, w.work(2*time.Minute))
			w.right(t, m)
			assert.True(t, m.Devices[0].HasGauge)
			assert.Equal(t, disagrees, m.Has(energy.CounterDisagrees), "%v", m.Reasons)
			assert.Len(t, w.asked("avg"), 0)
			assert.Len(t, w.asked("sum_over_time"), 1)

			w.before = func(_ *http.Request, form url.Values) *http.Response {
				if strings.Contains(form.Get("query"), "sum_over_time") {
					return w.respond(422, []byte(`{"status":"error","errorType":"execution","error":"too many samples"}`))
				}
				return nil
			}
			m = measured(t, s, w.work(time.Minute))
			w.right(t, m)
			assert.False(t, m.Devices[0].HasGauge)
		})
	}
}

// The source does what every source must, but for not allocating.
func TestConformance(t *testing.T) {
	bubble(t, 3, func(t *testing.T, w *world) {
		err := energytest.TestSource(func() (energy.Source, error) { return Open(w.config()) }, energytest.Allocs(1<<20), energytest.Patience(5*time.Second))
		require.NoError(t, err)
	})
}
