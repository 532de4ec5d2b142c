package annotate

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// alone measures a command on the rig, in a bubble: run stands for it.
func alone(t *testing.T, o Options, run func(ctx context.Context) error, check func(t *testing.T, r Result, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		theRig = simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700})
		t.Cleanup(func() { theRig = nil })
		if o.Source == (Source{}) {
			o.Source = Source{Name: "rig"}
		}
		if o.Command = []string{"./train.sh", "-n", "1"}; o.Run == nil {
			o.Run = func(ctx context.Context, _ []string, _ Streams) error { return run(ctx) }
		}
		r, err := Annotate(t.Context(), o)
		check(t, r, err)
	})
}

// table is what people read.
func table(t *testing.T, r Result) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.WriteTable(&b))
	return b.String()
}

// TestCommandAlone: what a command uses is measured from its start to its end, with the
// power before it known.
func TestCommandAlone(t *testing.T) {
	var truth float64
	work := func(context.Context) error {
		start, done := time.Now(), theRig.Busy()
		time.Sleep(3 * time.Second)
		done()
		truth = theRig.TrueJoules(start, time.Now())
		return nil
	}
	alone(t, Options{}, work, func(t *testing.T, r Result, err error) {
		require.NoError(t, err)
		require.True(t, r.Valid(), r.Findings)
		assert.Equal(t, 3*time.Second, r.Workload.End.Sub(r.Workload.Start))
		assert.InEpsilon(t, truth, r.Measurement.Energy.Joules, 0.01)
		assert.LessOrEqual(t, r.Measurement.Energy.Low, truth)
		assert.GreaterOrEqual(t, r.Measurement.Energy.High, truth)
		assert.Empty(t, r.Metrics, "they are InferenceX's")
		out := table(t, r)
		assert.Contains(t, out, "command  ./train.sh -n 1\nwindow   3s from 2000-01-01T00:00:")
		assert.Regexp(t, `\nenergy   \d[\d.]* J ± [\d.e-]+ % \(\d[\d.]* to \d[\d.]* J\)\npower    \d[\d.]* W\n\ndevice +energy +± +power\nGPU 0, .* J +[\d.e-]+ % +\d[\d.]* W\nGPU 1, `, out)
		for _, word := range []string{"joules per", "gpu power", "requests", "-gpus", "invalid", "withheld"} {
			assert.NotContains(t, out, word)
		}

		var record, text bytes.Buffer
		require.NoError(t, r.WriteBenchmark(&record))
		assert.Regexp(t, `(?m)^BenchmarkAnnotate/train.sh 1 3e\+09 ns/op .* J/op .* W `, record.String())
		require.NoError(t, r.WriteJSON(&text))
		var report powertest.Report
		require.NoError(t, json.Unmarshal(text.Bytes(), &report))
		assert.InEpsilon(t, r.Measurement.Energy.Joules, report.Measurement.Energy.Joules, 1e-9)
	})
}

// TestCommandFails: its energy is there all the same, with how it ended.
func TestCommandFails(t *testing.T) {
	failure := exec.Command("sh", "-c", "exit 3").Run()
	if failure == nil || !started(failure) {
		t.Skip("there is no shell")
	}
	alone(t, Options{}, func(context.Context) error { time.Sleep(3 * time.Second); return failure }, func(t *testing.T, r Result, err error) {
		require.NoError(t, err)
		assert.True(t, r.Valid())
		assert.Contains(t, table(t, r), "command  ./train.sh -n 1 (exit status 3)\n")
		assert.Equal(t, 3, ExitCode(r.CommandErr))
	})
	alone(t, Options{}, func(context.Context) error { return exec.ErrNotFound }, func(t *testing.T, r Result, err error) {
		require.NoError(t, err)
		assert.False(t, r.Measured)
		assert.Equal(t, []energy.Reason{energy.InvalidBenchmarkWindow}, r.Reasons())
		assert.Equal(t, notFound, ExitCode(r.CommandErr))
	})
}

// TestCommandTooShort: what ends within a refresh period has no number, and the advice is
// a line to paste.
func TestCommandTooShort(t *testing.T) {
	for took, advice := range map[time.Duration]string{
		time.Millisecond:        ": measure for 2s or longer (the first of them)\n  run the command 2000 times in one window:\n  -- sh -c 'for i in $(seq 2000); do \"$@\"; done' sh ./train.sh -n 1\n",
		30 * time.Millisecond:   "  run the command 67 times in one window:\n",
		1900 * time.Microsecond: "  run the command 1100 times in one window:\n",
	} {
		alone(t, Options{}, func(context.Context) error { time.Sleep(took); return nil }, func(t *testing.T, r Result, err error) {
			require.NoError(t, err)
			assert.False(t, r.Valid(), took)
			out := table(t, r)
			assert.Contains(t, out, "energy   withheld\n")
			assert.Contains(t, out, advice)
			assert.NotContains(t, out, "± is how well", "there is none")
		})
	}
}

// TestCommandInterrupted: what was measured until then is reported.
func TestCommandInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theRig = simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700})
		t.Cleanup(func() { theRig = nil })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		r, err := Annotate(ctx, Options{Source: Source{Name: "rig"}, Command: []string{"serve"}, Run: func(ctx context.Context, _ []string, _ Streams) error {
			<-ctx.Done()
			time.Sleep(time.Second) // it cleans up
			return ctx.Err()
		}})
		require.NoError(t, err)
		require.ErrorIs(t, r.CommandErr, context.Canceled)
		require.True(t, r.Valid(), r.Findings)
		assert.Equal(t, 5800*time.Millisecond, r.Workload.End.Sub(r.Workload.Start).Round(100*time.Millisecond))
	})
}

// TestInterruptedBefore: a command that was not run yet is not run any more.
func TestInterruptedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theRig = simsource.New(simsource.Config{})
		t.Cleanup(func() { theRig = nil })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := Annotate(ctx, Options{Source: Source{Name: "rig"}, Command: []string{"serve"}, Run: func(context.Context, []string, Streams) error {
			t.Error("it was run")
			return nil
		}})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "the command was not run")
	})
}

// TestSourceGone: telemetry that is not there does not keep the command from running.
func TestSourceGone(t *testing.T) {
	for name, want := range map[string]string{
		"off":    "energy   withheld\nwithheld: source_unavailable: the source is off\n  name another one, and the energy is measured\n",
		"absent": "withheld: source_stalled: absent: the server does not answer",
	} {
		ran := false
		alone(t, Options{Source: Source{Name: name}}, func(context.Context) error { ran = true; return nil }, func(t *testing.T, r Result, err error) {
			require.NoError(t, err)
			assert.True(t, ran)
			assert.Contains(t, table(t, r), want)
		})
	}
}

// TestExpectedGPUsAlone: a fleet of which half is not read uses half of the energy.
func TestExpectedGPUsAlone(t *testing.T) {
	n := 8
	alone(t, Options{ExpectedGPUs: &n}, func(context.Context) error { time.Sleep(3 * time.Second); return nil }, func(t *testing.T, r Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, []energy.Reason{energy.ExpectedGPUCountMismatch}, r.Reasons())
		assert.Contains(t, table(t, r), "energy   withheld\n")
		assert.False(t, r.Report().Valid(), "in all that is written")
	})
}

// TestWindowAlone: a window of the past, from a log.
func TestWindowAlone(t *testing.T) {
	x := newTrial(t)
	past := func(from, to float64) (Result, error) {
		at := func(s float64) time.Time { return time.UnixMilli(int64((base + s) * 1000)) }
		return Annotate(t.Context(), Options{Source: Source{Log: "gpu.csv"}, Zone: time.UTC, Window: energy.Span{Start: at(from), End: at(to)}})
	}
	r, err := past(0, 10)
	require.NoError(t, err)
	require.True(t, r.Valid(), r.Findings)
	assert.InEpsilon(t, 10000, r.Measurement.Energy.Joules, 1e-6)
	out := table(t, r)
	assert.True(t, strings.HasPrefix(out, "window  10s from 2023-11-14T22:13:20.000Z\nsource  gpu.csv\nenergy  10000 J ± "), out)
	var record bytes.Buffer
	require.NoError(t, r.WriteBenchmark(&record))
	assert.Contains(t, record.String(), "BenchmarkAnnotate/window 1 1e+10 ns/op")

	r, err = past(-100, 10)
	require.NoError(t, err)
	assert.Equal(t, []energy.Reason{energy.BenchmarkWindowNotBracketed}, r.Reasons())
	assert.Contains(t, table(t, r), "the readings do not reach back to the start of the window: the first is 1m39s later\n")

	x.log("2*0..20:500")
	r, err = past(10.2, 10.6)
	require.NoError(t, err)
	assert.True(t, r.Valid(), "it is no result that others compare")
	assert.Equal(t, []energy.Reason{energy.NoInWindowSamples}, r.Marks())
	assert.Contains(t, table(t, r), "marked: no_in_window_samples")
}

// TestForgetful: a source that does not know the past says so before it is opened.
func TestForgetful(t *testing.T) {
	window := energy.Span{Start: time.Unix(base, 0), End: time.Unix(base+10, 0)}
	for _, name := range []string{"nvml", "auto", "dcgm", "off", "smi=gpu.csv+rapl"} {
		source, arg, _ := energy.CutSource(name)
		_, err := Annotate(t.Context(), Options{Source: Source{Name: source, Arg: arg}, Window: window})
		assert.ErrorIs(t, err, ErrNoCommand, name)
	}
}

// TestMisused: options that contradict themselves.
func TestMisused(t *testing.T) {
	window := energy.Span{Start: time.Unix(base, 0), End: time.Unix(base+10, 0)}
	log := Source{Log: "gpu.csv"}
	for _, o := range []Options{
		{Source: log},
		{Source: log, Aggregate: "agg.json", Window: window},
		{Source: log, Window: energy.Span{Start: window.End, End: window.Start}},
		{Source: log, Window: window, Command: []string{"true"}},
		{Source: log, Window: window, Result: "bench.json", Format: "inferencex"},
		{Window: window},
	} {
		_, err := Annotate(t.Context(), o)
		assert.ErrorIs(t, err, energy.ErrMalformed)
	}
}
