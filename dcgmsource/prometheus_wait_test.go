package dcgmsource

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// While it waits for what comes after a window, a fleet is not fetched as a
// whole: a few of its GPUs tell when it is worth it.
func TestPrometheusScouts(t *testing.T) {
	bubble(t, 200, func(t *testing.T, w *world) {
		s := w.open(t)
		span := w.work(30 * time.Second)
		w.queries = nil
		w.right(t, measured(t, s, span))
		assert.Less(t, time.Since(span.End), 6*time.Second)
		scouting := w.asked("UUID=~")
		assert.NotEmpty(t, scouting)
		whole := slices.DeleteFunc(w.asked("["), func(q string) bool { return strings.Contains(q, "UUID=~") })
		assert.LessOrEqual(t, len(whole), 6, "%v", whole)
	})
}

// A GPU that is new is none of the source's, where the selection leaves it out.
func TestPrometheusNewGPUElsewhere(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world) {
		cfg := w.config()
		cfg.Devices = []string{"node-00, node-01"}
		s, err := OpenPrometheus(cfg)
		require.NoError(t, err)
		defer s.Close()
		w.add(7, energyName, nil)
		_, found, err := recalled(t.Context(), s, w.work(20*time.Second))
		require.NoError(t, err)
		assert.Empty(t, found)
		w.add(8, energyName, nil).labels["Hostname"] = "node-01"
		_, found, err = recalled(t.Context(), s, w.work(20*time.Second))
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.Equal(t, energy.ExpectedGPUCountMismatch, found[0].Reason)
		assert.Contains(t, found[0].Detail, w.uuid(8))
	})
}

// The order of the samples in an answer is of no consequence either.
func TestPrometheusSamplesOutOfOrder(t *testing.T) {
	bubble(t, 2, func(t *testing.T, w *world) {
		s := w.open(t)
		span := w.work(20 * time.Second)
		w.before = func(_ *http.Request, form url.Values) *http.Response {
			body := string(w.answer(form.Get("query"), form))
			head, list, found := strings.Cut(body, `"values":[[`)
			if !found {
				return nil
			}
			list, tail, _ := strings.Cut(list, `]]`)
			pairs := strings.Split(list, "],[")
			slices.Reverse(pairs)
			return w.respond(http.StatusOK, []byte(head+`"values":[[`+strings.Join(pairs, "],[")+`]]`+tail))
		}
		w.right(t, measured(t, s, span))
	})
}

// Seldom has a server what it is asked for at once.
func TestPrometheusLateSamples(t *testing.T) {
	bubble(t, 2, func(t *testing.T, w *world) {
		s := w.open(t)
		for _, one := range w.series {
			was := one.value
			one.value = func(at time.Time) (float64, bool) {
				v, ok := was(at)
				return v, ok && time.Since(at) > 1500*time.Millisecond
			}
		}
		span := w.work(40 * time.Second)
		w.right(t, measured(t, s, span))
		assert.Less(t, time.Since(span.End), 7*time.Second)
	})
}
