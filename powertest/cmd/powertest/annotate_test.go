package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestX18Require: strict mode fails after the files are there; otherwise a
// benchmark is not made to fail by its telemetry.
func TestX18Require(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("REQUIRE_POWER", "")
	require.NoError(t, os.WriteFile("bench.json", []byte(`{"benchmark_start_time_unix": 1700000000, "benchmark_end_time_unix": 1700000010, "duration": 10, "completed": 10, "total_input_tokens": 10000, "total_output_tokens": 2000}`), 0o644))
	annotate := func(want int, args ...string) (reasons any) {
		t.Helper()
		require.NoError(t, os.WriteFile("agg.json", []byte(`{"avg_power_w": 1}`), 0o644))
		_ = os.Remove("side.json")
		var out, errs bytes.Buffer
		args = append([]string{"annotate", "-log", "gpu.csv", "-bench", "bench.json", "-agg", "agg.json", "-sidecar", "side.json", "-tz", "UTC", "-gpus", "2"}, args...)
		assert.Equal(t, want, program.Run(t.Context(), args, command.Streams{Out: &out, Err: &errs}), errs.String())
		agg, err := os.ReadFile("agg.json")
		require.NoError(t, err)
		assert.JSONEq(t, `{"power_metric_schema_version": 2, "power_valid": 0}`, string(agg))
		text, err := os.ReadFile("side.json")
		require.NoError(t, err)
		var side map[string]any
		require.NoError(t, json.Unmarshal(text, &side))
		return side["reasons"]
	}
	assert.Equal(t, []any{"telemetry_file_missing"}, annotate(command.OK))
	assert.Equal(t, []any{"telemetry_file_missing"}, annotate(command.Failed, "-require"))
	for value, code := range map[string]int{"1": command.Failed, "TRUE": command.Failed, "yes": command.Failed, "0": command.OK, "no": command.OK} {
		t.Setenv("REQUIRE_POWER", value)
		annotate(code)
	}
}
