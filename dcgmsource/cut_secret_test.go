package dcgmsource

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A password that is cut in two by a character that ends an address or begins
// the next one is not shown, neither half of it.
func TestCutPasswordsAreNotShown(t *testing.T) {
	for source, arg := range map[string]string{
		"prometheus":   "http://user:hushA?hushB@prom:9090",
		"prometheus 2": "http://user:hushA?x=hushB@prom:9090",
		"prometheus 3": "http://user:hushA&hushB@prom:9090?=hushC",
		"dcgm":         "http://user:hushA,hushB@node:9400",
		"dcgm 2":       "user:hushA,hushB@node",
	} {
		name := "prometheus"
		if source[0] == 'd' {
			name = "dcgm"
		}
		_, err := energy.Open(name, arg, nil)
		require.Error(t, err, arg)
		assert.ErrorIs(t, err, energy.ErrMalformed, arg)
		assert.NotContains(t, err.Error(), "hush", arg)
	}
}
