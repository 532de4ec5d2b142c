//go:build cgo

package nvmlsource

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/sensors"
	"github.com/joulebench/joulebench/powertest/energy"
)

// Each case takes away one more way of telling energy; what is left is used, and
// said.
func TestProbeTakesTheBestWayThatWorks(t *testing.T) {
	const (
		counterAndPower = "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION, POWER_INSTANT)"
		counterField    = "nvmlDeviceGetFieldValues(TOTAL_ENERGY_CONSUMPTION)"
		totalEnergy     = "nvmlDeviceGetTotalEnergyConsumption"
		samples         = "nvmlDeviceGetSamples(TOTAL_POWER_SAMPLES)"
		instant         = "nvmlDeviceGetFieldValues(POWER_INSTANT)"
		average         = "nvmlDeviceGetFieldValues(POWER_AVERAGE), 1 s mean"
		usage           = "nvmlDeviceGetPowerUsage, up to 1 s mean"

		noCounter = "83=3 nvmlDeviceGetTotalEnergyConsumption=3 "
	)
	for name, c := range map[string]struct {
		without []string
		faults  string
		via     string
		method  energy.Method
		power   sensors.Reading
	}{
		"all":                         {via: counterAndPower, method: energy.Counter, power: sensors.Instant},
		"no power":                    {faults: "186=3", via: counterField, method: energy.Counter},
		"power unknown to driver":     {faults: "186=2", via: counterField, method: energy.Counter},
		"power is bogus":              {faults: "186=value:1500000", via: counterField, method: energy.Counter},
		"no energy field":             {faults: "83=3", via: totalEnergy, method: energy.Counter},
		"energy field is denied":      {faults: "83=4", via: totalEnergy, method: energy.Counter},
		"energy field stays at 0":     {faults: "83=value:0", via: totalEnergy, method: energy.Counter},
		"field values fail":           {faults: "nvmlDeviceGetFieldValues=999", via: totalEnergy, method: energy.Counter},
		"no field values":             {without: []string{"nvmlDeviceGetFieldValues"}, via: totalEnergy, method: energy.Counter},
		"no total energy":             {without: []string{"nvmlDeviceGetTotalEnergyConsumption"}, via: counterAndPower, method: energy.Counter, power: sensors.Instant},
		"no counter":                  {faults: noCounter, via: samples, method: energy.Gauge, power: sensors.Draw},
		"counters at 0":               {faults: "83=value:0 nvmlDeviceGetTotalEnergyConsumption=value:0", via: samples, method: energy.Gauge, power: sensors.Draw},
		"counter symbols missing":     {without: []string{"nvmlDeviceGetFieldValues", "nvmlDeviceGetTotalEnergyConsumption"}, via: samples, method: energy.Gauge, power: sensors.Draw},
		"samples buffer is empty":     {faults: noCounter + "nvmlDeviceGetSamples=6", via: instant, method: energy.Gauge, power: sensors.Instant},
		"samples are 0":               {faults: noCounter + "nvmlDeviceGetSamples=value:0", via: instant, method: energy.Gauge, power: sensors.Instant},
		"no samples":                  {without: []string{"nvmlDeviceGetSamples"}, faults: noCounter, via: instant, method: energy.Gauge, power: sensors.Instant},
		"no samples, no instant":      {faults: noCounter + "nvmlDeviceGetSamples=3 186=3", via: average, method: energy.Gauge, power: sensors.Average},
		"power usage only":            {faults: noCounter + "nvmlDeviceGetSamples=3 186=3 185=3", via: usage, method: energy.Gauge, power: sensors.Draw},
		"power usage only, by symbol": {without: []string{"nvmlDeviceGetFieldValues", "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetSamples"}, via: usage, method: energy.Gauge, power: sensors.Draw},
	} {
		t.Run(name, func(t *testing.T) {
			isolated(t, fake{without: c.without, env: []string{"FAKE_NVML_FAULTS=" + c.faults, "FAKE_NVML_WATTS=321.5"}}, func(t *testing.T) {
				s := mustOpen(t, Config{})
				d := s.Devices()[0]
				assert.Equal(t, c.via, d.Metric)
				assert.Equal(t, c.method, d.Method)
				want := sensors.Of(c.power, d.Name)
				want.Stamped = c.via == samples
				assert.Equal(t, want, d.Sensor)
				time.Sleep(25 * time.Millisecond) // until there is a new sample
				r := readAll(s)[0]
				require.NoError(t, r.Err)
				assert.Equal(t, c.method == energy.Counter, r.HasJoules)
				assert.Equal(t, c.method == energy.Gauge || c.via == counterAndPower, r.HasWatts)
				if r.HasWatts {
					assert.Equal(t, 321.5, r.Watts)
				}
				if c.method == energy.Counter {
					assert.Equal(t, 0.001, d.Resolution)
					assert.Positive(t, r.Joules)
				}
			})
		})
	}
}

func TestProbeDecidesPerDevice(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_FAULTS=83@1=3 nvmlDeviceGetTotalEnergyConsumption@1=3"}}
	isolated(t, f, func(t *testing.T) {
		ds := mustOpen(t, Config{}).Devices()
		assert.Equal(t, energy.Counter, ds[0].Method)
		assert.Equal(t, energy.Gauge, ds[1].Method)
	})
}

// A driver that has just been loaded, as it is without persistence mode, shows 0
// until the first tick.
func TestProbeWaitsForTheFirstTick(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_TICK_MS=100", "FAKE_NVML_FAULTS=reset=1"}}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		assert.Equal(t, energy.Counter, s.Devices()[0].Method)
		assert.Positive(t, readAll(s)[0].Joules)
	})
}

const mute = "83@1=3 nvmlDeviceGetTotalEnergyConsumption@1=3 nvmlDeviceGetSamples@1=3 186@1=3 185@1=3 nvmlDeviceGetPowerUsage@1=3"

func TestProbeOfAGPUThatTellsNothing(t *testing.T) {
	f := fake{env: []string{"FAKE_NVML_GPUS=2", "FAKE_NVML_FAULTS=" + mute}}
	isolated(t, f, func(t *testing.T) {
		require.Len(t, mustOpen(t, Config{}).Devices(), 1, "left out if nobody named it")
		for _, sel := range []string{"1", "all"} {
			_, err := Open(Config{Devices: []string{sel}})
			require.ErrorIs(t, err, errors.ErrUnsupported)
			require.ErrorIs(t, err, energy.ErrNoEnergy, "NVML answered")
			assert.ErrorContains(t, err, "GPU 1")
			assert.NotContains(t, err.Error(), "unsupported")
		}
		_, err := Open(Config{Devices: []string{"0"}})
		require.NoError(t, err)
	})
}

func TestProbeOfTheOnlyGPUThatTellsNothing(t *testing.T) {
	isolated(t, fake{without: []string{"nvmlDeviceGetFieldValues", "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetSamples", "nvmlDeviceGetPowerUsage"}}, func(t *testing.T) {
		_, err := Open(Config{})
		require.ErrorIs(t, err, errors.ErrUnsupported)
		assert.ErrorContains(t, err, "\nchoose other GPUs")
	})
}

func TestProbeIsDenied(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_FAULTS=83=4 nvmlDeviceGetTotalEnergyConsumption=4 nvmlDeviceGetSamples=3 186=4 185=4 nvmlDeviceGetPowerUsage=4"}}, func(t *testing.T) {
		_, err := Open(Config{})
		require.ErrorIs(t, err, fs.ErrPermission)
		require.NotErrorIs(t, err, errors.ErrUnsupported)
		assert.ErrorContains(t, err, "--gpus all")
	})
}

// Power samples are 20 ms apart here, and a reading is the mean of those that
// are new.
func TestSamplesAreReadOnce(t *testing.T) {
	isolated(t, fake{env: []string{"FAKE_NVML_FAULTS=83=3 nvmlDeviceGetTotalEnergyConsumption=3"}}, func(t *testing.T) {
		s := mustOpen(t, Config{})
		time.Sleep(300 * time.Millisecond)
		r := readAll(s)[0]
		require.NoError(t, r.Err)
		span := r.After.Sub(r.Before)
		assert.GreaterOrEqual(t, span, 80*time.Millisecond, "from the first sample of a period to its last, and the call")
		assert.Less(t, span, 280*time.Millisecond, "not from the first of all that have gathered")
		inject(t, "nvmlDeviceGetSamples=6")
		r = readAll(s)[0]
		assert.ErrorIs(t, r.Err, errNoSamples)
		assert.False(t, r.HasWatts, "no value is held over")
	})
}
