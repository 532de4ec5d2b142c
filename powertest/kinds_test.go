package powertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// processor is a source that is made up: a package that draws 80 W and its memory that
// draws 20 W, whose counters change every 10 ms.
type processor struct {
	*simsource.Source
	devices   []energy.Device
	simulated bool
}

func newProcessor(simulated bool) *processor {
	sim := simsource.New(simsource.Config{GPUs: 2, Seed: 7, Idle: 80, Period: 10 * time.Millisecond, Noise: -1, Jitter: -1})
	p := &processor{Source: sim, simulated: simulated}
	for i, d := range sim.Devices() {
		d.Kind, d.UUID, d.Index = []energy.Kind{energy.CPU, energy.DRAM}[i], fmt.Sprintf("PACKAGE-0-%d", i), 0
		d.Name, d.PowerLimit = "processor", 0
		p.devices = append(p.devices, d)
	}
	return p
}

func (p *processor) Info() energy.Info {
	info := p.Source.Info()
	info.Name, info.Simulated = "processor", p.simulated
	return info
}

func (p *processor) Devices() []energy.Device { return p.devices }

func (p *processor) Read(dst []energy.Reading) {
	p.Source.Read(dst)
	for i := range dst {
		if dst[i].Device == 1 {
			dst[i].Joules /= 4
		}
	}
}

func init() {
	energy.Register("processor", func(arg string, devices []string) (energy.Source, error) {
		if arg == "denied" {
			return nil, fmt.Errorf("processor: read energy_uj: %w", fs.ErrPermission)
		}
		if _, err := energy.Select(newProcessor(false).devices, devices...); err != nil {
			return nil, err
		}
		return newProcessor(arg == "simulated"), nil
	})
}

// requirePower checks a metric per operation against a power.
func requirePower(t *testing.T, r *benchfmt.Result, prefix string, watts float64) {
	t.Helper()
	joules, ok := r.Value(prefix + "J/op")
	require.True(t, ok, "%s has no %sJ/op", r.Name, prefix)
	percent, ok := r.Value(prefix + "err-%")
	require.True(t, ok, "%s has no %serr-%%", r.Name, prefix)
	seconds, _ := r.Value("sec/op")
	assert.InEpsilon(t, watts*seconds, joules, 0.03+percent/100, "%sJ/op of %v W", prefix, watts)
}

func requireNoUnits(t *testing.T, r *benchfmt.Result, prefixes ...string) {
	t.Helper()
	for _, v := range r.Values {
		for _, p := range prefixes {
			assert.False(t, strings.HasPrefix(v.Unit, p), "%s reports %s", r.Name, v.Unit)
		}
	}
}

// directionsOf returns the directions of units that an output states.
func directionsOf(out run) map[string]string {
	list := map[string]string{}
	for line := range strings.Lines(out.out) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Unit "); ok {
			unit, direction, _ := strings.Cut(rest, " ")
			list[unit] = direction
		}
	}
	return list
}

// TestKinds: a benchmark with GPUs, a processor and memory, as its output has them.
func TestKinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=sim=idle=300+processor=simulated", "POWERTEST_TRACE=" + dir})
	r := out.one()
	requirePower(t, r, "", 300)
	requirePower(t, r, "cpu-", 80)
	requirePower(t, r, "dram-", 20)
	requirePower(t, r, "all-", 400)
	of, _ := r.Value("tokens/J")
	all, _ := r.Value("all-tokens/J")
	assert.InEpsilon(t, of*3/4, all, 0.03)
	units := directionsOf(out)
	for unit, want := range map[string]string{"cpu-J/op": "lower", "dram-err-%": "lower", "all-J/op": "lower", "all-tokens/J": "higher"} {
		assert.Equal(t, "better="+want, units[unit], unit)
	}
	for key, want := range map[string]string{"energy-source": "simulated", "gpus": "1", "cpu-energy": "package+dram", "cpus": "1"} {
		assert.Equal(t, want, r.GetConfig(key), key)
	}
	assert.NotContains(t, out.out, "withheld")

	trace := readTrace(t, dir).Measurement
	again, err := OpenTrace(filesIn(t, dir)[0])
	require.NoError(t, err)
	m := energy.MeasurePast(t.Context(), again, energy.Span{Start: trace.Start, End: trace.End})
	require.Len(t, m.Kinds, 3)
	for i, k := range m.Kinds {
		assert.Equal(t, trace.Kinds[i].Kind, k.Kind)
		assert.InEpsilon(t, trace.Kinds[i].Energy.Joules, k.Energy.Joules, 0.03)
	}
}

// TestKindsWithoutGPUs: where only a processor is measured, J/op is that of it and its memory.
func TestKindsWithoutGPUs(t *testing.T) {
	t.Parallel()
	out := styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=processor"})
	r := out.one()
	requirePower(t, r, "", 100)
	requirePower(t, r, "cpu-", 80)
	requirePower(t, r, "dram-", 20)
	requireNoUnits(t, r, "all-", "gpu")
	assert.Equal(t, "processor", r.GetConfig("energy-source"))
	assert.Equal(t, "package+dram", r.GetConfig("cpu-energy"))
	assert.Equal(t, "", r.GetConfig("gpus"))

	r = styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=sim+processor", "POWERTEST_DEVICES=cpu"}).one()
	requirePower(t, r, "", 80)
	requireNoUnits(t, r, "cpu-", "dram-", "all-")
	assert.Equal(t, "package", r.GetConfig("cpu-energy"))
}

// TestKindsOneMissing: what may not be read takes its own metrics and those of all, and the
// log says why; strict mode fails.
func TestKindsOneMissing(t *testing.T) {
	t.Parallel()
	env := []string{"POWERTEST_SOURCE=sim=idle=300+processor=denied"}
	out := styled(t, "^BenchmarkEnv$", env)
	r := out.one()
	requirePower(t, r, "", 300)
	requireNoUnits(t, r, "cpu-", "dram-", "all-")
	assert.Contains(t, out.out, "the joules of the benchmark (all) are withheld: source_unavailable (processor): processor: read energy_uj: permission denied")
	out = styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=processor+processor=denied", "POWERTEST_STRICT=1"})
	assert.NotZero(t, out.code)
	assert.Contains(t, out.out, "no energy measurement, and POWERTEST_STRICT is set: processor: read energy_uj: permission denied")
	for value, want := range map[string]string{
		"sim+nonesuch":                      `in POWERTEST_SOURCE "nonesuch" is not a source that is known`,
		"sim+off":                           `in POWERTEST_SOURCE "off" stands beside another source`,
		"processor=denied+processor=denied": "no energy measurement: processor: read energy_uj: permission denied",
		"processor+processor":               "is a device of both processor and processor#2",
	} {
		out := styled(t, "^BenchmarkEnv$", []string{"POWERTEST_SOURCE=" + value})
		assert.Contains(t, out.out, want)
	}
}

// testSeveral: nvml and a processor, both made up, on the real clock.
func testSeveral(t *testing.T, driver string) {
	env := fakeGPUs(t, driver, "FAKE_NVML_GPUS=2", "FAKE_NVML_WATTS=400,300", "POWERTEST_SOURCE=nvml+processor")
	out := onRealClock(t, "^BenchmarkPlain$", env, "-test.benchtime=500ms")
	r := out.one()
	requireWatts(t, 700, out, r)
	for key, want := range map[string]string{
		"energy-source": "nvml+processor", "gpu": "NVIDIA H200", "gpus": "2", "power-limit": "700W", "cpu-energy": "package+dram", "cpus": "1",
	} {
		assert.Equal(t, want, r.GetConfig(key), key)
	}
	for prefix, watts := range map[string]float64{"cpu-": 80, "dram-": 20, "all-": 800} {
		if _, ok := r.Value(prefix + "J/op"); !ok {
			require.Contains(t, out.out, "are withheld: ") // the machine is busy
			continue
		}
		requirePower(t, r, prefix, watts)
	}
	// Where there is no GPU, what has no kind in its name is of the processor.
	out = onRealClock(t, "^BenchmarkPlain$", append(env, "FAKE_NVML_FAULTS=nvmlDeviceGetCount=4"), "-test.benchtime=500ms")
	r = out.one()
	requireWatts(t, 100, out, r)
	assert.Equal(t, "processor", r.GetConfig("energy-source"))
	assert.Equal(t, "", r.GetConfig("gpus"))
	assert.Contains(t, out.out, "the joules of the benchmark (all) are withheld: source_unavailable (nvml): nvml: ")
}

// TestReportOfKinds: a load's report has them in its JSON, its record and its sentence.
func TestReportOfKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2, Idle: 100, Noise: -1})
		cpus := newProcessor(true)
		m := newMeter(t, From(sim, cpus), ExpectGPUs(2))
		other := newMeter(t, From(sim, cpus))
		assert.Same(t, m.ins, other.ins, "the same sources have one recorder")
		w := m.Start("BenchmarkServe")
		end := w.Phase("cpu")
		time.Sleep(2 * time.Second)
		end()
		w.AddRequests(10)
		w.AddTokens(0, 1000)
		r, err := w.Stop(t.Context())
		require.ErrorIs(t, err, energy.ErrMalformed, "a phase cannot have the name of a kind")
		for unit, want := range map[string]float64{
			"J/op": 40, "W": 200, "W/gpu": 100, "cpu-J/op": 16, "cpu-W": 80, "dram-J/op": 4, "all-J/op": 60, "all-W": 300, "all-tokens/J": 1000. / 600,
		} {
			got, ok := r.Value(unit)
			require.True(t, ok, unit)
			assert.InEpsilon(t, want, got, 0.01, unit)
		}
		var out bytes.Buffer
		require.NoError(t, r.WriteBenchmark(&out))
		assert.Contains(t, out.String(), "cpu-energy: package+dram\n")
		assert.Contains(t, out.String(), "Unit all-tokens/J better=higher\n")
		text, err := json.Marshal(r)
		require.NoError(t, err)
		var back Report
		require.NoError(t, json.Unmarshal(text, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		assert.JSONEq(t, string(text), string(again))
		assert.Contains(t, r.String(), "J ± 0.")
		assert.Contains(t, r.String(), "on 2 of 2 GPUs in 2s; cpu ")
		m.Close()
		other.Close()

		m = newMeter(t, From(sim, cpus), ExpectGPUs(3))
		w = m.Start("BenchmarkServe")
		time.Sleep(2 * time.Second)
		w.AddRequests(10)
		r = stop(t, w)
		m.Close()
		assert.False(t, r.Valid())
		joules, ok := r.Value("cpu-J/op")
		require.True(t, ok, "%v", r)
		assert.InEpsilon(t, 16, joules, 0.01)
		_, ok = r.Value("all-J/op")
		assert.False(t, ok)
	})
}

// TestStrictKinds: strict mode misses the number of each kind that is measured.
func TestStrictKinds(t *testing.T) {
	t.Setenv("POWERTEST_STRICT", "1")
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(t, From(simsource.New(simsource.Config{}), energy.Unavailable("rapl", fs.ErrPermission)))
		w := m.Start("BenchmarkServe")
		time.Sleep(2 * time.Second)
		r, err := w.Stop(t.Context())
		require.ErrorIs(t, err, ErrWithheld)
		assert.ErrorContains(t, err, "all: [source_unavailable (rapl): permission denied]")
		assert.True(t, r.Valid())
		m.Close()
	})
}

// TestSlackOfKinds: what lies beside the timer widens each kind by what it can have drawn.
func TestSlackOfKinds(t *testing.T) {
	device := func(k energy.Kind, joules, limit float64) energy.DeviceMeasurement {
		return energy.DeviceMeasurement{
			Device: energy.Device{UUID: string(k), Kind: k, PowerLimit: limit}, Valid: true,
			Energy: energy.Estimate{Joules: joules, Low: joules, High: joules}, Watts: joules,
		}
	}
	m := energy.Measurement{Duration: time.Second, Valid: true, Energy: energy.Estimate{Joules: 500, Low: 500, High: 500}, Watts: 500}
	m.Devices = []energy.DeviceMeasurement{device(energy.GPU, 500, 700)}
	cpu, dram := device(energy.CPU, 100, 400), device(energy.DRAM, 10, 400)
	m.Kinds = []energy.KindMeasurement{
		{Kind: energy.CPU, Count: 1, Valid: true, Energy: cpu.Energy, Devices: []energy.DeviceMeasurement{cpu}},
		{Kind: energy.DRAM, Count: 1, Valid: true, Energy: dram.Energy, Devices: []energy.DeviceMeasurement{dram}},
		{Kind: energy.AllKinds, Of: []energy.Kind{energy.GPU, energy.CPU}, Valid: true, Energy: energy.Estimate{Joules: 600, Low: 600, High: 600}},
	}
	s := slack{window: time.Second, elapsed: 990 * time.Millisecond}
	require.Nil(t, s.timed(&m))
	assert.InDelta(t, 3.5, m.Energy.HalfWidth(), 1e-9)
	assert.InDelta(t, 2, m.Kinds[0].Energy.HalfWidth(), 1e-9)
	assert.InDelta(t, 5.5, m.Kinds[2].Energy.HalfWidth(), 1e-9)
	assert.False(t, m.Kinds[1].Valid, "40 % of it can have been drawn in between")
	assert.Equal(t, energy.WindowMismatch, m.Kinds[1].Reasons[0].Reason)
	assert.True(t, m.Valid && m.Kinds[0].Valid && m.Kinds[2].Valid)
}
