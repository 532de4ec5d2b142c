package median

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOf(t *testing.T) {
	list := []float64{5, 1, 3}
	assert.Equal(t, 3.0, Of(list))
	assert.Equal(t, []float64{5, 1, 3}, list)
	assert.Equal(t, 2.5, Of([]float64{4, 1, 2, 3}))
	assert.Equal(t, time.Duration(4), Of([]time.Duration{3, 5}))
	assert.Equal(t, 7.0, Of([]float64{7}))
}
