//go:build cgo

package nvmlsource

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/joulebench/joulebench/powertest/energy"
)

func inspectAll(s *Source) []energy.State {
	states := make([]energy.State, len(s.Devices()))
	for i := range states {
		states[i].Device = i
	}
	s.Inspect(states)
	return states
}

func TestInspect(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_CELSIUS=61", "FAKE_NVML_PROCESSES=4711,4712", "FAKE_NVML_FAULTS=270@1=value:5000000000"}}
	isolated(t, f, func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		start := time.Now()
		st := inspectAll(mustOpen(t, Config{}))[1]
		require.NoError(t, st.Err)
		assert.Equal(t, 1, st.Device)
		assert.WithinRange(t, st.At, start, time.Now())
		assert.True(t, st.HasCelsius)
		assert.Equal(t, 61.0, st.Celsius)
		assert.Equal(t, map[string]time.Duration{ // the library counts the field's number in ms
			"sw_power_cap": 74 * time.Millisecond,
			"sync_boost":   76 * time.Millisecond,
			"sw_thermal":   269 * time.Millisecond,
			"hw_thermal":   5 * time.Second,
			"power_brake":  271 * time.Millisecond,
		}, st.Throttled)
		assert.Equal(t, []energy.Process{{PID: 4711, Name: "process-4711"}, {PID: 4712, Name: "process-4712"}}, st.Processes,
			"each once, and not this process")
	})
}

func TestInspectWhatIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		faults string
		wraps  error // nil: nothing to complain about
		check  func(t *testing.T, st energy.State)
	}{
		"nothing is wrong": {"", nil, func(t *testing.T, st energy.State) {
			assert.NotNil(t, st.Processes, "no processes are not unknown processes")
			assert.Empty(t, st.Processes)
		}},
		"no temperature": {"nvmlDeviceGetTemperature=3", nil, func(t *testing.T, st energy.State) {
			assert.False(t, st.HasCelsius)
			assert.NotNil(t, st.Throttled)
		}},
		"no thermal counters": {"269=2 270=3 271=value:18446744073709551615", nil, func(t *testing.T, st energy.State) {
			assert.Len(t, st.Throttled, 2)
		}},
		"no throttle counters": {"nvmlDeviceGetFieldValues=3", nil, func(t *testing.T, st energy.State) {
			assert.Nil(t, st.Throttled)
		}},
		"no process lists": {"nvmlDeviceGetComputeRunningProcesses=3 nvmlDeviceGetGraphicsRunningProcesses=3", nil, func(t *testing.T, st energy.State) {
			assert.Nil(t, st.Processes, "unknown")
		}},
		"processes are denied": {"nvmlDeviceGetComputeRunningProcesses=4 nvmlDeviceGetGraphicsRunningProcesses=4", fs.ErrPermission, func(t *testing.T, st energy.State) {
			assert.Nil(t, st.Processes)
			assert.True(t, st.HasCelsius, "the rest is reported")
		}},
		"lost": {"*=15", energy.ErrDeviceLost, func(t *testing.T, st energy.State) {
			assert.False(t, st.HasCelsius)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{}, func(t *testing.T) {
				s := mustOpen(t, Config{})
				inject(t, c.faults)
				st := inspectAll(s)[0]
				if c.wraps == nil {
					assert.NoError(t, st.Err)
				} else {
					assert.ErrorIs(t, st.Err, c.wraps)
				}
				c.check(t, st)
			})
		})
	}
}

func TestInspectDoesNotHang(t *testing.T) {
	isolated(t, fake{}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		inject(t, "nvmlDeviceGetTemperature=hang")
		start := time.Now()
		require.ErrorIs(t, inspectAll(s)[0].Err, energy.ErrStalled)
		assert.Less(t, time.Since(start), 2*inspectTimeout)
		start = time.Now()
		require.ErrorIs(t, inspectAll(s)[0].Err, energy.ErrStalled, "the next one does not wait for the first")
		assert.Less(t, time.Since(start), inspectTimeout/2)
		assert.NoError(t, readAll(s)[0].Err, "reading goes on")
		inject(t, "")
		require.Eventually(t, func() bool { return inspectAll(s)[0].Err == nil }, 5*time.Second, 5*time.Millisecond)
		require.NoError(t, s.Close())
		assert.ErrorIs(t, inspectAll(s)[0].Err, fs.ErrClosed)
	})
}

func TestModes(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_MIG=2,-", "FAKE_NVML_PERSISTENCE=0"}}
	isolated(t, f, func(t *testing.T) {
		s := mustOpen(t, Config{})
		persistence, mig := s.Modes(0)
		require.NotNil(t, persistence)
		require.NotNil(t, mig)
		assert.False(t, *persistence)
		assert.True(t, *mig)
		_, mig = s.Modes(1)
		assert.False(t, *mig)
		unknown := func(device int, why string) {
			persistence, mig := s.Modes(device)
			assert.Nil(t, persistence, why)
			assert.Nil(t, mig, why)
		}
		inject(t, "nvmlDeviceGetPersistenceMode=3 nvmlDeviceGetMigMode=3")
		unknown(0, "what the driver does not know is unknown")
		unknown(2, "there is no such device")
		require.NoError(t, s.Close())
		unknown(1, "the source is closed")
	})
}
