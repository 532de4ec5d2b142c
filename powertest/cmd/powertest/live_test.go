package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rig is a source that does not know the past. It stands for real GPUs, and so
// does not say that it is simulated.
type rig struct{ *simsource.Source }

func (rig) Info() energy.Info { return energy.Info{Name: "rig", Period: 100 * time.Millisecond} }

var theRig *simsource.Source

func init() {
	energy.Register("rig", func(string, []string) (energy.Source, error) {
		if theRig == nil {
			return nil, fmt.Errorf("rig: nothing is connected: %w", energy.ErrStalled)
		}
		return rig{theRig}, nil
	})
}

// liveTrial runs annotate on a rig, in a bubble, with exec in place of a command.
func liveTrial(t *testing.T, exec runner, args ...string) (code int, x *trial) {
	x = newTrial(t)
	require.NoError(t, os.Remove("bench.json"))
	synctest.Test(t, func(t *testing.T) {
		theRig = simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700})
		t.Cleanup(func() { theRig = nil })
		inner := x.in(t)
		inner.live(exec, args...)
		x.code, x.out, x.errs = inner.code, inner.out, inner.errs
	})
	return x.code, x
}

// bench is a command that benchmarks the rig for ten seconds, and idles before and
// after. truth becomes the energy that it used.
func bench(truth *float64) runner {
	return func(_ context.Context, _ []string, std stdio) error {
		fmt.Fprintln(std.out, "benchmarking")
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
	code, x := liveTrial(t, bench(&truth), "-source", "rig", "-gpus", "2")
	require.Equal(t, exitOK, code, x.errs)
	assert.Empty(t, x.reasons())
	e := x.powertest("energy").(map[string]any)
	assert.InEpsilon(t, truth, e["joules"], 0.01)
	assert.LessOrEqual(t, e["low"], truth)
	assert.GreaterOrEqual(t, e["high"], truth)
	assert.Equal(t, counter, x.file("side.json")["integration_method"])
	assert.InEpsilon(t, truth/7, x.file("agg.json")["joules_per_successful_query"], 0.01)
	assert.Contains(t, x.out, "benchmarking\n")
}

// TestLiveSimulated: joules that nobody used are told, and not published.
func TestLiveSimulated(t *testing.T) {
	_, x := liveTrial(t, func(ctx context.Context, command []string, std stdio) error {
		var truth float64
		return bench(&truth)(ctx, command, std)
	}, "-source", "sim")
	x.invalid("simulated_source")
	assert.Contains(t, x.out, "(SIMULATED)")
	assert.Equal(t, true, x.powertest("source").(map[string]any)["simulated"])
}

// TestLiveCommandFails: the files are written, and the exit code tells.
func TestLiveCommandFails(t *testing.T) {
	var truth float64
	code, x := liveTrial(t, func(ctx context.Context, command []string, std stdio) error {
		return errors.Join(bench(&truth)(ctx, command, std), errors.New("exit status 3"))
	}, "-source", "rig")
	assert.Equal(t, exitFailed, code)
	assert.Contains(t, x.errs, "exit status 3")
	assert.Empty(t, x.reasons(), "what it has measured until then is there")

	code, x = liveTrial(t, func(context.Context, []string, stdio) error { return errors.New("exit status 1") }, "-source", "rig")
	assert.Equal(t, exitFailed, code)
	x.invalid("invalid_benchmark_result")
}

// TestLiveOldResult: a result that the command has not written is of another run.
func TestLiveOldResult(t *testing.T) {
	_, x := liveTrial(t, func(context.Context, []string, stdio) error { return nil }, "-source", "rig")
	x.invalid("invalid_benchmark_result")
	x = newTrial(t)
	x.run("-log", "gpu.csv", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC", "--", "go", "version")
	x.invalid("invalid_benchmark_result")
	assert.Contains(t, x.out, "it tells of another run")
}

// TestLiveNotOpen: a source that is not there does not keep the benchmark from
// running.
func TestLiveNotOpen(t *testing.T) {
	ran := false
	var truth float64
	code, x := liveTrial(t, func(ctx context.Context, command []string, std stdio) error {
		ran = true
		return bench(&truth)(ctx, command, std)
	}, "-source", "dcgm=http://127.0.0.1:1/metrics")
	assert.True(t, ran)
	assert.Equal(t, exitOK, code)
	x.invalid("source_stalled")
}

// TestLiveWindowOutside: a window from before the command was not recorded.
func TestLiveWindowOutside(t *testing.T) {
	_, x := liveTrial(t, func(context.Context, []string, stdio) error {
		time.Sleep(10 * time.Second)
		return os.WriteFile("bench.json", fmt.Appendf(nil, `{"benchmark_start_time_unix": %d, "benchmark_end_time_unix": %d, "duration": 60.0, "completed": 7, "total_input_tokens": 100, "total_output_tokens": 200}`,
			time.Now().Unix()-65, time.Now().Unix()-5), 0o644)
	}, "-source", "rig")
	assert.Contains(t, x.reasons(), "benchmark_window_not_bracketed")
	assert.Equal(t, 0.0, x.file("agg.json")["power_valid"])
}

// TestClockStep: clocks drift, and are set.
func TestClockStep(t *testing.T) {
	assert.Empty(t, clockStep(time.Hour+300*time.Millisecond, time.Hour))
	assert.Empty(t, clockStep(10*time.Second-200*time.Millisecond, 10*time.Second))
	for _, wall := range []time.Duration{11 * time.Second, 9 * time.Second, -time.Hour} {
		found := clockStep(wall, 10*time.Second)
		require.Len(t, found, 1)
		assert.Equal(t, energy.ClockStep, found[0].Reason)
	}
}

// TestInterrupt: a command that is interrupted ends, and so do we.
func TestInterrupt(t *testing.T) {
	if _, err := os.Stat("/bin/sleep"); err != nil {
		t.Skip("there is no sleep")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorContains(t, runCommand(ctx, []string{"/bin/sleep", "1000"}, stdio{}), "the command /bin/sleep: ")
	assert.ErrorContains(t, runCommand(t.Context(), []string{"no-such-command"}, stdio{}), "the command no-such-command: ")
}
