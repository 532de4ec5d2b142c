package plot

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest"
	"github.com/joulebench/joulebench/powertest/energy"
)

// TestSniff: files are recognised by what is in them.
func TestSniff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Kind{
		`{"schema_version":1,"name":"BenchmarkChat","work":{},"metrics":[]}`:    Reports,
		`[{"schema_version":1,"name":"BenchmarkChat","work":{},"metrics":[]}]`:  Reports,
		`{"source":{"name":"nvml"},"base":"2026-01-02T03:04:05Z","devices":[]}`: Recording,
		`{"schema_version":1,"power_valid":true,"telemetry_source":"gpu.csv"}`:  Validation,
		`{"schema_version":1,"outcome":"pass","headline":"PASS","rows":[]}`:     GateReport,
		"goos: linux\nBenchmarkChat-8 10 100 ns/op\n":                           Benchmarks,
		"2026-01-02T03:04:05Z BenchmarkChat-8 10 100 ns/op\n":                   Benchmarks,
		"timestamp, index, power.draw [W]\n":                                    Log,
		`{"rows":[]}`:                                                           Unknown,
		`[]`:                                                                    Unknown,
		"":                                                                      Unknown,
		"\x00\x01\x02":                                                          Unknown,
	} {
		assert.Equal(t, want, Sniff([]byte(text)), "%q", text)
	}
}

// TestEncodings: JSON and benchmarks are read as PowerShell and gzip write them.
func TestEncodings(t *testing.T) {
	t.Parallel()
	report, err := json.Marshal([]powertest.Report{{SchemaVersion: 1, Name: "BenchmarkChat"}})
	require.NoError(t, err)
	for _, text := range []string{string(report), "BenchmarkChat 1 5 J/op\n"} {
		wide := []byte("\xff\xfe")
		for _, c := range utf16.Encode([]rune(text)) {
			wide = binary.LittleEndian.AppendUint16(wide, c)
		}
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, err := z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		for name, written := range map[string][]byte{"a mark": []byte("\xef\xbb\xbf" + text), "UTF-16": wide, "gzip": zipped.Bytes()} {
			path := filepath.Join(t.TempDir(), "input")
			require.NoError(t, os.WriteFile(path, written, 0o600))
			page := Read(t.Context(), Options{}, path)
			assert.Empty(t, page.Failures, "%s: %s", name, text)
			require.Len(t, page.Sections, 1, "%s: %s", name, text)
			assert.NotEmpty(t, page.Sections[0].Tables, "%s: %s", name, text)
		}
	}
}

// TestReadBenchmarks: two benchmark files are compared, by the gate's numbers and verdicts.
func TestReadBenchmarks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "testdata", "gate")
	old, newer := filepath.Join(dir, "old.txt"), filepath.Join(dir, "new-regressed.txt")
	page := Read(t.Context(), Options{}, old, newer)
	require.Empty(t, page.Failures)
	require.Len(t, page.Sections, 1)
	changes, ok := page.Sections[0].Figures[0].(*Changes)
	require.True(t, ok)
	require.NotEmpty(t, changes.Rows)
	c := changes.Rows[0]
	assert.Len(t, c.Old.Samples, len(c.New.Samples))
	assert.NotEmpty(t, c.Verdict)
	assert.Equal(t, c.New.Median/c.Old.Median-1, c.Change)
}

// TestPastOfNothing: a time to draw is refused where nothing is drawn by it.
func TestPastOfNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "testdata", "gate", "old.txt")
	o := Options{Span: energy.Span{Start: start, End: start.Add(time.Hour)}}
	page := Read(t.Context(), o, file)
	require.Len(t, page.Failures, 1)
	require.ErrorIs(t, page.Failures[0], ErrNoPast)
	assert.Empty(t, page.Sections)
	log := filepath.Join(t.TempDir(), "gpu.csv")
	require.NoError(t, os.WriteFile(log, []byte("timestamp, index, power.draw [W]\n"), 0o600))
	for _, f := range Read(t.Context(), o, file, log).Failures {
		assert.NotErrorIs(t, f, ErrNoPast)
	}
}

// TestNotDrawn: what cannot be drawn is named, with what can be; the rest is drawn.
func TestNotDrawn(t *testing.T) {
	t.Parallel()
	odd := filepath.Join(t.TempDir(), "odd.json")
	require.NoError(t, os.WriteFile(odd, []byte(`{"a":1}`), 0o600))
	page := Read(t.Context(), Options{}, odd, "nowhere.txt", filepath.Join("..", "..", "testdata", "gate", "old.txt"))
	require.Len(t, page.Failures, 2)
	require.ErrorIs(t, page.Failures[0].Err, ErrNotDrawn)
	assert.ErrorContains(t, page.Failures[0].Err, "POWERTEST_TRACE")
	require.ErrorIs(t, page.Failures[1].Err, os.ErrNotExist)
	assert.Len(t, page.Sections, 1)
}
