//go:build !linux

package intelsource

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestOther: elsewhere than on Linux there are no such files, and the error says so.
func TestOther(t *testing.T) {
	src, err := energy.Open("intel", "", nil)
	assert.Nil(t, src)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, runtime.GOOS)
}
