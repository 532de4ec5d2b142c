package smisource

import (
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// snapshotOf writes a snapshot as amd-smi metric -E --csv does.
func snapshotOf(rows ...string) string {
	return "gpu,socket_power,gfx_voltage,soc_voltage,mem_voltage,throttle_status,power_management,total_energy_consumption\n" + strings.Join(rows, "\n") + "\n"
}

func gpuEnergy(gpu, joules string) string {
	return gpu + ",238,N/A,N/A,N/A,N/A,ENABLED," + joules
}

func crossCheck(t *testing.T, log, start, end string) (Accumulator, error) {
	t.Helper()
	path := write(t, log)
	stem := strings.TrimSuffix(path, ".csv")
	for name, text := range map[string]string{stem + "_energy_start.csv": start, stem + "_energy_end.csv": end} {
		if text != "" {
			require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		}
	}
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	a, err := s.CrossCheck()
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	assert.True(t, m.Valid, "the check has no say in the number: %v", m.Reasons)
	return a, err
}

func TestX19Accumulator(t *testing.T) {
	log := nvidiaLog(constant(0, 0, 10, 500))
	start := snapshotOf(gpuEnergy("0", "1000000.0"))
	a, err := crossCheck(t, log, start, snapshotOf(gpuEnergy("0", "1005000.0")))
	require.NoError(t, err)
	text, err := json.Marshal(a)
	require.NoError(t, err)
	assert.JSONEq(t, `{"available":true,"accumulator_delta_j":5000,"integrated_stream_j":5000,"relative_error":0,"within_tolerance":true,"tolerance":0.05,
		"per_gpu_delta_j":{"0":5000},"integrated_gpu_ids":["0"],"unmatched_gpus":[],"negative_delta_gpus":[],"stream_span_s":10}`, string(text))

	a, err = crossCheck(t, nvidiaLog(constant(0, 0, 10, 400)), start, snapshotOf(gpuEnergy("0", "1005000.0")))
	require.NoError(t, err)
	assert.InEpsilon(t, 0.2, *a.RelativeError, 1e-9)
	assert.False(t, a.WithinTolerance)

	// Exactly at the tolerance.
	a, err = crossCheck(t, nvidiaLog(constant(0, 0, 10, 475)), start, snapshotOf(gpuEnergy("0", "1005000.0")))
	require.NoError(t, err)
	assert.True(t, a.WithinTolerance)
}

func TestX19Snapshots(t *testing.T) {
	log := nvidiaLog(constant(0, 0, 10, 500), constant(1, 0, 10, 500))
	good := snapshotOf(gpuEnergy("0", "1000000.0"), gpuEnergy("1", "2000000.0"))
	for _, tt := range []struct {
		name, start, end string
		want             energy.Reason
	}{
		{"missing start", "", good, MissingStartSnapshot},
		{"missing end", good, "", MissingEndSnapshot},
		{"garbage start", "not,a\nsnapshot\n", good, UnparseableStartSnapshot},
		{"no energies at the end", good, snapshotOf(gpuEnergy("0", "N/A")), UnparseableEndSnapshot},
		{"garbage start, missing end", "garbage", "", MissingEndSnapshot},
	} {
		_, err := crossCheck(t, log, tt.start, tt.end)
		assert.Equal(t, []energy.Reason{tt.want}, reasons(t, err), tt.name)
		assert.NotErrorIs(t, err, ErrNoSnapshots, tt.name)
	}
	_, err := crossCheck(t, log, "", "")
	assert.ErrorIs(t, err, ErrNoSnapshots)
	assert.ErrorIs(t, err, fs.ErrNotExist)

	// A reset that the sum hides.
	a, err := crossCheck(t, log, good, snapshotOf(gpuEnergy("0", "1011000.0"), gpuEnergy("1", "1999000.0")))
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, a.Negative)
	assert.InDelta(t, 0, *a.RelativeError, 1e-9)
	assert.False(t, a.WithinTolerance)

	// A GPU that only one of them has, or that says N/A.
	a, err = crossCheck(t, log, good, snapshotOf(gpuEnergy("0", "1005000.0"), gpuEnergy("1", "N/A")))
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, a.Unmatched)
	assert.Equal(t, []string{"0"}, a.Integrated)
	assert.Equal(t, 5000.0, a.StreamJoules)
	assert.True(t, a.WithinTolerance)

	// Nothing gained: there is no share of it.
	a, err = crossCheck(t, log, good, good)
	require.NoError(t, err)
	assert.Nil(t, a.RelativeError)
	assert.False(t, a.WithinTolerance)
	assert.True(t, a.Available)

	// GPUs are known by their numbers, whatever else there is.
	a, err = crossCheck(t, log, "uuid,gpu,total_energy_consumption\nu0,0,0\n", "gpu,uuid,total_energy_consumption\n0,u0,5000\n")
	require.NoError(t, err)
	assert.Equal(t, map[string]float64{"0": 5000}, a.GPUJoules)
	assert.True(t, a.WithinTolerance)

	// GPUs in the order of their numbers, and one that the log does not have.
	many := snapshotOf(gpuEnergy("10", "1"), gpuEnergy("2", "1"), gpuEnergy("1", "2000000"))
	a, err = crossCheck(t, log, many, snapshotOf(gpuEnergy("10", "1"), gpuEnergy("2", "1")))
	require.NoError(t, err)
	assert.Equal(t, []string{"1"}, a.Unmatched)
	assert.Empty(t, a.Integrated)
	assert.Zero(t, a.StreamSeconds)
}

func TestCrossCheckReadsToTheEnd(t *testing.T) {
	path := write(t, nvidiaLog(constant(0, 0, 5, 500)))
	stem := strings.TrimSuffix(path, ".csv")
	start, end := stem+".before", stem+".after"
	require.NoError(t, os.WriteFile(start, []byte(snapshotOf(gpuEnergy("0", "0"))), 0o644))
	require.NoError(t, os.WriteFile(end, []byte(snapshotOf(gpuEnergy("0", "5000"))), 0o644))
	s, err := Open(Config{Path: path, Location: time.UTC, EnergyStart: start, EnergyEnd: end})
	require.NoError(t, err)
	defer s.Close()
	more(t, path, nvidiaLog(constant(0, 6, 10, 500)))
	a, err := s.CrossCheck()
	require.NoError(t, err)
	assert.Equal(t, 5000.0, a.StreamJoules)
}
