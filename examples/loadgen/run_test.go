package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/joulebench/joulebench/internal/chat"
	"github.com/joulebench/joulebench/internal/chat/chattest"
	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/simsource"
)

// runBriefly runs the program for a moment of a bubble's time, with its server in
// memory, and POWERTEST_SOURCE in the real environment too, where package powertest
// reads it.
func runBriefly(t *testing.T, args, source string, pairs ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("POWERTEST_SOURCE", source)
	t.Setenv("POWERTEST_STRICT", "")
	var out, err bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		gpu, failure := energy.Open("sim", "", nil) // on the clock of the bubble
		require.NoError(t, failure)
		defer gpu.Close()
		inMemory := func(c config) (*chat.Client, func(), error) {
			settings := chat.Config{Key: c.key, Model: c.model, CountChunks: true}
			return chattest.Client(t, chat.NewHandler(simsource.Default()), settings), func() {}, nil
		}
		code = run(t.Context(), inMemory, strings.Fields(args), &out, &err, environment(append(pairs, "POWERTEST_SOURCE", source)...))
	})
	return code, out.String(), err.String()
}

const moment = "-benchfmt - -users 1 -duration 300ms -warmup 0s -prompt 5 -max-tokens 3"

// TestRun: the program with its embedded server, from its flags to its files.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports.json")
	code, stdout, stderr := runBriefly(t, "-benchfmt - -users 1,8 -duration 1s -warmup 200ms -prompt 20 -max-tokens 10 -json "+file, "")
	require.Equal(t, ok, code, stderr)
	requireRun(t, []byte(stdout), stderr, file)
}

// TestServerWithoutGPU: a real server whose GPU cannot be read is measured without
// joules, and the reason is said once.
func TestServerWithoutGPU(t *testing.T) {
	for _, source := range []string{"nvml=/there/is/none.so", "dcgm=http://127.0.0.1:1"} {
		code, stdout, stderr := runBriefly(t, moment, source, "OPENAI_BASE_URL", "http://memory/v1/", "OPENAI_API_KEY", "sesame")
		assert.Equal(t, ok, code, stderr)
		assert.Equal(t, 1, strings.Count(stderr, "going on without an energy measurement: "), stderr)
		assert.Contains(t, stdout, "BenchmarkLoadgen/users=1 ")
		assert.NotContains(t, stdout, "J/op")
		assert.NotContains(t, stdout+stderr, "sesame")
		assert.NotContains(t, stdout, "model:", "none was named")
	}
}

// TestMalformedSource: what cannot be right is not passed over.
func TestMalformedSource(t *testing.T) {
	for _, source := range []string{"joules", "nvml="} {
		code, stdout, stderr := runBriefly(t, moment, source)
		assert.Equal(t, failed, code)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, "choose one that is linked in: auto (the default), dcgm, nvml, off, prometheus, rapl, sim, smi")
	}
}

// TestOff: nothing is measured where nothing is to be.
func TestOff(t *testing.T) {
	code, stdout, stderr := runBriefly(t, moment, "off")
	assert.Equal(t, ok, code)
	assert.NotContains(t, stdout, "J/op")
	assert.NotContains(t, stderr, "simulated", stderr)
}

func TestMalformedURL(t *testing.T) {
	var stderr strings.Builder
	assert.Equal(t, failed, run(t.Context(), connect, strings.Fields(moment), nil, &stderr, environment("OPENAI_BASE_URL", "localhost:8000")))
	assert.Contains(t, stderr.String(), "write it as http://HOST:PORT or https://HOST/v1")
}

// readRecords reads the benchmark records in the output, as benchstat does. All
// lines that it takes for configuration must be meant as such.
func readRecords(t *testing.T, out []byte) (list []*benchfmt.Result) {
	t.Helper()
	meant := []string{"model", "prompt-words", "max-tokens", "slo-ttft", "slo-itl", "energy-source", "gpu", "gpus", "power-limit"}
	r := benchfmt.NewReader(bytes.NewReader(out), "loadgen")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Errorf("%v in\n%s", rec, out)
		case *benchfmt.Result:
			list = append(list, rec.Clone())
			for _, c := range rec.Config {
				if c.File {
					assert.Contains(t, meant, c.Key)
				}
			}
			assert.Equal(t, "simulated", rec.GetConfig("energy-source"))
			assert.Equal(t, "embedded", rec.GetConfig("model"))
		}
	}
	require.NoError(t, r.Err())
	return list
}

// requireRun checks what a run with 1 and with 8 users writes.
func requireRun(t *testing.T, stdout []byte, stderr, file string) {
	t.Helper()
	assert.Regexp(t, `(?m)^ *users +req/s +tokens/s +TTFT-p99-ms +SLO-% +W +tokens/J +±% +errors$`, stderr)
	assert.NotContains(t, string(stdout), "Note: ")
	records := readRecords(t, stdout)
	require.Len(t, records, 2)
	for i, name := range []string{"Loadgen/users=1", "Loadgen/users=8"} {
		assert.Equal(t, name, string(records[i].Name.Full()))
		for _, unit := range []string{"tokens/s", "p99-ttft-sec", "p50-itl-sec"} {
			v, found := records[i].Value(unit)
			assert.True(t, found && v > 0, "%s of %s", unit, name)
		}
	}
	assert.Equal(t, 2, strings.Count(stderr, "loadgen: users="), "%s", stderr)
	assert.Contains(t, stderr, "its GPU simulated")
	var reports []powertest.Report
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &reports))
	require.Len(t, reports, 2)
	assert.Equal(t, "simulated", reports[1].Source)
}
