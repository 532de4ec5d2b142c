package web

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var exporterDefaults = Defaults{Port: "9400", Path: "/metrics"}

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
		"http://gpu-node-01/m;token=x":    "http://gpu-node-01/m",
	} {
		got, err := Parse(Address(text), exporterDefaults)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.Clean, text)
		assert.Nil(t, got.URL.User, text)
	}
	got, err := Parse(Address("http://u:p%40%2F@h/m?a=b#prefill"), exporterDefaults)
	require.NoError(t, err)
	assert.Equal(t, "prefill", got.Role)
	r, err := got.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://h/m?a=b", r.URL.String())
	user, password, _ := r.BasicAuth()
	assert.Equal(t, "u", user)
	assert.Equal(t, "p@/", password)
}

const secret = "hunter2"

func TestMalformedAddressesKeepTheirSecrets(t *testing.T) {
	for _, text := range []string{
		"", "  ", "http://", "http://#prefill", "ftp://u:hunter2@host", "://host", "http://host:port",
		"http://u:hunter2/x@host:9400", "http://u:12/hunter2@host", "http://u:12?hunter2@host", "http://u:12#hunter2@host",
		"http://u:hunter2%zz@host", "http://u:hunter2 @ho st", "u:hunter2@", "http://host?token=x@hunter2", "a,b", "http://ho st",
		"http://[::1", "host:9400:9401", "u:hunter2%@host",
	} {
		_, err := Parse(Address(text), exporterDefaults)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), secret, text)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %x %d", Address(text), Address(text), Address(text), Address(text), Address(text), Address(text), Address(text)), secret)
	}
}

func TestSecrets(t *testing.T) {
	assert.Empty(t, Secret("").String(), "that there is none is no secret")
	assert.Equal(t, hidden, Secret(secret).String())
}
