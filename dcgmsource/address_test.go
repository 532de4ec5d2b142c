package dcgmsource

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var exporterDefaults = defaults{port: defaultPort, path: defaultPath}

func TestAddressesAsPeopleTypeThem(t *testing.T) {
	for text, want := range map[string]string{
		"gpu-node-01":                     "http://gpu-node-01:9400/metrics",
		" gpu-node-01:9401 ":              "http://gpu-node-01:9401/metrics",
		"gpu-node-01/dcgm":                "http://gpu-node-01:9400/dcgm",
		"GPU-Node-01":                     "http://gpu-node-01:9400/metrics",
		"10.0.0.7":                        "http://10.0.0.7:9400/metrics",
		"[::1]:9400":                      "http://[::1]:9400/metrics",
		"[::1]":                           "http://[::1]:9400/metrics",
		"::1":                             "http://[::1]:9400/metrics",
		"http://gpu-node-01":              "http://gpu-node-01/metrics",
		"https://gpu-node-01/":            "https://gpu-node-01/metrics",
		"https://gpu-node-01:9400/a/b":    "https://gpu-node-01:9400/a/b",
		"http://u:p@gpu-node-01:9400":     "http://gpu-node-01:9400/metrics",
		"u:p@gpu-node-01":                 "http://gpu-node-01:9400/metrics",
		"http://gpu-node-01/m?token=x#r1": "http://gpu-node-01/m",
	} {
		got, err := Address(text).parse(exporterDefaults)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.clean, text)
		assert.Nil(t, got.url.User, text)
	}
	got, err := Address("http://u:p%40%2F@h/m?a=b#prefill").parse(exporterDefaults)
	require.NoError(t, err)
	assert.Equal(t, "prefill", got.role)
	r, err := got.request(context.Background(), "GET", "", nil)
	require.NoError(t, err)
	assert.Equal(t, "http://h/m?a=b", r.URL.String())
	user, password, _ := r.BasicAuth()
	assert.Equal(t, "u", user)
	assert.Equal(t, "p@/", password)
	r, err = got.request(context.Background(), "GET", "api/v1/query", nil)
	require.NoError(t, err)
	assert.Equal(t, "/m/api/v1/query", r.URL.Path)
}

const secret = "hunter2"

func TestMalformedAddressesKeepTheirSecrets(t *testing.T) {
	for _, text := range []string{
		"", "  ", "http://", "http://#prefill", "ftp://u:hunter2@host", "://host", "http://host:port",
		"http://u:hunter2/x@host:9400", "http://u:12/hunter2@host", "http://u:12?hunter2@host", "http://u:12#hunter2@host",
		"http://u:hunter2%zz@host", "http://u:hunter2 @ho st", "u:hunter2@", "http://host?token=x@hunter2", "a,b", "http://ho st",
		"http://[::1", "host:9400:9401", "u:hunter2%@host",
	} {
		_, err := Address(text).parse(exporterDefaults)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), secret, text)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %x %d", Address(text), Address(text), Address(text), Address(text), Address(text), Address(text), Address(text)), secret)
	}
}

func TestConfigsKeepTheirSecrets(t *testing.T) {
	c := Config{
		Endpoints: []Endpoint{{URL: "http://u:hunter2@host/m?token=hunter2"}, {URL: "host?hunter2"}},
		HTTP:      HTTP{User: "u", Password: secret, BearerToken: secret, Headers: map[string]Secret{"X-Key": secret}},
	}
	shown := fmt.Sprintf("%v|%+v|%#v|", c, c, c) + fmt.Sprintln(c, &c, c.HTTP, c.Endpoints[0], []any{c})
	for _, verb := range []string{"%s", "%q", "%x", "%d", "%t"} {
		shown += fmt.Sprintf(verb, any(c))
	}
	assert.NotContains(t, shown, secret)
	assert.NotContains(t, shown, fmt.Sprintf("%x", secret))
	assert.Contains(t, shown, "http://host/m")
	data, err := json.Marshal(c)
	require.NoError(t, err)
	assert.NotContains(t, string(data), secret)
	assert.Contains(t, string(data), hidden)
	assert.Empty(t, Secret("").String(), "that there is none is no secret")
}
