package energy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestStatesOnlyMark(t *testing.T) {
	before := State{At: epoch, Throttled: map[string]time.Duration{"power_cap": time.Second, "thermal": 5 * time.Second}}
	after := State{
		At:        epoch.Add(10 * time.Second),
		Throttled: map[string]time.Duration{"power_cap": 4 * time.Second, "thermal": 5*time.Second + 50*time.Millisecond, "new": time.Hour},
		Processes: []Process{{PID: 42, Name: "server"}},
	}
	d := DeviceMeasurement{Device: Device{UUID: "GPU-1"}, Valid: true}
	d.compare(before, after)
	assert.True(t, d.Valid)
	assert.Equal(t, &before, d.Before)
	if assert.Len(t, d.Reasons, 2) {
		assert.Equal(t, Throttled, d.Reasons[0].Reason)
		assert.Contains(t, d.Reasons[0].Detail, "power_cap 30 %")
		assert.NotContains(t, d.Reasons[0].Detail, "thermal", "half a per cent is not worth a word")
		assert.NotContains(t, d.Reasons[0].Detail, "new", "what was not known before says nothing")
		assert.Equal(t, SharedGPU, d.Reasons[1].Reason)
		assert.Contains(t, d.Reasons[1].Detail, "42 (server)")
	}
	assert.False(t, withheld(d.Reasons))

	quiet := DeviceMeasurement{}
	quiet.compare(State{At: epoch}, State{At: epoch.Add(time.Second)})
	assert.Empty(t, quiet.Reasons)
}
