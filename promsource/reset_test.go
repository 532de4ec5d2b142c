package promsource

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A counter that is young when it is reset, into a series with other labels, is
// not taken for a replica that is a little behind.
func TestResetIntoNewSeries(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		loaded := time.Now().Add(2 * time.Minute)
		reset := loaded.Add(280 * time.Second)
		since := func(from, at time.Time) float64 { return 1000 * (w.joules(at) - w.joules(from)) }
		old, young := w.series[0], w.add(0, energyName, map[string]string{"pod": "next"})
		old.every, young.every = 15*time.Second, 15*time.Second
		old.value = func(at time.Time) (float64, bool) {
			return since(loaded, at), !at.Before(loaded) && !at.After(reset)
		}
		young.value = func(at time.Time) (float64, bool) { return since(reset, at), at.After(reset) }
		time.Sleep(200 * time.Second)
		s := w.open(t)
		time.Sleep(100 * time.Second)
		start := time.Now()
		time.Sleep(700 * time.Second)
		m := measured(t, s, energy.Span{Start: start, End: time.Now()})
		assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
	})
}

// A host that goes down just inside of the window, and comes back with its
// counter at 0, has been reset also if the counter is higher then than it was at
// the start.
func TestResetInAnOutage(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		start := time.Now().Add(time.Minute)
		loaded, reset := start.Add(-30*time.Second), start.Add(40*time.Second)
		w.series[0].value = func(at time.Time) (float64, bool) {
			down := at.Before(loaded) || at.After(start.Add(8*time.Second)) && at.Before(start.Add(68*time.Second))
			from := loaded
			if !at.Before(reset) {
				from = reset
			}
			return 1000 * (w.joules(at) - w.joules(from)), !down
		}
		time.Sleep(time.Minute)
		s := w.open(t)
		time.Sleep(5 * time.Minute)
		m := measured(t, s, energy.Span{Start: start, End: time.Now()})
		assert.True(t, m.Has(energy.CounterReset), "%v", m.Reasons)
		assert.Zero(t, m.Energy)
	})
}

// A series without samples, such as a histogram, is nothing to us.
func TestHistogram(t *testing.T) {
	bubble(t, 1, func(t *testing.T, w *world) {
		s := w.open(t)
		w.before = func(_ *http.Request, form url.Values) *http.Response {
			if !strings.HasPrefix(form.Get("query"), "resets(") {
				return nil
			}
			return w.respond(http.StatusOK, []byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"UUID":"`+
				w.uuid(0)+`"},"histogram":[1435781451.781,{"count":"1","sum":"1"}]}]}}`))
		}
		time.Sleep(2 * time.Minute)
		end := time.Now().Add(-10 * time.Second)
		m := measured(t, s, energy.Span{Start: end.Add(-70 * time.Second), End: end})
		assert.True(t, m.Valid, "%v", m.Reasons)
	})
}
