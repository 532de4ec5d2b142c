package tokens

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/web"
	"github.com/joulebench/joulebench/powertest/energy"
)

func TestParse(t *testing.T) {
	for value, want := range map[string]Config{
		"vllm=http://host:8000/metrics": {Server: "vllm", Pages: []web.Address{"http://host:8000/metrics"}},
		"sglang=a,b:1":                  {Server: "sglang", Pages: []web.Address{"a", "b:1"}},
		"http://host:8000?x=1":          {Pages: []web.Address{"http://host:8000?x=1"}},
		"host":                          {Pages: []web.Address{"host"}},
		"prometheus=http://prom:9090&job=vllm&pod=a-1":    {Prometheus: "http://prom:9090", Match: []string{`job="vllm"`, `pod="a-1"`}},
		`prometheus=http://prom:9090?job=v"\&server=vllm`: {Prometheus: "http://prom:9090", Match: []string{`job="v\"\\"`}, Server: "vllm"},
	} {
		got, err := Parse(value)
		require.NoError(t, err, value)
		assert.Equal(t, fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", got), value)
		_, err = Open(got)
		assert.NoError(t, err)
	}
	for value, says := range map[string]string{
		"": "empty", "vllm=": "empty", "vllm=a,,b": "empty", "ollama=http://host:11434": "no counters", "steam=http://host": "not known",
		"prometheus=": "no address", "prometheus=http://prom&hunter2": "LABEL=VALUE", "prometheus=http://prom&a b=hunter2": "LABEL=VALUE", "prometheus=http://prom&server=x": "not known",
	} {
		_, err := Parse(value)
		require.ErrorIs(t, err, energy.ErrMalformed, value)
		assert.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	for value, says := range map[string]string{
		"trtllm=http://host:8000/metrics": "loses what is read", "vllm=ftp://host": "neither http nor https", "prometheus=ftp://host": "neither http nor https",
	} {
		c, err := Parse(value)
		require.NoError(t, err)
		_, err = Open(c)
		require.ErrorIs(t, err, energy.ErrMalformed)
		assert.ErrorContains(t, err, says)
	}
	_, err := Open(Config{})
	assert.ErrorIs(t, err, energy.ErrMalformed)
}

// FuzzParse: no error of a value shows what can be a password in it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"vllm=http://u:%s@host", "http://u:%s@host:1,http://b", "prometheus=http://u:%s@prom&job=a", "prometheus=http://prom?a&%s", "vllm=http://u:1,%s@host", "ollama=http://%s@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		const secret = "hunter2hunter2"
		before, after, found := strings.Cut(form, "%s@")
		if !found || strings.Contains(before+after, "@") {
			before, after = "vllm=http://u:", "host/"+strings.ReplaceAll(form, "@", "")
		}
		value := before + secret + "@" + after
		c, err := Parse(value)
		if err == nil {
			_, err = Open(c)
		}
		if err != nil {
			assert.NotContains(t, err.Error(), secret, value)
		}
	})
}

// FuzzPage: whatever a page has, it is parsed or refused, and its counters are not negative.
func FuzzPage(f *testing.F) {
	for _, kind := range append([]string{"triton"}, kinds...) {
		e := &engine{kind: kind, tp: 2, dp: 2}
		f.Add(e.page(e.born))
	}
	f.Add("vllm:generation_tokens_total{a=\"\\\"}\"} 1\n")
	f.Add("vllm:generation_tokens_total NaN\nvllm:num_requests_running -1\nprocess_start_time_seconds 1e999\n")
	f.Fuzz(func(t *testing.T, page string) {
		rows, err := parsePage([]byte(page))
		if err != nil {
			return
		}
		r := replica{address: "x", readings: []reading{{rows: rows}}}
		tally := tally{replicas: []replica{r, r}}
		c := tally.run()
		for _, n := range []*Count{c.Prompt, c.Output, c.Cached, c.Requests} {
			if n != nil {
				assert.GreaterOrEqual(t, n.Value, 0.0)
				assert.LessOrEqual(t, n.Low, n.High)
			}
		}
		_ = c.String()
	})
}
