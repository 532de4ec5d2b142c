package promsource

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestParseArg(t *testing.T) {
	tests := map[string]Config{
		"http://prom:9090": {URL: "http://prom:9090"},
		`http://prom:9090?selector={job="dcgm",cluster="a"}&collect=1s&role.prefill=gpu-node-01,gpu-node-02/0&dedup=true`: {
			URL: "http://prom:9090", Selector: `{job="dcgm",cluster="a"}`, Collect: time.Second,
			Roles:  []energy.Role{{Name: "prefill", Devices: []string{"gpu-node-01", "gpu-node-02/0"}}},
			Params: url.Values{"dedup": {"true"}},
		},
		`https://mimir/prometheus?selector={Hostname=~"gpu-.+"}`:      {URL: "https://mimir/prometheus", Selector: `{Hostname=~"gpu-.+"}`},
		`http://prom?selector={a=~"x%26y%3F"}&b=1&b=2`:                {URL: "http://prom", Selector: `{a=~"x&y?"}`, Params: url.Values{"b": {"1", "2"}}},
		`http://prom?selector={a=~"100%zz"}`:                          {URL: "http://prom", Selector: `{a=~"100%zz"}`},
		"http://prom?role.a=x&role.b=y&role.a=z&":                     {URL: "http://prom", Roles: []energy.Role{{Name: "a", Devices: []string{"x", "z"}}, {Name: "b", Devices: []string{"y"}}}},
		"http://prom?latency_offset=1ms&partial_response=false&next=": {URL: "http://prom", Params: url.Values{"latency_offset": {"1ms"}, "partial_response": {"false"}, "next": {""}}},
	}
	for arg, want := range tests {
		got, err := parseArg(arg)
		require.NoError(t, err, arg)
		if want.Params == nil {
			want.Params = url.Values{}
		}
		assert.Equal(t, want, got, arg)
	}
}

func TestParseArgErrors(t *testing.T) {
	for arg, says := range map[string]string{
		"":                        "no address",
		"?selector={}":            "no address",
		"http://prom?selector":    "has no value",
		"http://prom?=x":          "has no key",
		"http://prom?collect=1":   "not a time",
		"http://prom?collect=-1s": "not a time",
		"http://prom?role.=x":     "names no role",
		"http://prom?Selector={}": `"Selector" is none of our keys`,
		"http://prom?selectors=x": "none of our keys",
		"http://prom?roles.a=0":   "none of our keys",
		"http://prom?role-a=0":    "none of our keys",
	} {
		_, err := parseArg(arg)
		assert.ErrorContains(t, err, says, arg)
	}
}

func TestRegistered(t *testing.T) {
	for arg, says := range map[string]string{
		"":                                  "no address",
		"ftp://prom":                        "scheme",
		`http://prom?selector=up{job="a"}`:  "not in braces",
		`http://prom?selector={job="a"`:     "not in braces",
		"http://prom?query=up":              "can't be a parameter",
		"http://127.0.0.1:1?selector={a=1}": "connection refused",
	} {
		s, err := energy.Open("prometheus", arg, nil)
		require.ErrorContains(t, err, says, arg)
		assert.Nil(t, s)
	}
}

func FuzzParseArg(f *testing.F) {
	f.Add(`http://prom:9090?selector={job="dcgm",cluster="a"}&collect=1s&role.prefill=a,b/0&dedup=true`)
	f.Add(`http://prom?selector={a=~"100%zz"}&&=&x`)
	f.Fuzz(func(t *testing.T, arg string) {
		cfg, err := parseArg(arg)
		if err != nil {
			return
		}
		assert.NotEmpty(t, cfg.URL)
		assert.GreaterOrEqual(t, cfg.Collect, time.Duration(0))
		for key, values := range cfg.Params {
			assert.NotEmpty(t, key)
			assert.NotEmpty(t, values)
			assert.False(t, strings.HasPrefix(key, "role."), key)
		}
		_, _ = parseSelector(cfg.Selector)
	})
}

// A password that is cut in two by a character that ends an address is not shown,
// neither half of it.
func TestCutPasswordsAreNotShown(t *testing.T) {
	for _, arg := range []string{
		"http://user:hushA?hushB@prom:9090",
		"http://user:hushA?x=hushB@prom:9090",
		"http://user:hushA&hushB@prom:9090?=hushC",
	} {
		_, err := energy.Open("prometheus", arg, nil)
		require.ErrorIs(t, err, energy.ErrMalformed, arg)
		assert.NotContains(t, err.Error(), "hush", arg)
	}
}
