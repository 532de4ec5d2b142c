package annotate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/joulebench/joulebench/smisource"
)

// A rig is a source that does not know the past. It stands for real GPUs, and so
// does not say that it is simulated.
type rig struct{ *simsource.Source }

func (rig) Info() energy.Info { return energy.Info{Name: "rig", Period: 100 * time.Millisecond} }

// theRig is what is connected, and theGauge the power that the gauges beside its counters
// show, as a factor of the true one; 0 if there are none.
var (
	theRig   *simsource.Source
	theGauge float64
)

// gaugeMean is the time of which the gauges show the mean.
const gaugeMean = 100 * time.Millisecond

func (r rig) Read(dst []energy.Reading) {
	r.Source.Read(dst)
	for i := range dst {
		if x := &dst[i]; theGauge > 0 && x.Err == nil {
			x.Watts = theGauge * theRig.TrueJoules(x.After.Add(-gaugeMean), x.After, x.Device) / gaugeMean.Seconds()
			x.HasWatts = !math.IsNaN(x.Watts)
		}
	}
}

func init() {
	energy.Register("rig", func(_ string, devices []string) (energy.Source, error) {
		if theRig == nil {
			return nil, fmt.Errorf("rig: nothing is connected: %w", energy.ErrStalled)
		}
		_, err := energy.Select(theRig.Devices(), devices...)
		return rig{theRig}, err
	})
	energy.Register("absent", func(string, []string) (energy.Source, error) {
		return nil, fmt.Errorf("absent: the server does not answer: %w", energy.ErrStalled)
	})
}

// liveTrial runs annotate on a rig, in a bubble, with exec in place of a command.
func liveTrial(t *testing.T, exec Runner, args ...string) *trial {
	x := newTrial(t)
	require.NoError(t, os.Remove("bench.json"))
	synctest.Test(t, func(t *testing.T) {
		theRig = simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700})
		t.Cleanup(func() { theRig = nil })
		inner := x.in(t)
		inner.live(exec, append(args, "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json")...)
		x.Result, x.err, x.out = inner.Result, inner.err, inner.out
	})
	return x
}

// Devices says what the power gauge beside the counter is, if there is one.
func (r rig) Devices() []energy.Device {
	list := slices.Clone(r.Source.Devices())
	for i := range list {
		if theGauge > 0 {
			mean := energy.Kernel{Manner: energy.Boxcar, Shortest: gaugeMean, Longest: gaugeMean}
			list[i].Sensor = energy.Sensor{Kernels: []energy.Kernel{mean}, Refresh: gaugeMean}
		}
	}
	return list
}

// bench is a command that benchmarks the rig for ten seconds, and idles before and
// after. truth becomes the energy that it used.
func bench(truth *float64) Runner {
	return func(_ context.Context, _ []string, std Streams) error {
		fmt.Fprintln(std.Out, "benchmarking")
		time.Sleep(2 * time.Second)
		start := time.Now()
		done := theRig.Busy()
		time.Sleep(10 * time.Second)
		done()
		end := time.Now()
		time.Sleep(time.Second)
		*truth = theRig.TrueJoules(start, end)
		return os.WriteFile("bench.json", fmt.Appendf(nil, `{"benchmark_start_time_unix": %d.%09d, "benchmark_end_time_unix": %d.%09d, "duration": 10.0, "completed": 7, "total_input_tokens": 100, "total_output_tokens": 200}`,
			start.Unix(), start.Nanosecond(), end.Unix(), end.Nanosecond()), 0o644)
	}
}

// TestLive: a source that does not know the past is read while the command runs.
func TestLive(t *testing.T) {
	var truth float64
	x := liveTrial(t, bench(&truth), "-source", "rig", "-gpus", "2", "-role", "1=decode")
	require.NoError(t, x.err)
	require.NoError(t, x.CommandErr)
	assert.Empty(t, x.reasons())
	m := x.measured()
	assert.InEpsilon(t, truth, m.Energy.Joules, 0.01)
	assert.LessOrEqual(t, m.Energy.Low, truth)
	assert.GreaterOrEqual(t, m.Energy.High, truth)
	require.Len(t, m.Roles, 1)
	assert.InEpsilon(t, truth/2, m.Roles[0].Energy.Joules, 0.1)
	assert.Equal(t, counter, x.file("side.json")["integration_method"])
	assert.InEpsilon(t, truth/7, x.file("agg.json")["joules_per_successful_query"], 0.01)
	assert.Contains(t, x.out, "benchmarking\n")

	x = liveTrial(t, bench(&truth), "-opened", "-gpus", "1", "-devices", "1")
	x.valid(nil)
	assert.InEpsilon(t, truth/2, x.measured().Energy.Joules, 0.1)
}

// TestLiveDisagrees: a power gauge that says another thing than the counter marks the
// numbers, or takes them back, in all files.
func TestLiveDisagrees(t *testing.T) {
	var truth float64
	t.Cleanup(func() { theGauge = 0 })
	theGauge = 0.805
	x := liveTrial(t, bench(&truth), "-source", "rig")
	x.valid(nil)
	assert.Equal(t, []energy.Reason{energy.CounterDisagrees}, x.Marks())
	assert.Equal(t, []any{"counter_disagrees"}, x.file("agg.json")["power_marks"])
	assert.Equal(t, []any{"counter_disagrees"}, x.file("side.json")["powertest"].(map[string]any)["marks"])
	assert.Contains(t, x.out, "marked: counter_disagrees")
	assert.InEpsilon(t, 1/theGauge, x.measured().Devices[0].Check.Ratio, 0.02)

	theGauge = 0.001
	x = liveTrial(t, bench(&truth), "-source", "rig")
	x.invalid("counter_disagrees")
	assert.NotContains(t, x.file("agg.json"), "power_marks")
	issues := x.file("side.json")["device_issues"].(map[string]any)
	assert.Len(t, issues, 2)
	assert.Contains(t, x.out, "invalid: counter_disagrees")
	assert.Contains(t, x.out, "millijoules under a name of joules")
	assert.InEpsilon(t, 1000, x.measured().Devices[1].Check.Ratio, 0.02, "what both say is there all the same")
}

// TestLiveMistaken: a benchmark is not run for hours to learn then that the options
// contradict themselves.
func TestLiveMistaken(t *testing.T) {
	for _, c := range []struct {
		is   error
		args []string
	}{
		{energy.ErrNoDevice, []string{"-source", "rig", "-role", "5=prefill"}},
		{energy.ErrNoDevice, []string{"-source", "rig", "-devices", "7"}},
		{energy.ErrUnknownSource, []string{"-source", "steam"}},
		{energy.ErrMalformed, []string{"-source", "rig", "-log", "gpu.csv"}},
		{energy.ErrMalformed, []string{}},
		{energy.ErrMalformed, []string{"-source", "rig", "-role", "0=a role"}},
	} {
		x := liveTrial(t, func(context.Context, []string, Streams) error { t.Error("it ran"); return nil }, c.args...)
		assert.ErrorIs(t, x.err, c.is, c.args)
	}
	x := liveTrial(t, nil, "-source", "rig")
	assert.ErrorIs(t, x.err, ErrNoCommand)
	_, err := Annotate(t.Context(), Options{Source: Source{Log: "gpu.csv"}, Result: "bench.json", Format: "wrk"})
	assert.ErrorIs(t, err, energy.ErrMalformed)
	_, err = Annotate(t.Context(), Options{Source: Source{Log: "gpu.csv"}, Format: "aiperf"})
	assert.ErrorIs(t, err, energy.ErrMalformed)
}

// TestOpened: an open source stays the caller's, and its devices are selected.
func TestOpened(t *testing.T) {
	x := newTrial(t)
	log, err := smisource.Open(smisource.Config{Path: "gpu.csv", Location: time.UTC})
	require.NoError(t, err)
	for _, devices := range [][]string{{"1"}, {"0-1"}} {
		x.Result, x.err = Annotate(t.Context(), Options{Source: Source{Opened: log}, Devices: devices, Result: "bench.json", Format: "inferencex"})
		require.NoError(t, x.err)
		require.True(t, x.Valid(), x.Findings)
		assert.False(t, x.Annotated)
		assert.Len(t, x.Measurement.Devices, len(devices[0])/2+1)
		assert.InEpsilon(t, 5000*len(x.Measurement.Devices), x.Metrics[2].Value, 1e-9)
		assert.Len(t, x.telemetry.gpus, len(x.Measurement.Devices))
	}
	_, err = Annotate(t.Context(), Options{Source: Source{Opened: log}, Devices: []string{"7"}, Result: "bench.json", Format: "inferencex"})
	assert.ErrorIs(t, err, energy.ErrNoDevice)
}

// TestTrace: a recording knows the past, and its GPUs can have roles.
func TestTrace(t *testing.T) {
	x := newTrial(t)
	synctest.Test(t, func(t *testing.T) {
		sim := simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700})
		w := energy.NewRecorder(rig{sim}).Open()
		w.Record()
		w.Resume()
		time.Sleep(3 * time.Second)
		start := time.Now()
		done := sim.Busy()
		time.Sleep(10 * time.Second)
		done()
		end := time.Now()
		time.Sleep(3 * time.Second)
		w.Measure(t.Context())
		recording := w.Recording()
		require.NoError(t, powertest.Report{SchemaVersion: powertest.SchemaVersion, Recording: &recording}.WriteFile("trace.json"))

		x := x.in(t)
		x.window(unixSeconds(start)-base, unixSeconds(end)-base)
		x.run("-trace", "trace.json", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-gpus", "2", "-role", "0-1=decode")
		x.valid(nil)
		m := x.measured()
		assert.InEpsilon(t, sim.TrueJoules(start, end), m.Energy.Joules, 0.05)
		assert.Equal(t, m.Energy, m.Roles[0].Energy)
		assert.Equal(t, counter, x.file("side.json")["integration_method"])
	})
}

// TestLiveSimulated: a simulated energy is reported, and not published.
func TestLiveSimulated(t *testing.T) {
	x := liveTrial(t, func(ctx context.Context, command []string, std Streams) error {
		var truth float64
		return bench(&truth)(ctx, command, std)
	}, "-source", "sim")
	x.invalid("simulated_source")
	assert.Contains(t, x.out, "(SIMULATED)")
	assert.True(t, x.measured().Source.Simulated)
}

// TestLiveCommandFails: the files are written, and the error is in the result.
func TestLiveCommandFails(t *testing.T) {
	var truth float64
	x := liveTrial(t, func(ctx context.Context, command []string, std Streams) error {
		return errors.Join(bench(&truth)(ctx, command, std), errors.New("exit status 3"))
	}, "-source", "rig")
	assert.ErrorContains(t, x.CommandErr, "exit status 3")
	assert.Empty(t, x.reasons(), "what it has measured until then is there")

	x = liveTrial(t, func(context.Context, []string, Streams) error { return errors.New("exit status 1") }, "-source", "rig")
	assert.Error(t, x.CommandErr)
	x.invalid("invalid_benchmark_result")
}

// TestLiveOldResult: a result that the command has not written is of another run.
func TestLiveOldResult(t *testing.T) {
	x := liveTrial(t, func(context.Context, []string, Streams) error { return nil }, "-source", "rig")
	x.invalid("invalid_benchmark_result")
	x = newTrial(t)
	x.run("-log", "gpu.csv", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC", "--", os.Args[0], "-test.run=^$")
	x.invalid("invalid_benchmark_result")
	assert.Contains(t, x.out, "it is of another run")
}

// TestLiveNotOpen: a source that is not there does not keep the benchmark from
// running.
func TestLiveNotOpen(t *testing.T) {
	ran := false
	var truth float64
	x := liveTrial(t, func(ctx context.Context, command []string, std Streams) error {
		ran = true
		return bench(&truth)(ctx, command, std)
	}, "-source", "absent")
	assert.True(t, ran)
	require.NoError(t, x.err)
	x.invalid("source_stalled")
}

// TestLiveWindowOutside: a window from before the command was not recorded.
func TestLiveWindowOutside(t *testing.T) {
	x := liveTrial(t, func(context.Context, []string, Streams) error {
		time.Sleep(10 * time.Second)
		return os.WriteFile("bench.json", fmt.Appendf(nil, `{"benchmark_start_time_unix": %d, "benchmark_end_time_unix": %d, "duration": 60.0, "completed": 7, "total_input_tokens": 100, "total_output_tokens": 200}`,
			time.Now().Unix()-65, time.Now().Unix()-5), 0o644)
	}, "-source", "rig")
	assert.Contains(t, x.reasons(), "benchmark_window_not_bracketed")
	assert.Equal(t, 0.0, x.file("agg.json")["power_valid"])
}

// TestInterrupt: a command that is interrupted ends, and so do we.
func TestInterrupt(t *testing.T) {
	if _, err := os.Stat("/bin/sleep"); err != nil {
		t.Skip("there is no sleep")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorContains(t, RunCommand(ctx, []string{"/bin/sleep", "1000"}, Streams{}), "the command /bin/sleep: ")
	assert.ErrorContains(t, RunCommand(t.Context(), []string{"no-such-command"}, Streams{}), "the command no-such-command: ")
}
