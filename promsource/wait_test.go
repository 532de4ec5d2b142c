package promsource

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
// whole: a few of its GPUs show when it is worth it.
func TestProbes(t *testing.T) {
	bubble(t, 200, func(t *testing.T, w *world) {
		s := w.open(t)
		span := w.work(30 * time.Second)
		w.queries = nil
		w.right(t, measured(t, s, span))
		assert.Less(t, time.Since(span.End), 6*time.Second)
		probing := w.asked("UUID=~")
		assert.NotEmpty(t, probing)
		whole := slices.DeleteFunc(w.asked("["), func(q string) bool { return strings.Contains(q, "UUID=~") })
		assert.LessOrEqual(t, len(whole), 6, "%v", whole)
	})
}

// A GPU that is new is none of the source's, where the selection leaves it out.
func TestNewGPUElsewhere(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world) {
		cfg := w.config()
		cfg.Devices = []string{"node-00, node-01"}
		s, err := Open(cfg)
		require.NoError(t, err)
		defer s.Close()
		w.add(7, energyName, nil)
		_, said, err := recalled(t.Context(), s, w.work(20*time.Second))
		require.NoError(t, err)
		assert.Empty(t, said.found)
		w.add(8, energyName, nil).labels["Hostname"] = "node-01"
		_, said, err = recalled(t.Context(), s, w.work(20*time.Second))
		require.NoError(t, err)
		require.Len(t, said.found, 1)
		assert.Equal(t, energy.ExpectedGPUCountMismatch, said.found[0].Reason)
		assert.Contains(t, said.found[0].Detail, w.uuid(8))
	})
}

// The order of the samples in an answer is of no consequence either.
func TestSamplesOutOfOrder(t *testing.T) {
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
func TestLateSamples(t *testing.T) {
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

// Devices that are not asked for are neither fetched nor filled in.
func TestSomeDevices(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world) {
		for i := range 4 {
			w.addPower(i, 1)
		}
		s := w.open(t)
		r, err := energy.NewRecorderOf(s, energy.Selection{Devices: []string{"node-01"}})
		require.NoError(t, err)
		span := w.work(2 * time.Minute)
		w.queries = nil
		m, err := r.MeasurePast(t.Context(), span)
		require.NoError(t, err)
		require.Len(t, m.Devices, 2)
		assert.Equal(t, w.uuid(2), m.Devices[0].Device.UUID)
		w.right(t, m)
		assert.True(t, m.Devices[0].HasGauge)
		for _, q := range w.asked("[") {
			assert.Contains(t, q, w.uuid(2), "the others are not fetched")
			assert.NotContains(t, q, w.uuid(0))
		}

		// Too many to be named in one query.
		few := []*energy.History{nil, energy.NewHistory(s.Devices()[1], span.Start, time.Second), nil, nil}
		s.fleet.keyNames[0] = "uuid"
		found, err := s.ReadRange(t.Context(), []energy.Span{span}, few)
		require.NoError(t, err)
		assert.Empty(t, found)
		assert.True(t, few[1].Settled([]energy.Span{span}))
		found, err = s.ReadRange(t.Context(), []energy.Span{span}, make([]*energy.History, 4))
		require.NoError(t, err)
		assert.Empty(t, found, "nothing is asked for")
	})
}

func TestSomeDevicesOfAFleet(t *testing.T) {
	bubble(t, 130, func(t *testing.T, w *world) {
		s := w.open(t)
		span := w.work(30 * time.Second)
		r, err := energy.NewRecorderOf(s, energy.Selection{Devices: []string{"node-00, node-01, node-02"}})
		require.NoError(t, err)
		m, err := r.MeasurePast(t.Context(), span)
		require.NoError(t, err)
		w.right(t, m)

		many := make([]*energy.History, 130)
		for i := range coalesced + 20 {
			many[i] = energy.NewHistory(s.Devices()[i], span.Start, time.Second)
		}
		w.queries = nil
		_, err = s.ReadRange(t.Context(), []energy.Span{span}, many)
		require.NoError(t, err)
		for _, h := range many[:coalesced+20] {
			require.True(t, h.Settled([]energy.Span{span}))
		}
		assert.NotEmpty(t, w.asked("["))
	})
}
