package powertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// remembering is a source that knows the past of three devices, and has
// something to say about it.
type remembering struct {
	*simsource.Source
	found []energy.Finding
}

func (r *remembering) ReadRange(_ context.Context, spans []energy.Span, curves []*energy.History) ([]energy.Finding, error) {
	for i, c := range curves {
		for s := range 30 {
			at := spans[0].Start.Add(time.Duration(s-10) * time.Second)
			c.Add(energy.Reading{Before: at, After: at, HasJoules: true, Joules: 1000 + 100*float64(i+1)*float64(s)})
		}
	}
	return r.found, nil
}

func TestChosenOfTheRemembered(t *testing.T) {
	src := &remembering{Source: simsource.New(simsource.Config{GPUs: 3})}
	uuid := func(i int) string { return src.Devices()[i].UUID }
	src.found = []energy.Finding{
		{Reason: energy.CounterReset, Device: uuid(1)},
		{Reason: energy.SharedGPU, Device: uuid(2)},
		{Reason: energy.ExpectedGPUCountMismatch},
		{Reason: energy.ClockStep},
	}
	some, err := choose(src, []string{"0", uuid(2)}, nil)
	require.NoError(t, err)
	historian, ok := some.(energy.HistorySource)
	require.True(t, ok)
	require.Len(t, historian.Devices(), 2)

	start := time.Now()
	spans := []energy.Span{{Start: start, End: start.Add(10 * time.Second)}}
	curves := []*energy.History{
		energy.NewHistory(historian.Devices()[0], start, time.Second),
		energy.NewHistory(historian.Devices()[1], start, time.Second),
	}
	found, err := historian.ReadRange(t.Context(), spans, curves)
	require.NoError(t, err)
	assert.Equal(t, []energy.Finding{{Reason: energy.SharedGPU, Device: uuid(2)}, {Reason: energy.ClockStep}}, found,
		"what concerns a chosen device, or all")
	m := energy.MeasureHistories(historian.Info(), curves, spans)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 1000, m.Devices[0].Energy.Joules, 0.01)
	assert.InEpsilon(t, 3000, m.Devices[1].Energy.Joules, 0.01)
}
