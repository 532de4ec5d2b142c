package promapi

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// decoded is a copy of what a row says.
type decoded struct {
	labels  map[string]string
	samples []Sample
}

func decodeAll(body string) (reply, []decoded, error) {
	var rows []decoded
	head, err := decode([]byte(body), func(r *Stream) {
		labels := map[string]string{}
		for _, l := range r.Labels {
			labels[string(l.Name)] = string(l.Value)
		}
		rows = append(rows, decoded{labels, append([]Sample(nil), r.Samples...)})
	})
	return head, rows, err
}

func TestDecode(t *testing.T) {
	head, rows, err := decodeAll(` {"status" : "success", "isPartial":false, "data":{"resultType":"matrix","result":[
		{"metric":{"__name__":"m","UUID":"GPU-1","a":"x\"\\\u00e4"},"values":[[1435781430.781,"184504959832"],[1435781431,"1.5"],[1435781431.5,"NaN"],[1.4357814325e9,"+Inf"]],"histograms":[[1,{"count":"2"}]]},
		{"values":[],"metric":{}}
	]},"stats":{"seriesFetched":"2"},"warnings":["w"],"infos":null}
	`)
	require.NoError(t, err)
	assert.Equal(t, reply{Status: "success", Warnings: []string{"w"}, kind: "matrix"}, head)
	require.Len(t, rows, 2)
	assert.Equal(t, map[string]string{"__name__": "m", "UUID": "GPU-1", "a": `x"\ä`}, rows[0].labels)
	s := rows[0].samples
	assert.Equal(t, []Sample{{1435781430781, 184504959832}, {1435781431000, 1.5}}, s[:2])
	assert.Equal(t, int64(1435781431500), s[2].At)
	assert.True(t, math.IsNaN(s[2].Value))
	assert.Equal(t, Sample{1435781432500, math.Inf(1)}, s[3])
	assert.Empty(t, rows[1].samples)

	_, rows, err = decodeAll(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"UUID":"a"},"value":[1,"2"]}]}}`)
	require.NoError(t, err)
	assert.Equal(t, []Sample{{1000, 2}}, rows[0].samples)

	head, _, err = decodeAll(`{"status":"error","errorType":"bad_data","error":"no","data":null}`)
	require.NoError(t, err)
	assert.Equal(t, reply{Status: "error", ErrorType: "bad_data", Error: "no"}, head)
}

func TestDecodeErrors(t *testing.T) {
	whole := `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"UUID":"a"},"values":[[1,"2"]]}]}}`
	for n := range whole {
		_, _, err := decodeAll(whole[:n])
		assert.Error(t, err, whole[:n])
	}
	for _, body := range []string{
		whole + "x", whole + whole, "<html>", "null", "[]", "{]", `{"data":{"resultType":"scalar","result":[1,"2"]}}`,
		strings.Replace(whole, `"2"`, `2`, 1), strings.Replace(whole, `"2"`, `"two"`, 1), strings.Replace(whole, `[1,`, `["1",`, 1),
		strings.Replace(whole, `[1,`, `[1e300,`, 1), strings.Replace(whole, `[1,`, `[1-1,`, 1), strings.Replace(whole, `"a"`, `"\q"`, 1),
		`{"x":` + strings.Repeat("[", 1000), `{"x":trie}`, `{"x":-}`, `{"status":1}`,
	} {
		_, _, err := decodeAll(body)
		assert.Error(t, err, "%.200s", body)
	}
}

// What is decoded is what the decoders of package model and of the standard library
// make of it.
func FuzzDecode(f *testing.F) {
	f.Add(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"UUID":"a\u00e4"},"values":[[1.5,"2"],[1435781430.781,"NaN"]]}]},"warnings":["w"]}`)
	f.Add(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2e3"]}]}}`)
	f.Add(`{"x":[1,{"y":null},true,"\\"],"status":"error"}`)
	f.Fuzz(func(t *testing.T, body string) {
		head, rows, err := decodeAll(body)
		if err != nil || !json.Valid([]byte(body)) || strings.Count(body, `"result"`) > 1 || strings.Count(body, `"data"`) > 1 {
			return
		}
		var want struct {
			Status *string
			Data   struct{ Result model.Matrix }
		}
		if json.Unmarshal([]byte(body), &want) != nil || want.Status == nil || *want.Status != head.Status || len(want.Data.Result) != len(rows) {
			return // a vector, or members twice or in other letters
		}
		for i, series := range want.Data.Result {
			if len(series.Metric) != len(rows[i].labels) || len(series.Values) != len(rows[i].samples) {
				continue
			}
			for j, pair := range series.Values {
				got := rows[i].samples[j]
				assert.Equal(t, pair.Value.String(), model.SampleValue(got.Value).String())
			}
		}
	})
}
