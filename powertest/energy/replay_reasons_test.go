package energy_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/energy/energytest"
)

// shared is a source whose devices another process uses, whose clocks are held down, and
// which notices something of all of them.
type shared struct {
	energy.Source
	throttled time.Duration
}

func (s *shared) Inspect(dst []energy.State) {
	s.throttled += time.Second
	for i := range dst {
		dst[i].At = time.Now()
		dst[i].Throttled = map[string]time.Duration{"power_cap": s.throttled}
		dst[i].Processes = []energy.Process{{PID: 42}}
	}
}

func (s *shared) Findings(from, to time.Time) []energy.Finding {
	return []energy.Finding{{Reason: energy.ExpectedGPUCountMismatch, Detail: "another GPU came"}}
}

func (s *shared) LeftOut() []energy.LeftOut {
	return []energy.LeftOut{{UUID: "GPU-x", Why: "it reports nothing"}}
}

// reasonsOf are the codes of findings, sorted, each once.
func reasonsOf(found []energy.Finding) (list []energy.Reason) {
	for _, f := range found {
		list = append(list, f.Reason)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestReplayGivesTheSameReasons: what made a number doubtful does so when it is measured
// again from its recording.
func TestReplayGivesTheSameReasons(t *testing.T) {
	gauge := func(watts func(time.Duration) float64) energy.Source { return &energytest.Fake{Watts: watts} }
	nothing := errors.New("nothing")
	for name, tt := range map[string]struct {
		open func() energy.Source
		want energy.Reason
	}{
		"good": {func() energy.Source { return exact(2) }, ""},
		"module": {func() energy.Source {
			return energytest.Redescribe(exact(1), func(d *energy.Device) {
				d.Marks = []energy.Finding{{Reason: energy.ModuleScope, Device: d.UUID}}
			})
		}, energy.ModuleScope},
		"static gauge": {func() energy.Source { return gauge(func(time.Duration) float64 { return 71 }) }, energy.GaugeStatic},
		"part-time sensor": {func() energy.Source {
			rising := gauge(func(at time.Duration) float64 { return 300 + 10*at.Seconds() })
			return energytest.Redescribe(rising, func(d *energy.Device) { d.Sensor = sensors.Of(sensors.Instant, "NVIDIA A100-PCIE-40GB") })
		}, energy.PartTimeSensor},
		"shared, throttled": {func() energy.Source { return &shared{Source: exact(1)} }, energy.Throttled},
		"no answer": {func() energy.Source {
			return energytest.Error(exact(1), 0, 60, 1e6, fmt.Errorf("%w: %w", nothing, energy.ErrNoAnswer))
		}, energy.SourceStalled},
		"lost":         {func() energy.Source { return energytest.Lose(exact(1), 0, 60) }, energy.DeviceLost},
		"never read":   {func() energy.Source { return energytest.Error(exact(1), 0, 0, 1e6, nothing) }, energy.InsufficientPowerSamples},
		"stands still": {func() energy.Source { return energytest.Freeze(exact(1), 120) }, energy.CounterStale},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := energy.NewRecorder(tt.open()).Open()
				w.Record()
				_ = w.WaitTicks(t.Context(), 3)
				start := time.Now()
				w.Resume()
				time.Sleep(5 * time.Second)
				w.Pause()
				end := time.Now()
				m := w.Measure(t.Context())
				if tt.want != "" {
					require.True(t, m.Has(tt.want), "%v", m.Reasons)
				}
				p := replayed(t, w.Recording())
				again := energy.MeasurePast(t.Context(), p, energy.Span{Start: start.Round(0), End: end.Round(0)})
				assert.Equal(t, reasonsOf(m.Reasons), reasonsOf(again.Reasons), "%v\n%v", m.Reasons, again.Reasons)
				assert.Equal(t, m.Valid, again.Valid)
				assert.Equal(t, m.LeftOut, again.LeftOut)
			})
		})
	}
}
