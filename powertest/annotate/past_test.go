package annotate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A server is asked for the GPUs of the window, unless the window is yet to come.
func TestGPUsOfTheWindow(t *testing.T) {
	window := energy.Span{Start: time.Unix(1.7e9, 5e8).UTC(), End: time.Unix(1.7e9+60, 0).UTC()}
	assert.Equal(t, "http://p?window=2023-11-14T22:13:20.5Z/2023-11-14T22:14:20Z", during("http://p", window))
	assert.Equal(t, "http://p?collect=1s&window=2023-11-14T22:13:20.5Z/2023-11-14T22:14:20Z", during("http://p?collect=1s", window))
	assert.True(t, Options{Source: Source{Name: "prometheus"}}.past())
	assert.False(t, Options{Source: Source{Name: "prometheus"}, Command: []string{"bench"}}.past())
	assert.False(t, Options{Source: Source{Name: "dcgm"}}.past())
}
