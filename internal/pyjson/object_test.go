package pyjson

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
		o, err := Parse([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, text, string(o.Bytes()))
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
		o, err := Parse([]byte(c.text))
		require.NoError(t, err)
		o.Remove("b")
		assert.False(t, o.Remove("b"))
		o.Set("n", []byte("5"))
		assert.Equal(t, c.want, string(o.Bytes()))
	}
	o, err := Parse([]byte(`{"a": 1, "a": 2}`))
	require.NoError(t, err)
	assert.Equal(t, "2", string(o.Get("a")), "the last one counts")
	assert.Nil(t, o.Get("b"))
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
		_, err := Parse([]byte(text))
		if want == "" {
			assert.NoError(t, err, text)
			continue
		}
		assert.ErrorContains(t, err, want, text)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadFile(dir)
	assert.ErrorContains(t, err, "not a regular file")
	_, err = ReadFile(dir + "/none")
	assert.ErrorIs(t, err, os.ErrNotExist)
	f, err := os.Create(dir + "/large")
	require.NoError(t, err)
	require.NoError(t, f.Truncate(maxJSON+1))
	require.NoError(t, f.Close())
	_, err = ReadFile(f.Name())
	assert.ErrorContains(t, err, "at most")
}

// FuzzObject: no text makes it panic, and what it accepts it writes as it was and
// understands again, after changes as well.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{"a": [1, NaN], "power_valid": 1, "b" : "x\"", "avg_power_w": -Infinity}`, "{}", `{"a":1,"a":2}`, "\ufeff{ }", `{"a": "`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Parse(data)
		if err != nil {
			if json.Valid(data) && utf8.Valid(data) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
				t.Fatalf("an object is refused: %v", err)
			}
			return
		}
		require.Equal(t, string(data), string(o.Bytes()))
		o.Remove("b")
		o.Set("avg_power_w", []byte(Float(1.5).String()))
		o.Set("power_valid", []byte("1"))
		again, err := Parse(o.Bytes())
		require.NoError(t, err, "%q", o.Bytes())
		require.Equal(t, "1.5", string(again.Get("avg_power_w")))
		require.Equal(t, "1", string(again.Get("power_valid")))
		for _, m := range o.members {
			require.NotNil(t, again.Get(m.key))
		}
	})
}

func TestIsNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"1": true, "-1.5e3": true, "0": true,
		"": false, `"1"`: false, "true": false, "null": false, "NaN": false, "Infinity": false, "-Infinity": false, "-NaN": false, "[1]": false, "{}": false,
	} {
		assert.Equal(t, want, IsNumber([]byte(text)), text)
	}
}

// TestUnmarshal: what Python writes and JSON does not have is a number.
func TestUnmarshal(t *testing.T) {
	v := struct{ A, B float64 }{A: 1, B: 1}
	require.NoError(t, Unmarshal([]byte(`{"a": NaN, "b": -Infinity}`), &v))
	assert.Zero(t, v.A)
	assert.Zero(t, v.B)
	assert.Error(t, Unmarshal([]byte(`{"a": nan}`), &v))
}

// TestMembers: the keys keep their order.
func TestMembers(t *testing.T) {
	text, err := json.Marshal(Members[Float]{{"b\n", 1}, {"a", 2.5}, {"c", Round(1e-7, 6)}})
	require.NoError(t, err)
	assert.Equal(t, `{"b\n":1.0,"a":2.5,"c":0.0}`, string(text))
	text, err = json.Marshal(Members[int](nil))
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(text))
	_, err = json.Marshal(Members[any]{{"a", func() {}}})
	assert.Error(t, err)
}

// TestParseAll: objects one after another; those before what is wrong are there.
func TestParseAll(t *testing.T) {
	for text, want := range map[string]struct {
		n    int
		says string
	}{
		`{"a": NaN}`:                     {1, ""},
		"{\"a\": 1}\n{\"b\": -Infinity}": {2, ""},
		"\ufeff{}{}\n{}\n":               {3, ""},
		"{}\n{\"a\": [":                  {1, "it is cut off"},
		"{}\n\n{\"a\" 3}":                {1, "it is not JSON: line 3"},
		"{} 3":                           {1, "it is not a JSON object"},
		"{}\n{\"a\": \"\xff\"}":          {1, "it is not UTF-8"},
		" \n":                            {0, "it is empty"},
		"[{}]":                           {0, "it is not a JSON object"},
	} {
		list, err := ParseAll([]byte(text))
		assert.Len(t, list, want.n, text)
		if want.says == "" {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorContains(t, err, want.says, text)
		}
	}
	o, err := Parse([]byte(`{"b": 1, "a": 2, "b": 3}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "a", "b"}, o.Keys())
}
