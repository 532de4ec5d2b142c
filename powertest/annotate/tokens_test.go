package annotate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// engine is the network, with an inference server on it that counts.
type engine struct{ output, running atomic.Int64 }

func (e *engine) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(2 * time.Millisecond)
	page := fmt.Sprintf("vllm:generation_tokens_total %d\nvllm:num_requests_running %d\n", e.output.Load(), e.running.Load())
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(page)), Request: r}, nil
}

// TestTokens: a server's page is read while the command runs, and what it counted in the window
// stands beside the harness's result.
func TestTokens(t *testing.T) {
	network := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = network })
	e := &engine{}
	http.DefaultTransport = e
	claimed := 200
	command := func(_ context.Context, _ []string, std Streams) error {
		e.output.Add(5000) // of a warm-up
		time.Sleep(1700 * time.Millisecond)
		start := time.Now()
		done := theRig.Busy()
		e.running.Store(1)
		for range 200 {
			time.Sleep(50 * time.Millisecond)
			e.output.Add(1)
		}
		e.running.Store(0)
		done()
		end := time.Now()
		time.Sleep(1300 * time.Millisecond)
		return os.WriteFile("bench.json", fmt.Appendf(nil, `{"benchmark_start_time_unix": %d.%09d, "benchmark_end_time_unix": %d.%09d, "duration": 10.0, "completed": 100, "total_input_tokens": 100, "total_output_tokens": %d}`,
			start.Unix(), start.Nanosecond(), end.Unix(), end.Nanosecond(), claimed), 0o644)
	}
	x := liveTrial(t, command, "-source", "rig", "-tokens", "vllm=http://engine:8000", "-benchfmt", "bench.txt")
	x.valid(nil)
	require.NotNil(t, x.Server)
	require.NotNil(t, x.Server.Output, "%v", x.Server.Reasons)
	output := x.Server.Output
	assert.True(t, output.Low <= 200.5 && output.High >= 199.5, "%v", output)
	assert.Empty(t, x.Marks())
	assert.Contains(t, x.out, "by vllm at http://engine:8000/metrics")
	assert.Contains(t, x.out, "J per output token (")
	assert.NotNil(t, x.powertest("server"))
	record, err := os.ReadFile("bench.txt")
	require.NoError(t, err)
	assert.Contains(t, string(record), "tokens-err-%")

	claimed = 400
	x = liveTrial(t, command, "-source", "rig", "-tokens", "vllm=http://engine:8000")
	x.valid(nil)
	assert.Equal(t, []energy.Reason{energy.TokenMismatch}, x.Marks(), "%+v", x.Server)
	assert.Equal(t, []any{"token_mismatch"}, x.file("agg.json")["power_marks"])
	assert.Contains(t, x.out, "the client counted 400 output tokens")

	x = liveTrial(t, nil, "-trace", "none.json", "-tokens", "vllm=http://engine:8000")
	assert.ErrorIs(t, x.err, ErrNoCommand)
	x = liveTrial(t, nil, "-trace", "none.json", "-tokens", "ollama=http://u:hunter2@engine")
	require.ErrorIs(t, x.err, energy.ErrMalformed)
	assert.NotContains(t, x.err.Error(), "hunter2")
}
