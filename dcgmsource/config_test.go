package dcgmsource

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

const secret = "hunter2"

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
	assert.Contains(t, string(data), "(secret)")
}

// A password that is cut in two by a character that ends an address or begins
// the next one is not shown, neither half of it.
func TestCutPasswordsAreNotShown(t *testing.T) {
	for _, arg := range []string{
		"http://user:hushA,hushB@node:9400",
		"user:hushA,hushB@node",
	} {
		_, err := energy.Open("dcgm", arg, nil)
		require.Error(t, err, arg)
		assert.ErrorIs(t, err, energy.ErrMalformed, arg)
		assert.NotContains(t, err.Error(), "hush", arg)
	}
}

func TestTheTimeoutIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := network{"a:9400": (&exporter{delay: time.Hour}).ServeHTTP}.client()
		h.Timeout = time.Second
		start := time.Now()
		_, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: h})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
	})
}
