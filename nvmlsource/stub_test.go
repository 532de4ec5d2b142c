//go:build !linux || !cgo

package nvmlsource

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

func TestStubSaysWhatToDo(t *testing.T) {
	s, err := energy.Open("nvml", "", nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Nil(t, s)
	assert.ErrorContains(t, err, "\nbuild it with CGO_ENABLED=1")
}

func TestStubNeverTellsAValue(t *testing.T) {
	s := &Source{}
	readings, states := make([]energy.Reading, 1), make([]energy.State, 1)
	s.Read(readings)
	s.Inspect(states)
	assert.ErrorIs(t, readings[0].Err, errors.ErrUnsupported)
	assert.ErrorIs(t, states[0].Err, errors.ErrUnsupported)
	assert.Empty(t, s.Devices())
	assert.NoError(t, s.Close())
	assert.Equal(t, "nvml", s.Info().Name)
}
