package smisource

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// The tests of this file are named after the demands that the tests of
// InferenceX make.

func TestX1Columns(t *testing.T) {
	for _, tt := range []struct {
		header, value string
		stamp, id     int
	}{
		{"timestamp, index, power.draw [W], temperature.gpu, clocks.current.sm [MHz]", "power.draw [W]", 0, 1},
		{"timestamp,gpu,socket_power", "socket_power", 0, 1},
		{"timestamp,gpu,gfx_activity,umc_activity,mm_activity,vcn_activity,jpeg_activity,gfx_busy_inst_xcp_0,jpeg_busy_xcp_0,vcn_busy_xcp_0,socket_power,gfx_voltage,soc_voltage,mem_voltage,throttle_status,power_management,gfx_0_clk,mem_0_clk,edge,hotspot,mem", "socket_power", 0, 1},
		{"timestamp, index, power.limit [W], power.draw [W]", "power.draw [W]", 0, 1},
		{"timestamp, index, power.max_limit [W], power.min_limit [W], power.default_limit [W], enforced.power.limit [W]", "", 0, 1},
		{"timestamp, index, clocks_event_reasons.hw_power_brake_slowdown, power.draw [W]", "power.draw [W]", 0, 1},
		{"power_management,timestamp,gpu,socket_power", "socket_power", 1, 2},
		{"uptime, timestamp, uuid, power.draw [W]", "power.draw [W]", 1, 2},
		{"timestamp, uuid, power.draw.average [W], power.draw.instant [W], power.draw [W]", "power.draw.instant [W]", 0, 1},
		{"timestamp, pci.bus_id, power.draw.average [W], power.draw [W]", "power.draw [W]", 0, 1},
		{"timestamp,gpu,average_socket_power", "average_socket_power", 0, 1},
		{"timestamp,gpu,power", "power", 0, 1},
		{"timestamp,gpu,power_management", "", 0, 1},
		{"timestamp,gpu,clocks_event_reasons.hw_power_brake_slowdown", "", 0, 1},
		{"timestamp,gpu,clocks_event_reasons.sw_power_cap", "", 0, 1},
		{"timestamp,gpu_id,power_cap,max_power,gpu_power_w", "gpu_power_w", 0, 1},
		{"timestamp,gpu,module.power.draw.instant [W]", "", 0, 1},
		{"timestamp,gpu,temperature", "", 0, 1},
		{"timestamp,gpu,total_energy_consumption", "total_energy_consumption", 0, 1},
		{"timestamp,gpu,total_energy_consumption,socket_power", "socket_power", 0, 1},
		{"index,power.draw [W]", "power.draw [W]", -1, 0},
		{"uptime,index,power.draw [W]", "power.draw [W]", -1, 1},
		{"timestamp,device_id,power.draw [W]", "power.draw [W]", 0, -1},
		{"timestamp,gpu,power.draw [furlongs]", "", 0, 1},
		{"TIMESTAMP;GPU;Socket_Power (mW)", "Socket_Power (mW)", 0, 1},
		{"\"timestamp\"\t\"index\"\t\"power.draw [kW]\"", "power.draw [kW]", 0, 1},
	} {
		h, _ := parseHeader([]byte(tt.header), nil, false)
		value := ""
		if len(h.values) > 0 {
			value = h.values[0].name
		}
		assert.Equal(t, []any{tt.value, tt.stamp, tt.id}, []any{value, h.stamp, h.id()}, tt.header)
	}
}

func TestX2Power(t *testing.T) {
	for _, tt := range []struct {
		cell string
		want float64 // -1: none
	}{
		{"412.34 W", 412.34},
		{"412.34", 412.34},
		{"238", 238},
		{"0", 0},
		{"0.00 W", 0},
		{"1,234.5 W", 1234.5},
		{"12,345", 12345},
		{"4.1e2 W", 410},
		{"4.1E+02", 410},
		{"412340 mW", 412.34},
		{"0.41234 kW", 412.34},
		{"412.34W", 412.34},
		{"", -1},
		{"[N/A]", -1},
		{"N/A", -1},
		{"[Unknown Error]", -1},
		{"[Not Supported]", -1},
		{"ERR!", -1},
		{"[GPU requires reset]", -1},
		{"W", -1},
		{"-1.0 W", -1},
		{"nan", -1},
		{"NaN W", -1},
		{"Inf", -1},
		{"1e999", -1},
		{"9e307", -1},
		{"12,34 W", -1},
		{"1.2.3", -1},
		{"412 J", -1},
		{"412 %", -1},
		{"also-garbage", -1},
		{"500 W 500 W", -1},
		{"0x1p4", -1},
	} {
		v, flaw := column{scale: 1}.quantity([]byte(tt.cell))
		if flaw != fine {
			v = -1
		}
		assert.Equal(t, tt.want, v, tt.cell)
	}
	v, flaw := column{scale: 1e-3}.quantity([]byte("412340"))
	assert.Equal(t, fine, flaw)
	assert.Equal(t, 412.34, v, "the header's unit")
	v, flaw = column{energy: true, scale: 1}.quantity([]byte("178319501.682"))
	assert.Equal(t, fine, flaw, "energies are large")
	assert.Equal(t, 178319501.682, v)
}

func TestX3Stamps(t *testing.T) {
	noon := time.Date(2025, 1, 15, 12, 34, 56, 789e6, time.UTC)
	for _, tt := range []struct {
		cell string
		want time.Time // of UTC, where it has no zone
	}{
		{"2025/01/15 12:34:56.789", noon},
		{"2025-01-15T12:34:56.789", noon},
		{"2025-01-15 12:34:56.789", noon},
		{"2025-01-15T12:34:56,789Z", noon},
		{"2025-01-15T13:34:56.789+01:00", noon},
		{"2025-01-15T13:34:56.789+0100", noon},
		{"2025-01-15T07:34:56.789 -05", noon},
		{"2025-01-15 12:34:56.789 UTC", noon},
		{"15.01.2025 12:34:56,789", noon},
		{"1736944496,789", noon},
		{"2025/01/15 12:34:56", noon.Truncate(time.Second)},
		{"1736944496", noon.Truncate(time.Second)},
		{"1736944496.789", noon},
		{"1736944496789", noon},
		{"1736944496789000", noon},
		{"1736944496789000000", noon},
		{"2024-02-29T00:00:00Z", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"1700000003.001", time.Unix(1_700_000_003, 1e6)},
		{"0", time.Unix(0, 0)},
		{"100000000000", time.Unix(100_000_000, 0)},
	} {
		l := newLog(Config{Location: time.UTC, MaxGap: time.Second})
		l.head = &header{day: -1}
		at, ok := l.time([][]byte{[]byte(tt.cell)})
		if assert.True(t, ok, tt.cell) {
			assert.Equal(t, tt.want.UTC(), time.Unix(0, at).UTC(), tt.cell)
		}
	}
	for _, cell := range []string{"", "not-a-timestamp", "garbage", "2025/13/15 12:34:56", "2025/02/30 12:34:56", "2025/01/15", "2025/01/15 25:00:00", "2025/01/15 12:34",
		"-1736944496", "1.7e9", "1736944496 s", "99999999999999999999", "2025-01-15T12:34:56PST", "2025-01-15T12:34:56+", "2025-01-15T12:34:56+25:00", "9999/01/01 00:00:00",
		"1969/12/31 23:59:59", "2025/01/15 12:34:56.", "12:34:56", "1736944496."} {
		_, ok := parseStamp([]byte(cell))
		assert.False(t, ok, cell)
	}
}

func TestX4WindowExcludesWarmUpAndEvaluation(t *testing.T) {
	m := measure(t, nvidiaLog(constant(0, -60, -2, 700), constant(0, -1, 11, 500), constant(0, 12, 60, 90)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 0.001)
}

func TestX5SumsOverGPUs(t *testing.T) {
	m := measure(t, nvidiaLog(constant(0, -1, 11, 500), constant(1, -1, 11, 300)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InDeltaSlice(t, []float64{5000, 3000}, joules(m), 1e-6)
	assert.InEpsilon(t, 800, m.Watts, 1e-9)

	_, err := Open(Config{Path: write(t, "timestamp,device_id,power.draw [W]\n2026/07/23 12:00:09.000, 0, 500 W\n")})
	assert.Equal(t, []energy.Reason{GPUIdentityColumnMissing}, reasons(t, err), "a sum must not be taken for a GPU")
}

func TestX6NothingToMeasure(t *testing.T) {
	_, err := Open(Config{Path: filepath.Join(t.TempDir(), "none.csv")})
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, []energy.Reason{TelemetryFileMissing}, reasons(t, err))
	_, err = Open(Config{Path: t.TempDir()})
	assert.Equal(t, []energy.Reason{TelemetryFileUnreadable}, reasons(t, err))
	_, err = Open(Config{Path: os.DevNull})
	assert.Equal(t, []energy.Reason{TelemetryFileUnreadable}, reasons(t, err), "it could be a pipe, which nobody writes")
	_, err = Open(Config{Path: write(t, strings.Repeat("text\n", 2*headerWithin)+nvidiaLog(constant(0, 0, 1, 1)))})
	assert.ErrorIs(t, err, ErrNotALog)
	_, err = Open(Config{})
	assert.ErrorIs(t, err, energy.ErrMalformed)

	for text, want := range map[string][]energy.Reason{
		"":                                   {TelemetryFileEmpty},
		"\n\n":                               {TelemetryFileEmpty},
		"timestamp, index, power.draw [W]\n": {NoUsablePowerSamples},
		"timestamp, index, power.draw [W]":   {NoUsablePowerSamples},
		"timestamp, index, power.draw [W]\nnot-a-timestamp, 0, 500 W\n2025/01/15 12:34:56.789, 0, [N/A]\ngarbage, 0, also-garbage\n": {NoUsablePowerSamples},
		"index, power.draw [W]\n0, 500 W\n":                                                   {TimestampColumnMissing},
		"timestamp, index\n2025/01/15 12:34:56.789, 0\n":                                      {PowerColumnMissing},
		"timestamp, power.draw [W]\n" + strings.Repeat("2025/01/15 12:34:56.789, 500 W\n", 2): {GPUIdentityColumnMissing},
		"timestamp, temperature.gpu\n2025/01/15 12:34:56.789, 50\n":                           {PowerColumnMissing, GPUIdentityColumnMissing},
		"2025/01/15 12:34:56.789, 0, 500 W\n2025/01/15 12:34:57.789, 0\n":                     {TimestampColumnMissing, PowerColumnMissing, GPUIdentityColumnMissing},
		"Failed to initialize NVML: Driver/library version mismatch\n":                        {TimestampColumnMissing, PowerColumnMissing, GPUIdentityColumnMissing},
		"\x00\x01\x02\n": {TelemetryFileUnreadable},
	} {
		_, err := Open(Config{Path: write(t, text)})
		assert.Equal(t, want, reasons(t, err), "%q: %v", text, err)
	}

	log := nvidiaLog(constant(0, -1, 11, 500))
	for _, s := range []energy.Span{span(10, 0), span(5, 5)} {
		m := energy.MeasurePast(t.Context(), open(t, log), s)
		assert.Equal(t, []energy.Reason{energy.InvalidBenchmarkWindow}, codes(m.Reasons))
		assert.Zero(t, m.Energy)
	}
}

func TestX7TrapezoidIrregular(t *testing.T) {
	pairs := []float64{-1, 210, 1, 212, 3.5, 214.5, 6, 217, 8.5, 219.5, 11, 222}
	m := measure(t, nvidiaLog(series(0, 0, pairs...), series(1, 100, pairs...)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 2160, m.Devices[0].Energy.Joules, 0.002)
	assert.InEpsilon(t, 3160, m.Devices[1].Energy.Joules, 0.002)
	assert.InEpsilon(t, 5320, m.Energy.Joules, 0.002)
	assert.InEpsilon(t, 532, m.Watts, 0.002)
}

// How many GPUs there must be is for the caller to say; a source says if there
// are others than when it was opened, or not those that were selected.
func TestX8ExpectedCount(t *testing.T) {
	path := write(t, nvidiaLog(constant(0, -1, 5, 500)))
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	more(t, path, nvidiaLog(constant(0, 6, 11, 500), constant(1, 6, 11, 500)))
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	assert.Equal(t, []energy.Reason{energy.ExpectedGPUCountMismatch}, codes(m.Reasons))
	assert.False(t, m.Valid)
	assert.True(t, m.Devices[0].Valid, "the GPU has its number")

	s, err = Open(Config{Path: write(t, nvidiaLog(constant(0, -1, 5, 500))), Location: time.UTC, Devices: []string{"0"}})
	require.NoError(t, err)
	defer s.Close()
	more(t, s.cfg.Path, nvidiaLog(constant(0, 6, 11, 500), constant(1, 6, 11, 500)))
	m = energy.MeasurePast(t.Context(), s, span(0, 10))
	assert.True(t, m.Valid, "the other was not asked for: %v", m.Reasons)

	_, err = Open(Config{Path: path, Devices: []string{"0", "7"}})
	assert.ErrorIs(t, err, energy.ErrNoDevice)
	assert.ErrorContains(t, err, `"7"; there are 0 (smi:gpu_metrics.csv:0), 1 (smi:gpu_metrics.csv:1)`)
}

func TestX9EveryGPUMustBracket(t *testing.T) {
	m := measure(t, nvidiaLog(series(0, 0, -1, 500, 1, 500, 3, 500, 5, 500, 7, 500, 9, 500, 11, 500), series(1, 0, 1, 500, 3, 500, 5, 500, 7, 500, 9, 500, 11, 500)), 0, 10)
	assert.False(t, m.Valid)
	assert.Equal(t, []energy.Reason{energy.BenchmarkWindowNotBracketed, energy.PartialCohort}, codes(m.Reasons))
	assert.True(t, m.Devices[0].Valid)
	assert.Equal(t, []energy.Reason{energy.BenchmarkWindowNotBracketed}, codes(m.Devices[1].Reasons), "it is that of the GPU")
}

func TestX10Gap(t *testing.T) {
	m := measure(t, nvidiaLog(series(0, 0, -1, 500, 1, 500, 9, 500, 11, 500)), 0, 10)
	assert.Equal(t, []energy.Reason{energy.SamplingGapExceeded}, codes(m.Reasons))
	assert.Zero(t, m.Energy)
}

func TestX11CorruptionFarOutside(t *testing.T) {
	m := measure(t, nvidiaLog(series(0, 0, -100, -1, 100, 100, 100, 200), constant(0, -1, 11, 500)), 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)
}

func TestX22StopOfTheMonitor(t *testing.T) {
	// It dies in the middle of a row, which is dropped by writing the file
	// anew, and a last reading is appended.
	path := write(t, nvidiaLog(constant(0, -1, 9, 500))+nvidia(10)+", 0, 52")
	s, err := Open(Config{Path: path, Location: time.UTC})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, os.Rename(write(t, nvidiaLog(constant(0, -1, 9, 500))), path))
	more(t, path, nvidia(10.5)+", 0, 500.00 W, 64\n")
	m := energy.MeasurePast(t.Context(), s, span(0, 10))
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InEpsilon(t, 5000, m.Energy.Joules, 1e-9)

	// Without the repair, the last reading is written into the row.
	m = measure(t, nvidiaLog(constant(0, -1, 9, 500))+nvidia(10)+", 0, 52"+nvidia(10.5)+", 0, 500.00 W, 64\n", 0, 9.5)
	assert.True(t, m.Has(energy.InvalidPowerSample), "%v", m.Reasons)
}

func TestX22AMDWatch(t *testing.T) {
	text := "'CTRL' + 'C' to stop watching output:\n"
	for at := -1; at <= 11; at++ {
		text += "timestamp,gpu,socket_power\n" + second(at) + ",0,238\n" + second(at) + ",1,240\n\n"
	}
	m := measure(t, text, 0, 10)
	require.True(t, m.Valid, "%v", m.Reasons)
	assert.InDeltaSlice(t, []float64{2380, 2400}, joules(m), 1e-6)
	assert.Equal(t, "amd-smi", m.Source.Version)
}

// reasons returns the reasons of an error of a log.
func reasons(t *testing.T, err error) []energy.Reason {
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%v has no reason", err)
		return nil
	}
	return append([]energy.Reason{e.Reason}, e.Others...)
}
