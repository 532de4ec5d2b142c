package annotate

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// TestOrigins: a result that says how long its run took is joined by what says when that was,
// which the output names; what that leaves open is in the interval.
func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		name, file string
		args       []string
		begins     float64 // seconds after base
		from, says string
		shifts     []float64 // by which the window may be another
	}{
		{"the time of the file", "vllm.json", []string{"-end-file"}, 0, "end-file", "its end is the time of the file, or up to 2s earlier", []float64{-2, -1, 0}},
		{"a start", "sglang.jsonl", []string{"-start", "1700000000.5"}, 0.5, "start", "its start is by -start", []float64{0}},
		{"a start in whole seconds", "sglang.jsonl", []string{"-start", "2023-11-14T22:13:20Z"}, 0, "start", "its start is by -start, or up to 1s later", []float64{0, 0.5, 1}},
		{"the date in the result", "vllm.json", []string{"-tz", "UTC"}, 1, "date", "its end is the date in the result, or up to 2s earlier and 1s later", []float64{-2, -1, 0, 0.5, 1}},
		{"when k6 wrote it", "k6-summary.json", nil, 0.5, "date", "its end is the date in the result, or up to 2s earlier", []float64{-2, -1, 0}},
		{"its own times", "guidellm.json", nil, 0, "result", "", nil},
		{"its own times before others", "k6.jsonl", []string{"-start", "17"}, 0, "result", "the result says itself when the run was", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := fixture(t, c.file)
			x := newTrial(t)
			x.log("2*-5..-1:100,0..10:500,11..16:100")
			x.write("bench.json", string(text))
			end := time.Unix(base+10, 0)
			require.NoError(t, os.Chtimes("bench.json", end, end))
			x.run(append([]string{"-log", "gpu.csv", "-bench", "bench.json", "-sidecar", "side.json", "-tz", "UTC"}, c.args...)...)
			require.NoError(t, x.err)
			require.Empty(t, x.reasons(), x.out)
			assert.Contains(t, x.out, c.says)
			assert.Equal(t, time.Unix(base, int64(c.begins*1e9)).UTC(), x.Workload.Start.UTC())
			window := x.powertest("window").(map[string]any)
			assert.Equal(t, c.from, window["from"])
			e := x.Measurement.Energy
			assert.InDelta(t, 10000, e.Joules, 800*c.begins+1)
			if window["from"] == "result" {
				return
			}
			low, high := math.Inf(1), math.Inf(-1)
			for _, by := range c.shifts {
				x.run("-log", "gpu.csv", "-bench", "bench.json", "-sidecar", "side.json", "-tz", "UTC", "-start", fmt.Sprintf("%.6f", base+c.begins+by+1e-6))
				require.Empty(t, x.reasons())
				low, high = min(low, x.Measurement.Energy.Low), max(high, x.Measurement.Energy.High)
			}
			assert.LessOrEqual(t, e.Low, low+1)
			assert.GreaterOrEqual(t, e.High, high-1)
			assert.InDelta(t, low, e.Low, 1000, "no wider than the stretches are long")
			assert.InDelta(t, high, e.High, 1000)
		})
	}
}

// TestOriginBurst: a burst between the places at which a window may have begun is in its
// interval.
func TestOriginBurst(t *testing.T) {
	end := time.Unix(base+10, 0)
	w := Workload{Start: end.Add(-10 * time.Second), End: end, Origin: Origin{Early: 60 * time.Second}}
	least, most := w.Span(), w.Span()
	burst := energy.Span{Start: time.Unix(base-40, 0), End: time.Unix(base-36, 0)}
	seen := false
	for _, s := range w.windows() {
		if s.Start.Before(least.Start) {
			least = s
		}
		if s.End.Sub(s.Start) > most.End.Sub(most.Start) {
			most = s
		}
		seen = seen || !s.Start.After(burst.Start) && !s.End.Before(burst.End)
	}
	once := map[energy.Span]bool{}
	for _, s := range w.windows() {
		assert.False(t, once[s], "%v is measured twice", s)
		once[s] = true
	}
	assert.True(t, seen, "some window holds all of the burst")
	assert.Equal(t, end.Add(-70*time.Second), least.Start)
	assert.Equal(t, 25*time.Second, most.End.Sub(most.Start))
}

// TestOriginMessages: what lacks a window says which flag gives it one; what contradicts
// itself is not joined.
func TestOriginMessages(t *testing.T) {
	for _, c := range []struct {
		file, says string
		at         float64
		args       []string
	}{
		{"vllm.json", "it says that the run took 10 s, and not when\nits date, 20231114-221331, has no zone: -tz says of which it is, for instance -tz Europe/Berlin or -tz +0200; or -end-now if it has just ended, -end-file if", 10, nil},
		{"sglang.jsonl", "it says that the run took 10 s, and not when\n-end-now if it has just ended, -end-file if the file is as old as that, or -start TIME says when it began", 10, nil},
		{"genai-perf.json", "and not when\nprofile_export.json beside it has the times, and is read here; or -end-now", 10, nil},
		{"k6-export.json", "and not when\n--out json=FILE of k6 has the times; or -end-now", 10, nil},
		{"sglang.jsonl", "-end-now: the run has not just ended: bench.json was written", 10, []string{"-end-now"}},
		{"vllm.json", "-end-file: the file was written 1h59m59s after the date that is in it: it was copied", 7210, []string{"-end-file", "-tz", "UTC"}},
		{"guidellm.json", "bench.json is of 3 runs, and there is none with the number 4", 10, []string{"-run", "4"}},
	} {
		text := fixture(t, c.file)
		t.Run(c.says, func(t *testing.T) {
			x := newTrial(t)
			x.write("bench.json", string(text))
			at := time.Unix(base, 0).Add(time.Duration(c.at * float64(time.Second)))
			require.NoError(t, os.Chtimes("bench.json", at, at))
			x.run(append([]string{"-log", "gpu.csv", "-bench", "bench.json", "-sidecar", "side.json"}, c.args...)...)
			require.NoError(t, x.err)
			assert.False(t, x.Valid())
			require.NotEmpty(t, x.Findings)
			assert.Contains(t, x.Findings[0].Detail, c.says)
		})
	}
}

// TestFileOfALiveRun: the result that a command has written ends when it was written, and no
// earlier than the command began.
func TestFileOfALiveRun(t *testing.T) {
	text := fixture(t, "sglang.jsonl")
	x := newTrial(t)
	require.NoError(t, os.Remove("bench.json"))
	var truth, shifted float64
	synctest.Test(t, func(t *testing.T) {
		theRig = simsource.New(simsource.Config{GPUs: 2, Idle: 100, Peak: 700})
		t.Cleanup(func() { theRig = nil })
		inner := x.in(t)
		inner.live(func(_ context.Context, _ []string, _ Streams) error {
			time.Sleep(1500 * time.Millisecond)
			start := time.Now()
			done := theRig.Busy()
			time.Sleep(10 * time.Second)
			done()
			end := time.Now()
			truth = theRig.TrueJoules(start, end)
			shifted = theRig.TrueJoules(start.Add(-1500*time.Millisecond), end.Add(-1500*time.Millisecond))
			require.NoError(t, os.WriteFile("bench.json", text, 0o644))
			return os.Chtimes("bench.json", end, end)
		}, "-source", "rig", "-bench", "bench.json", "-sidecar", "side.json")
		x.Result, x.err, x.out = inner.Result, inner.err, inner.out
	})
	require.NoError(t, x.err)
	require.Empty(t, x.reasons(), x.out)
	assert.Contains(t, x.out, "its end is the time of the file, or up to 1.5s earlier")
	e := x.Measurement.Energy
	assert.InEpsilon(t, truth, e.Joules, 0.01)
	assert.InEpsilon(t, shifted, e.Low, 0.02)
	assert.LessOrEqual(t, e.Low, shifted)
	assert.GreaterOrEqual(t, e.High, truth)
	assert.Len(t, x.Measurement.Devices, 2)
}
