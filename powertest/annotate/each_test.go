package annotate

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/joulebench/joulebench/smisource/smitest"
)

// aFolder makes a folder of runs: files by their paths, of which "log" and "result" stand for
// those that fit.
func aFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	log, err := smitest.Log("2*-1..11:500")
	require.NoError(t, err)
	const result = `{"benchmark_start_time_unix": 1700000000, "benchmark_end_time_unix": 1700000010, "duration": 10, "completed": 10, "total_input_tokens": 10000, "total_output_tokens": 2000}`
	root := t.TempDir()
	for path, text := range files {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		text = strings.NewReplacer("LOG", log, "RESULT", result).Replace(text)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return root
}

func each(t *testing.T, root string) Batch {
	t.Helper()
	b, err := Each(t.Context(), root, EachOptions{Options: Options{Zone: time.UTC}})
	require.NoError(t, err)
	return b
}

// TestEachLog: which log a result is of.
func TestEachLog(t *testing.T) {
	for name, c := range map[string]struct {
		files     map[string]string
		log, note string
		err       string
	}{
		"beside":   {files: map[string]string{"a/r.json": "RESULT", "a/p.csv": "LOG", "b/p.csv": "LOG"}, log: "a/p.csv"},
		"above":    {files: map[string]string{"a/x/y/r.json": "RESULT", "a/p.csv": "LOG", "p.csv": "LOG"}, log: "a/p.csv"},
		"below":    {files: map[string]string{"a/r.json": "RESULT", "a/LOGS/power/samples.csv": "LOG"}, log: "a/LOGS/power/samples.csv"},
		"artifact": {files: map[string]string{"agentic_a_b/r.json": "RESULT", "gpu_metrics_a_b/gpu_metrics.csv": "LOG"}, log: "gpu_metrics_a_b/gpu_metrics.csv"},
		"usual":    {files: map[string]string{"r.json": "RESULT", "gpu_metrics.csv": "LOG", "other.csv": "LOG"}, log: "gpu_metrics.csv", note: "gpu_metrics.csv, of 2 logs"},
		"stem":     {files: map[string]string{"c1.json": "RESULT", "gpu-c1.csv": "LOG", "gpu-c2.csv": "LOG"}, log: "gpu-c1.csv", note: "gpu-c1.csv, of 2 logs"},
		"power":    {files: map[string]string{"r.json": "RESULT", "p.csv": "LOG", "requests.csv": "start,end"}, log: "p.csv", note: "p.csv, of 2 logs"},
		"snapshot": {files: map[string]string{"r.json": "RESULT", "p.csv": "LOG", "p_energy_start.csv": "gpu,x", "p_energy_end.csv": "gpu,x"}, log: "p.csv"},
		"unclear":  {files: map[string]string{"r.json": "RESULT", "p.csv": "LOG", "q.csv": "LOG"}, err: "which log is it of? there are p.csv, q.csv"},
		"none":     {files: map[string]string{"a/r.json": "RESULT", "b/p.csv": "LOG"}, err: "there is no log beside it"},
	} {
		t.Run(name, func(t *testing.T) {
			root := aFolder(t, c.files)
			b := each(t, root)
			require.Len(t, b.Runs, 1)
			r := b.Runs[0]
			if c.err != "" {
				assert.ErrorContains(t, r.Err, c.err)
				return
			}
			require.True(t, r.Valid(), r)
			log, err := filepath.Rel(b.Root, r.Log)
			require.NoError(t, err)
			assert.Equal(t, c.log, filepath.ToSlash(log))
			assert.Equal(t, c.note, r.Note)
			assert.Equal(t, "5", r.perToken())
		})
	}
}

// TestEachAgain: the second time nothing is written, and own files are no results.
func TestEachAgain(t *testing.T) {
	root := aFolder(t, map[string]string{"a/r.json": "RESULT", "a/s.json": "RESULT", "a/agg_r.json": "{}", "a/p.csv": "LOG"})
	first := each(t, root)
	require.Len(t, first.Runs, 2)
	assert.Zero(t, first.Failed())
	times := func() (list []time.Time) {
		for _, name := range []string{"a/agg_r.json", "a/power_validation_r.json", "a/power_validation_s.json"} {
			info, err := os.Stat(filepath.Join(root, name))
			require.NoError(t, err)
			list = append(list, info.ModTime())
		}
		return list
	}
	was := times()
	require.Len(t, each(t, root).Runs, 2)
	assert.Equal(t, was, times())
}

// TestEachHostile: names are text, links lead nowhere, and one aggregate of two results is
// refused.
func TestEachHostile(t *testing.T) {
	root := aFolder(t, map[string]string{"a/r.json": "RESULT", "a/s.json": "RESULT", "a/all.json": "{}", "a/p.csv": "LOG", "x\x1b[31m ::error::/r.json": "RESULT"})
	require.NoError(t, os.Symlink("..", filepath.Join(root, "a", "loop")))
	require.NoError(t, os.Symlink("r.json", filepath.Join(root, "a", "link.json")))
	b, err := Each(t.Context(), root, EachOptions{Options: Options{Zone: time.UTC, Aggregate: "all.json"}})
	require.NoError(t, err)
	require.Len(t, b.Runs, 3)
	assert.Equal(t, 3, b.Failed())
	assert.ErrorContains(t, b.Runs[0].Err, "all.json would be of 2 results in its folder\nwithout -agg it is agg_r.json")
	var out bytes.Buffer
	require.NoError(t, b.WriteTable(&out))
	terminaltest.Check(t, "the table", out.String(), false)
	text, err := os.ReadFile(filepath.Join(root, "a", "all.json"))
	require.NoError(t, err)
	assert.Equal(t, "{}", string(text))
}

// TestEachInterrupted: what was not done is no success.
func TestEachInterrupted(t *testing.T) {
	root := aFolder(t, map[string]string{"a/r.json": "RESULT", "a/p.csv": "LOG"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Each(ctx, root, EachOptions{})
	assert.ErrorIs(t, err, context.Canceled)
}
