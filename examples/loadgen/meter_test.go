package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/simsource"
)

// runBriefly runs the program for a moment, with POWERTEST_SOURCE in the real
// environment too, where package powertest looks for it.
func runBriefly(t *testing.T, source string, pairs ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("POWERTEST_SOURCE", source)
	t.Setenv("POWERTEST_STRICT", "")
	var out, err bytes.Buffer
	args := strings.Fields("-users 1 -duration 300ms -warmup 0s -prompt 5 -max-tokens 3")
	code = run(t.Context(), args, &out, &err, environment(append(pairs, "POWERTEST_SOURCE", source)...))
	return code, out.String(), err.String()
}

// TestServerWithoutGPU: a real server whose GPU cannot be read is measured without
// joules, and the reason is said once.
func TestServerWithoutGPU(t *testing.T) {
	server, err := chat.Serve(simsource.New(simsource.Config{}))
	require.NoError(t, err)
	defer server.Close()
	for _, source := range []string{"nvml=/there/is/none.so", "dcgm=http://127.0.0.1:1"} {
		code, stdout, stderr := runBriefly(t, source, "OPENAI_BASE_URL", server.URL+"/v1/", "OPENAI_API_KEY", "sesame")
		assert.Equal(t, ok, code, stderr)
		assert.Equal(t, 1, strings.Count(stderr, "going on without joules: "), stderr)
		assert.Contains(t, stdout, "BenchmarkLoadgen/users=1 ")
		assert.NotContains(t, stdout, "J/op")
		assert.NotContains(t, stdout+stderr, "sesame")
		assert.NotContains(t, stdout, "model:", "none was named")
	}
}

// TestMalformedSource: what cannot be right is not passed over.
func TestMalformedSource(t *testing.T) {
	for _, source := range []string{"joules", "nvml="} {
		code, stdout, stderr := runBriefly(t, source)
		assert.Equal(t, failed, code)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, "choose one that is linked in: dcgm, nvml (the default), off, prometheus, sim, smi")
	}
}

// TestOff: nothing is measured where nothing is to be.
func TestOff(t *testing.T) {
	code, stdout, stderr := runBriefly(t, "off")
	assert.Equal(t, ok, code)
	assert.NotContains(t, stdout, "J/op")
	assert.NotContains(t, stderr, "simulated", stderr)
}

func TestMalformedURL(t *testing.T) {
	code, _, stderr := runBriefly(t, "off", "OPENAI_BASE_URL", "localhost:8000")
	assert.Equal(t, failed, code)
	assert.Contains(t, stderr, "write it as http://HOST:PORT or https://HOST/v1")
}
