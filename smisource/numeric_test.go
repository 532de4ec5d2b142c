package smisource

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestD10 is what InferenceX makes of small logs, in numbers, and where we differ.
func TestD10(t *testing.T) {
	flat := func(ats ...float64) (list []row) {
		for _, at := range ats {
			list = append(list, row{at, 0, 100})
		}
		return list
	}
	ones := nvidiaLog(constant(0, -1, 11, 100))
	for _, tt := range []struct {
		name     string
		log      string
		from, to float64
		joules   []float64 // nil: withheld
		reasons  []energy.Reason
	}{
		{"irregular", nvidiaLog(series(0, 0, -1, 100, 1, 140, 3.5, 190, 6, 240, 8.5, 290, 11, 340), series(1, 100, -1, 100, 1, 140, 3.5, 190, 6, 240, 8.5, 290, 11, 340)), 0, 10, []float64{2200, 3200}, nil},
		{"gaps of exactly 3 s", nvidiaLog(flat(-1, 2, 5, 8, 11)), 0, 10, []float64{1000}, nil},
		{"a gap of 3.001 s", nvidiaLog(flat(-1, 2, 5, 8.001, 11)), 0, 10, nil, []energy.Reason{energy.SamplingGapExceeded}},
		{"edges on readings", nvidiaLog(constant(0, 0, 10, 100)), 0, 10, []float64{1000}, nil},
		{"two readings at one time", nvidiaLog(constant(0, -1, 4, 100), series(0, 0, 5, 100, 5, 200), constant(0, 6, 11, 100)), 0, 10, []float64{1050}, nil},
		// 96 J, which rest on nothing inside the window.
		{"no reading inside", nvidiaLog(series(0, 0, 0, 100, 1, 200, 2, 300, 3, 400)), 1.2, 1.6, nil, []energy.Reason{energy.NoInWindowSamples, energy.WindowTooShort}},
		{"no reading inside, constant", ones, 1.1, 1.9, []float64{80}, []energy.Reason{energy.NoInWindowSamples}},
		{"a row without GPU", strings.Replace(ones, ", 0, ", ", , ", 6), 0, 10, nil, []energy.Reason{GPUIdentityMissing, energy.BenchmarkWindowNotBracketed}},
		// The header of a recorder that is started anew is no corruption.
		{"a repeated header", nvidiaLog(constant(0, -1, 4, 100)) + nvidiaLog(constant(0, 5, 11, 100)), 0, 10, []float64{1000}, nil},
		{"a row of garbage", strings.Replace(ones, nvidia(5), "garbage", 1), 0, 10, nil, []energy.Reason{InvalidTimestampSample}},
		{"one reading", nvidiaLog(flat(5)), 0, 10, nil, []energy.Reason{energy.InsufficientPowerSamples}},
		{"a reading far away", nvidiaLog(flat(-500)), 0, 10, nil, []energy.Reason{energy.InsufficientPowerSamples, NoUsablePowerSamples}},
		{"begins late", nvidiaLog(constant(0, 1, 11, 100)), 0, 10, nil, []energy.Reason{energy.BenchmarkWindowNotBracketed}},
		{"ends early", nvidiaLog(constant(0, -1, 9, 100)), 0, 10, nil, []energy.Reason{energy.BenchmarkWindowNotBracketed}},
		// A time that lies only between rows far away says nothing of the window.
		{"garbage an hour before", nvidiaLog(constant(0, -3601, -3600, 100)) + "garbage\n" + nvidiaLog(constant(0, -3599, 11, 100)), 0, 10, []float64{1000}, nil},
		{"garbage between a row far away and one that is near", nvidiaLog(constant(0, -20, -10, 100)) + "garbage\n" + nvidiaLog(constant(0, -2, 11, 100)), 0, 10, nil, []energy.Reason{InvalidTimestampSample}},
		{"a negative power 4 s before", nvidiaLog(series(0, 0, -4, -1), constant(0, -1, 11, 100)), 0, 10, []float64{1000}, nil},
		{"a negative power 2 s before", nvidiaLog(series(0, 0, -2, -1), constant(0, -1, 11, 100)), 0, 10, nil, []energy.Reason{energy.InvalidPowerSample}},
		{"eight GPUs of 500 W", nvidiaLog(constant(0, -1, 11, 500), constant(1, -1, 11, 500), constant(2, -1, 11, 500), constant(3, -1, 11, 500),
			constant(4, -1, 11, 500), constant(5, -1, 11, 500), constant(6, -1, 11, 500), constant(7, -1, 11, 500)), 0, 10, []float64{5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := measure(t, tt.log, tt.from, tt.to)
			assert.Equal(t, tt.reasons, codes(m.Reasons), "%v", m.Reasons)
			require.Equal(t, tt.joules != nil, m.Valid)
			sum := 0.0
			for i, want := range tt.joules {
				assert.InEpsilon(t, want, m.Devices[i].Energy.Joules, 1e-9)
				sum += want
			}
			assert.InDelta(t, sum, m.Energy.Joules, 1e-9*sum)
		})
	}
}

// The same in whole seconds, as amd-smi stamps them.
func TestD10WholeSeconds(t *testing.T) {
	text := "timestamp,gpu,socket_power\n"
	for at := -1; at <= 11; at++ {
		text += second(at) + ",0," + map[bool]string{true: "200", false: "100"}[at >= 5] + "\n"
	}
	m := measure(t, text, 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 1550, m.Energy.Joules, 1e-9)
}
