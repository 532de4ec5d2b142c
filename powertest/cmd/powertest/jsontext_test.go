package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestObjectStays: what is not changed is written as it was read.
func TestObjectStays(t *testing.T) {
	for _, text := range []string{
		`{}`, ` { } `, "{\n}\n", `{"a":1}`, "\ufeff{\"a\": 1.50}\r\n",
		"{\n\t\"a\" : 1e5 , \"b\":[1, {\"c\" : \"}\"} ]\n\t,\"d\": NaN, \"e\": [-Infinity,Infinity]}\n\n",
		`{"NaN": "Infinity \" NaN", "a": "\\"}`, `{"a": 1, "a": 2}`,
	} {
		o, err := parseObject([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, text, string(o.bytes()))
	}
}

// TestObjectChanges: keys are replaced in their place, added at the end in the style
// of the others, and removed wherever they are.
func TestObjectChanges(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{}`, "{\n  \"n\": 5\n}"},
		{`{"a":1,"b":2,"c":3}`, `{"a":1,"c":3,"n": 5}`},
		{"{\n    \"a\": 1,\n    \"b\": 2\n}\n", "{\n    \"a\": 1,\n    \"n\": 5\n}\n"},
		{`{"n": 1, "b": 3, "n": 2, "c": 4}`, `{"n": 5, "c": 4}`},
		{`{"a": 1}`, `{"a": 1, "n": 5}`},
		{`{"a": 1, "c": 2}`, `{"a": 1, "c": 2, "n": 5}`},
		{`{"a":1,"c":NaN}`, `{"a":1,"c":NaN,"n": 5}`},
		{`{"b": NaN, "c": NaN}`, `{ "c": NaN, "n": 5}`},
	} {
		o, err := parseObject([]byte(c.text))
		require.NoError(t, err)
		o.remove("b")
		assert.False(t, o.remove("b"))
		o.set("n", []byte("5"))
		assert.Equal(t, c.want, string(o.bytes()))
	}
	o, err := parseObject([]byte(`{"a": 1, "a": 2}`))
	require.NoError(t, err)
	assert.Equal(t, "2", string(o.get("a")), "the last one counts")
	assert.Nil(t, o.get("b"))
}

// TestObjectMalformed: the message says where.
func TestObjectMalformed(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "it is empty",
		"\xef\xbb\xbf":          "it is empty",
		"null":                  "not a JSON object",
		"[]":                    "not a JSON object",
		"NaN":                   "not a JSON object",
		"{\n\n\"a\": 1":         "line 3",
		"{} x":                  "line 1",
		"{\"a\": 1NaN}":         "not JSON",
		"{\"a\": nan}":          "not JSON",
		"{\"a\": +Infinity}":    "not JSON",
		"{\"a\": -NaN}":         "",
		"{\"a\": Infinitys}":    "not JSON",
		"{\"a\": \"\xc3\x28\"}": "not UTF-8",
		"{\"a\": 1,}":           "not JSON",
		"{'a': 1}":              "not JSON",
	} {
		_, err := parseObject([]byte(text))
		if want == "" {
			assert.NoError(t, err, text)
			continue
		}
		assert.ErrorContains(t, err, want, text)
	}
}

func TestReadObject(t *testing.T) {
	dir := t.TempDir()
	_, err := readObject(dir)
	assert.ErrorContains(t, err, "not a regular file")
	_, err = readObject(dir + "/none")
	assert.ErrorIs(t, err, os.ErrNotExist)
	f, err := os.Create(dir + "/large")
	require.NoError(t, err)
	require.NoError(t, f.Truncate(maxJSON+1))
	require.NoError(t, f.Close())
	_, err = readObject(f.Name())
	assert.ErrorContains(t, err, "at most")
}

// FuzzObject: no text makes it panic, and what it accepts it writes as it was and
// understands again, after changes as well.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{"a": [1, NaN], "power_valid": 1, "b" : "x\"", "avg_power_w": -Infinity}`, "{}", `{"a":1,"a":2}`, "\ufeff{ }", `{"a": "`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		if err != nil {
			if json.Valid(data) && utf8.Valid(data) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
				t.Fatalf("an object is refused: %v", err)
			}
			return
		}
		require.Equal(t, string(data), string(o.bytes()))
		patch(o, []powerMetric{{"avg_power_w", 1.5}})
		again, err := parseObject(o.bytes())
		require.NoError(t, err, "%q", o.bytes())
		require.Equal(t, "1.5", string(again.get("avg_power_w")))
		require.Equal(t, "1", string(again.get("power_valid")))
		for _, m := range o.members {
			require.NotNil(t, again.get(m.key))
		}
	})
}

// FuzzResults: no result of a benchmark makes the readers panic, and a window that
// they accept has a length.
func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"benchmark_start_time_unix": 1700000000.5, "benchmark_end_time_unix": 1.7e9, "duration": 10, "completed": 5, "start_time": "2023-11-14T22:13:20", "end_time": 5e9, "request_count": {"avg": 3}, "input_config": {"phases": [{}]}}`))
	f.Add([]byte(`{"benchmark_start_time_unix": -1, "benchmark_end_time_unix": 9e9, "duration": 1e-9, "start_time": -9e9, "end_time": 9e9, "total_gpu_power": {"avg": NaN}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		if err != nil {
			return
		}
		for _, read := range []func() (*workload, bool){
			func() (*workload, bool) { w, found := benchmarkOf(o); return w, len(found) > 0 },
			func() (*workload, bool) { w, found := profileOf(profile{o}, nil); return w, len(found) > 0 },
		} {
			w, found := read()
			if w == nil {
				require.True(t, found, "there is a reason")
				continue
			}
			require.True(t, w.end.After(w.start))
			require.Positive(t, w.length())
			require.True(t, finite(w.seconds))
			require.GreaterOrEqual(t, min(w.requests, w.input, w.output, w.users), int64(0))
		}
	})
}
