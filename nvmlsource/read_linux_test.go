//go:build cgo

package nvmlsource

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/nvmlsource/nvmltest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// readAll reads every device once.
func readAll(s *Source) []energy.Reading {
	rs := make([]energy.Reading, len(s.Devices()))
	for i := range rs {
		rs[i].Device = i
	}
	s.Read(rs)
	return rs
}

func TestReadReportsEnergyAndPower(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_WATTS=700,300", "FAKE_NVML_TICK_MS=10"}}
	isolated(t, f, func(t *testing.T) {
		s := mustOpen(t, Config{})
		require.Len(t, s.Devices(), 2)
		first := readAll(s)
		time.Sleep(500 * time.Millisecond)
		last := readAll(s)
		for i, watts := range []float64{700, 300} {
			require.NoError(t, last[i].Err)
			require.True(t, last[i].HasJoules && last[i].HasWatts)
			assert.Equal(t, i, last[i].Device)
			assert.Equal(t, watts, last[i].Watts)
			assert.False(t, last[i].After.Before(last[i].Before))
			// The counter is exact to a tick, and to the length of the calls.
			const tick = 0.010
			joules := last[i].Joules - first[i].Joules
			assert.LessOrEqual(t, joules, watts*(last[i].After.Sub(first[i].Before).Seconds()+tick))
			assert.GreaterOrEqual(t, joules, watts*(last[i].Before.Sub(first[i].After).Seconds()-tick))
		}
		assert.False(t, last[1].Before.Before(last[0].After), "each device has times of its own")
	})
}

func TestDeviceSaysWhatItIs(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_MODEL=NVIDIA H200,NVIDIA L4", "FAKE_NVML_LIMIT_W=700,72.5", "FAKE_NVML_WATTS=50"}}
	isolated(t, f, func(t *testing.T) {
		s := mustOpen(t, Config{})
		assert.Equal(t, energy.Info{Name: "nvml", Period: 100 * time.Millisecond, Version: "999.01"}, s.Info())
		assert.Equal(t, energy.Device{
			UUID: nvmltest.UUID(1), Index: 1, Name: "NVIDIA L4", PCI: "00000000:18:00.0", Driver: "999.01", VBIOS: "96.00.89.00.01", PowerLimit: 72.5,
			Method: energy.Counter, Metric: "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION, POWER_INSTANT)", Resolution: 0.001,
			Sensor: sensors.Of(sensors.Instant, "NVIDIA L4"),
		}, s.Devices()[1])
	})
}

// Millijoules beyond 32 bits (1.7 h at 700 W), and beyond float32, stay exact.
func TestReadIsExactAfterYears(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_FAULTS=83=value:123456789012345"}}
	isolated(t, f, func(t *testing.T) {
		r := readAll(mustOpen(t, Config{}))[0]
		require.NoError(t, r.Err)
		assert.Equal(t, 123456789012.345, r.Joules)
	})
}

func TestReadDoesNotAllocate(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_GPUS=8"}}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		rs := readAll(s)
		require.NoError(t, rs[7].Err)
		assert.Zero(t, testing.AllocsPerRun(100, func() { s.Read(rs) }))
		inject(t, "*@3=15")
		assert.Zero(t, testing.AllocsPerRun(100, func() { s.Read(rs) }), "with a GPU that fails")
		require.ErrorIs(t, rs[3].Err, energy.ErrDeviceLost)
	})
}

func TestReadFailsPerDevice(t *testing.T) {
	for name, c := range map[string]struct {
		faults string
		wraps  error
		says   string
	}{
		"lost":              {"*@1=15", energy.ErrDeviceLost, "GPU_IS_LOST"},
		"lost, in a field":  {"83@1=15", energy.ErrDeviceLost, "GPU_IS_LOST"},
		"reset required":    {"*@1=16", energy.ErrDeviceLost, "--gpu-reset"},
		"permission":        {"83@1=4", fs.ErrPermission, "NO_PERMISSION"},
		"unknown code":      {"83@1=998", nil, "998"},
		"not available":     {"83@1=value:18446744073709551615", errValue, "no usable value"},
		"left alone":        {"83@1=ignore", nil, "NO_DATA"},
		"unloaded":          {"nvmlDeviceGetFieldValues@1=1", nil, "UNINITIALIZED"},
		"lost, seen by 186": {"186@1=15", energy.ErrDeviceLost, "GPU_IS_LOST"},
	} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{env: []string{"FAKE_NVML_GPUS=3"}}, func(t *testing.T) {
				s := mustOpen(t, Config{})
				inject(t, c.faults)
				rs := readAll(s)
				require.Error(t, rs[1].Err)
				if c.wraps != nil {
					assert.ErrorIs(t, rs[1].Err, c.wraps)
				}
				assert.ErrorContains(t, rs[1].Err, c.says)
				for _, i := range []int{0, 2} {
					assert.NoError(t, rs[i].Err)
					assert.True(t, rs[i].HasJoules && rs[i].HasWatts)
				}
				inject(t, "")
				assert.NoError(t, readAll(s)[1].Err, "a fault that has gone is forgotten")
			})
		})
	}
}

func TestReadShowsAResetAsIs(t *testing.T) {
	isolated(t, fake{}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		before := readAll(s)[0]
		inject(t, "reset=1")
		after := readAll(s)[0]
		require.NoError(t, after.Err)
		assert.Less(t, after.Joules, before.Joules)
	})
}

func TestReadDropsPowerThatCannotBe(t *testing.T) {
	for name, value := range map[string]string{"more than twice the limit": "1400001", "zero": "0", "not available": "4294967295"} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{}, func(t *testing.T) {
				s := mustOpen(t, Config{})
				inject(t, "186=value:"+value)
				r := readAll(s)[0]
				assert.NoError(t, r.Err)
				assert.True(t, r.HasJoules)
				assert.False(t, r.HasWatts)
			})
		})
	}
}

// A read that hangs must not let a later one share its memory.
func TestReadAfterOneThatHangs(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_GPUS=2"}}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		inject(t, "*@1=hang")
		back := make(chan []energy.Reading)
		go func() { back <- readAll(s) }()
		require.Eventually(t, s.reading.Load, 30*time.Second, time.Millisecond)
		time.Sleep(20 * time.Millisecond)
		for _, r := range readAll(s) {
			assert.ErrorIs(t, r.Err, energy.ErrStalled)
		}
		inject(t, "")
		for _, r := range <-back {
			assert.NoError(t, r.Err)
		}
		assert.NoError(t, readAll(s)[1].Err)
	})
}

func TestReadRefusesWhatItCannot(t *testing.T) {
	isolated(t, fake{}, func(t *testing.T) {
		s, other := mustOpen(t, Config{}), mustOpen(t, Config{})
		rs := []energy.Reading{{Device: 1}, {Device: -1}}
		s.Read(rs)
		assert.ErrorIs(t, rs[0].Err, energy.ErrNoDevice)
		assert.ErrorIs(t, rs[1].Err, energy.ErrNoDevice)
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		assert.ErrorIs(t, readAll(s)[0].Err, fs.ErrClosed)
		assert.NoError(t, readAll(other)[0].Err, "closing a source leaves others open")
		assert.NoError(t, readAll(mustOpen(t, Config{}))[0].Err, "and the driver, for those to come")
	})
}

func TestJoulesTakesWideIntegersOnly(t *testing.T) {
	value := [8]byte(binary.NativeEndian.AppendUint64(nil, 5_000_000_123))
	for kind, want := range map[nvml.ValueType]float64{
		nvml.VALUE_TYPE_UNSIGNED_LONG_LONG: 5_000_000.123,
		nvml.VALUE_TYPE_SIGNED_LONG_LONG:   5_000_000.123,
		nvml.VALUE_TYPE_UNSIGNED_INT:       0,
		nvml.VALUE_TYPE_DOUBLE:             0,
		nvml.VALUE_TYPE_UNSIGNED_SHORT:     0,
	} {
		got, err := joules(&nvml.FieldValue{ValueType: uint32(kind), Value: value})
		assert.Equal(t, want, got)
		assert.Equal(t, want == 0, errors.Is(err, errValue))
	}
}
