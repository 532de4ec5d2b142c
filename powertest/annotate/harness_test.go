package annotate

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/metrictable"
	"github.com/joulebench/joulebench/powertest/energy"
)

// fixture is a file of testdata/results.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "results", name))
	require.NoError(t, err)
	return text
}

// read reads a text as a result.
func read(t testing.TB, text []byte) (harness, []outcome) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "anything")
	require.NoError(t, os.WriteFile(path, text, 0o644))
	return readResult(input{path, time.UTC}, "")
}

// fixtures are the results, with what reads them and what their last run has: the runs, whether
// there is a window, seconds, concurrency, rate, latency, and the model.
var fixtures = []struct {
	file, harness string
	runs          int
	window        bool
	concurrency   int64
	rate, latency float64
	model         string
	tokens        bool
	good          float64
}{
	{"vllm.json", "vllm", 1, false, 4, 0, 0, "example/llama-8b", true, 0},
	{"vllm-detailed.json", "vllm", 1, false, 4, 4, 3.5, "example/llama-8b", true, 8},
	{"vllm-append.json", "vllm", 2, false, 4, 0, 0, "example/llama-8b", true, 0},
	{"sglang.jsonl", "sglang", 2, false, 4, 4, 3.5, "", true, 0},
	{"guidellm.json", "guidellm", 3, true, 4, 0, 3.5, "example/llama-8b", true, 0},
	{"aiperf.json", "aiperf", 1, true, 4, 0, 3.5, "", true, 0},
	{"aiperf-records.jsonl", "aiperf-records", 1, true, 0, 0, 2.2, "", true, 0},
	{"genai-perf.json", "genai-perf", 1, false, 4, 0, 3.5, "", true, 0},
	{"genai-perf-raw.json", "genai-perf-raw", 2, true, 4, 0, 2, "", false, 0},
	{"k6-export.json", "k6-summary", 1, false, 4, 0, 3.5, "", true, 0},
	{"k6-handle.json", "k6-summary", 1, false, 4, 0, 3.5, "", true, 0},
	{"k6-summary.json", "k6-summary", 1, false, 4, 0, 3.5, "", true, 0},
	{"k6.jsonl", "k6", 1, true, 4, 0, 2, "", true, 0},
	{"vegeta-report.json", "vegeta-report", 1, true, 0, 1.7142857142857142, 3.5, "", false, 0},
	{"vegeta.jsonl", "vegeta", 1, true, 0, 0, 3, "", false, 0},
	{"inferencex.json", "inferencex", 1, true, 4, 0, 0, "", true, 0},
}

// TestHarnesses: each result is known by its content, and gives what it has.
func TestHarnesses(t *testing.T) {
	start := time.Unix(base, 0).UTC()
	for _, c := range fixtures {
		t.Run(c.file, func(t *testing.T) {
			h, list := read(t, fixture(t, c.file))
			require.Equal(t, c.harness, h.name)
			require.Len(t, list, c.runs)
			x := list[len(list)-1]
			require.Empty(t, x.found)
			assert.Equal(t, c.window, x.HasWindow())
			if c.window {
				assert.Equal(t, start, x.Start.UTC())
				assert.Equal(t, start.Add(10*time.Second), x.End.UTC())
			}
			assert.InDelta(t, 10, x.Seconds, 1e-9)
			assert.EqualValues(t, 10, x.Requests)
			want := [2]int64{}
			if c.tokens {
				want = [2]int64{10000, 2000}
			}
			assert.Equal(t, want, [2]int64{x.InputTokens, x.OutputTokens})
			assert.Equal(t, c.concurrency, x.Concurrency)
			assert.InDelta(t, c.rate, x.Rate, 1e-9)
			assert.InDelta(t, c.latency, x.Latency, 1e-9)
			assert.Equal(t, c.model, x.Model)
			assert.Equal(t, c.good, x.GoodRequests)
			if c.harness != "inferencex" && c.file != "sglang.jsonl" && c.harness != "genai-perf" {
				assert.Contains(t, fmt.Sprint(x.Notes), "2 requests failed")
			}
		})
	}
}

// TestSpellings: PowerShell's UTF-16 and byte-order marks, CRLF and gzip are the same result.
func TestSpellings(t *testing.T) {
	wide := func(order func([]byte, uint16) []byte, text []byte) []byte {
		out := order(nil, 0xfeff)
		for _, u := range utf16.Encode([]rune(string(text))) {
			out = order(out, u)
		}
		return out
	}
	little := func(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) }
	big := func(b []byte, u uint16) []byte { return append(b, byte(u>>8), byte(u)) }
	for _, c := range fixtures {
		text := fixture(t, c.file)
		_, want := read(t, text)
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write(text)
		require.NoError(t, w.Close())
		for name, spelled := range map[string][]byte{
			"UTF-8 with a mark":    append([]byte("\ufeff"), text...),
			"UTF-16 little endian": wide(little, text),
			"UTF-16 big endian":    wide(big, text),
			"CRLF":                 bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
			"gzip":                 z.Bytes(),
		} {
			h, got := read(t, spelled)
			assert.Equal(t, c.harness, h.name, "%s: %s", c.file, name)
			assert.Equal(t, want, got, "%s: %s", c.file, name)
		}
	}
}

// TestBadResults: what is wrong is said, and with what to do where something can be done.
func TestBadResults(t *testing.T) {
	cut := func(file string, by int) string { text := fixture(t, file); return string(text[:len(text)-by]) }
	replace := func(file string, pairs ...string) string {
		text := string(fixture(t, file))
		for i := 0; i < len(pairs); i += 2 {
			require.Contains(t, text, pairs[i], file)
			text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
		}
		return text
	}
	for _, c := range []struct{ text, says string }{
		{"", "it is empty\nthe run may have failed"},
		{"\n \n", "it is empty\nthe run may have failed"},
		{`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}`, "it begins with the keys a, b, c, d, e, f, …\nread are the results of InferenceX"},
		{`{}`, "it has no keys\nread are"},
		{`[1, 2]`, "it is not a JSON object"},
		{"seq,code\n1,2\n", `it begins with "seq,code"; read are`},
		{"\x0e\xff\x81\x00\x01", "vegeta encode -to json"},
		{replace("vllm.json", `"duration": 10.0`, `"duration": NaN`), "duration is NaN: it must be a time in seconds"},
		{replace("vllm.json", `"duration": 10.0`, `"duration": -10.0`), "duration is -10.0: it must be"},
		{replace("vllm.json", `"duration": 10.0`, `"duration": 1e300`), "duration is 1e300: it must be"},
		{replace("vllm.json", `"duration": 10.0`, `"duration": 10.0, "duration": -1`), "duration is -1: it must be"},
		{replace("sglang.jsonl", `"duration": 10.0`, `"duration": Infinity`), "duration is Infinity: it must be"},
		{replace("vllm.json", `"completed": 10`, `"completed": 0`), "completed is 0: it must be a positive integer"},
		{replace("vllm.json", `2000`, `-2000`), "total_output_tokens is -2000: it must be"},
		{replace("sglang.jsonl", `"total_input_tokens": 10000`, `"total_input_tokens": 10000.5`), "total_input_tokens is 10000.5: it must be"},
		{cut("vllm-append.json", 30), "what follows run 1: it is cut off"},
		{cut("sglang.jsonl", 30), "what follows run 1: it is cut off"},
		{cut("vllm.json", 30), "it is cut off"},
		{cut("guidellm.json", 30), "it is cut off"},
		{cut("vegeta-report.json", 30), "it is cut off"},
		{replace("guidellm.json", `"duration": 10.0`, `"duration": 20.0`), "the benchmark timed 20 s, and there are 10 s"},
		{replace("guidellm.json", `"start_time": 1700000000.0`, `"start_time": "noon"`), `start_time is "noon": it must be the time in seconds`},
		{replace("guidellm.json", `"end_time": 1700000010.0`, `"end_time": 1699999990.0`), "the benchmark ends 10s before it starts"},
		{`{"metadata": {}, "benchmarks": []}`, "benchmarks is empty"},
		{`{"metadata": {}, "benchmarks": [3]}`, "a benchmark: it is not a JSON object"},
		{replace("vegeta-report.json", `13:30+01:00`, `13:10+01:00`), "the attack ends 10s before it starts"},
		{replace("vegeta-report.json", `2023-11-14T23:13:30`, `9999-11-14T23:13:30`), "which no clock shows"},
		{replace("vegeta-report.json", `"wait": 3000000000`, `"wait": 9000000000`), "the benchmark timed 16 s, and there are 10 s"},
		{replace("vegeta-report.json", `"success": 0.8333333333333334`, `"success": 0`), "success is 0: it must be the share"},
		{replace("vegeta-report.json", `"success": 0.8333333333333334`, `"success": 7`), "success is 7: it must be the share"},
		{replace("vegeta.jsonl", `"code":200`, `"code":500`), "none of 12 requests succeeded"},
		{replace("vegeta.jsonl", `"latency":3000000000`, `"latency":-1`), "line 1: timestamp or latency is missing or negative"},
		{replace("k6-export.json", `"count": 12`, `"count": -12`), "no request or iteration succeeded"},
		{replace("k6.jsonl", `"value":2000,`, `"value":-2000,`), "http_req_duration has no time, or the value -2000"},
		{replace("genai-perf-raw.json", `"timestamp": 17`, `"timestamp": -17`), "must be a time in ns since 1970"},
		{replace("genai-perf.json", `"avg": 10.0`, `"avg": 0`), "request_count is not a positive whole number"},
		{`{"experiments": [], "service_kind": "openai"}`, "experiments are []: there must be one"},
		{replace("aiperf-records.jsonl", `"request_start_ns": 17`, `"request_start_ns": -17`), "must be a time in ns since 1970"},
	} {
		_, list := read(t, []byte(c.text))
		x := list[len(list)-1]
		require.NotEmpty(t, x.found, c.says)
		assert.Contains(t, x.found[0].Detail, c.says)
	}
}

// TestLines: a file of lines may be cut off at its end, and not be wrong elsewhere.
func TestLines(t *testing.T) {
	for _, file := range []string{"k6.jsonl", "vegeta.jsonl", "aiperf-records.jsonl"} {
		text := fixture(t, file)
		_, whole := read(t, text)
		_, list := read(t, text[:len(text)-9])
		x := list[0]
		require.Empty(t, x.found, file)
		assert.Contains(t, fmt.Sprint(x.Notes), "is cut off and does not count", file)
		assert.LessOrEqual(t, x.Requests, whole[0].Requests)
		rows := bytes.Count(text, []byte("\n"))
		_, list = read(t, append(append(bytes.Clone(text), "{\"vus\": \n"...), text...))
		require.NotEmpty(t, list[0].found, file)
		assert.Contains(t, list[0].found[0].Detail, fmt.Sprintf("line %d: ", rows+1), file)
		assert.False(t, list[0].HasWindow())
		_, list = read(t, append(bytes.Clone(text), bytes.Repeat([]byte(" "), maxLine+1)...))
		require.NotEmpty(t, list[0].found, file)
		assert.Contains(t, list[0].found[0].Detail, "it has more than")
	}
}

// A repeater is a text so many times, and keeps how large the heap has become.
type repeater struct {
	text  []byte
	left  int
	rest  []byte
	reads int
	most  uint64
}

func (r *repeater) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left, r.rest = r.left-1, r.text
	}
	if r.reads++; r.reads%50 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		r.most = max(r.most, m.HeapAlloc)
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestLinesAreStreamed: what a file of lines takes does not grow with it.
func TestLinesAreStreamed(t *testing.T) {
	for _, c := range []struct {
		h    harness
		file string
	}{{k6LinesHarness, "k6.jsonl"}, {vegetaLinesHarness, "vegeta.jsonl"}, {aiperfRecordsHarness, "aiperf-records.jsonl"}} {
		const times = 400
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := &repeater{text: fixture(t, c.file), left: times}
		x := c.h.lines(&lines{r: bufio.NewReaderSize(r, maxLine)})
		require.Empty(t, x.found)
		assert.EqualValues(t, 10*times, x.Requests)
		require.NotZero(t, r.most)
		assert.Less(t, r.most, before.HeapAlloc+4<<20, "%s: %d MB were read", c.file, times*len(r.text)>>20)
	}
}

// FuzzHarnesses: no file makes a reader panic, and what is accepted is plausible.
func FuzzHarnesses(f *testing.F) {
	for _, c := range fixtures {
		f.Add(fixture(f, c.file))
	}
	f.Add([]byte(`{"metric":"vus","type":"Point","data":{"time":"2023-11-14T22:13:20Z","value":1e308}}` + "\n" + `{"metric":"http_req_duration","type":"Point","data":{"time":"9999-11-14T22:13:20Z","value":-0}}`))
	f.Add([]byte("\xff\xfe{\x00}\x00"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "result")
		require.NoError(t, os.WriteFile(path, text, 0o644))
		_, list := readResult(input{path, nil}, "")
		require.NotEmpty(t, list)
		for _, x := range list {
			require.GreaterOrEqual(t, min(x.Requests, x.InputTokens, x.OutputTokens, x.Concurrency), int64(0))
			require.True(t, metrictable.Finite(x.Seconds) && metrictable.Finite(x.Latency) && metrictable.Finite(x.Rate))
			require.GreaterOrEqual(t, min(x.Seconds, x.Latency, x.Rate), 0.0)
			if !x.HasWindow() {
				x = Options{Result: path, RunEnd: EndOfFile}.place(x)
			}
			if !x.HasWindow() {
				require.NotEmpty(t, x.found, "there is a reason")
				continue
			}
			require.Positive(t, x.length())
			require.Less(t, x.End.Unix(), int64(latest+1e9))
		}
	})
}

// TestUnknownResultNamesAll: the message of a file that is no result has each harness.
func TestUnknownResultNamesAll(t *testing.T) {
	for _, h := range harnesses() {
		assert.Contains(t, whatIsRead(), h.label)
		assert.Equal(t, h.name, harnessOf(h.name).name)
		assert.True(t, (h.runs == nil) != (h.lines == nil), h.name)
	}
	assert.Equal(t, energy.Reason("invalid_benchmark_result"), invalidBenchmarkResult)
}
