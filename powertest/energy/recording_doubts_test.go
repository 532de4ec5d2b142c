package energy

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy/internal/gauge"
)

// TestRecordingKeepsDoubts: what is known of readings beside their values is in the
// recording, and is known again when it is replayed.
func TestRecordingKeepsDoubts(t *testing.T) {
	d := Device{UUID: "a", Method: Counter}
	c := newCurve(d, epoch, 0)
	c.doubts = []doubt{{from: 1e9, to: 2e9, watts: 50}}
	c.mean = gauge.Mean{From: 1e9, To: 3e9, Watts: 300}
	c.lag = lag{by: 0.05, sd: 0.002, mean: 0, refuted: 0.2}
	c.failure = failure{err: fmt.Errorf("gone: %w", ErrNoDevice), since: 4e9, last: 5e9}
	c.last = point{lo: 3e9, hi: 4e9, value: 7, ok: true}
	text, err := json.Marshal(record(Info{}, epoch, []*curve{c}))
	require.NoError(t, err)
	var r Recording
	require.NoError(t, json.Unmarshal(text, &r))
	p, err := NewReplay(r)
	require.NoError(t, err)
	back := newCurve(d, epoch, 0)
	p.fill(back, r.Devices[0])
	assert.Equal(t, c.doubts, back.doubts)
	assert.Equal(t, c.mean, back.mean)
	assert.Equal(t, c.lag, back.lag)
	assert.Equal(t, int64(4e9), back.last.hi)
	assert.Equal(t, "gone: no such device", back.failure.err.Error())
	assert.ErrorIs(t, back.failure.err, ErrNoDevice)
	assert.NotErrorIs(t, back.failure.err, ErrNoAnswer)
	assert.Equal(t, int64(5e9), back.failure.last)

	// What a profile says of the lag counts before what was learnt.
	d.Calibration = &Calibration{Delay: 100 * time.Millisecond}
	back = newCurve(d, epoch, 0)
	p.fill(back, r.Devices[0])
	assert.Equal(t, 0.1, back.lag.by)

	for name, spoil := range map[string]func(*DeviceRecording){
		"a doubt that ends before it begins": func(d *DeviceRecording) { d.Doubts = [][3]float64{{2, 1, 5}} },
		"a negative mean":                    func(d *DeviceRecording) { d.MeanPower = &[3]float64{1, 2, -5} },
		"a lag of an hour":                   func(d *DeviceRecording) { d.Lag = &[4]float64{3600} },
		"a negative lag":                     func(d *DeviceRecording) { d.Lag = &[4]float64{-1} },
	} {
		r := Recording{Devices: []DeviceRecording{{Device: d}}}
		spoil(&r.Devices[0])
		assert.ErrorIs(t, r.Check(), ErrMalformed, name)
	}
}
