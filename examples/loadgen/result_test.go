package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestQuantile: the values are those of numpy.quantile(x, p).
func TestQuantile(t *testing.T) {
	ms := func(list ...float64) (d []time.Duration) {
		for _, x := range list {
			d = append(d, time.Duration(x*float64(time.Millisecond)))
		}
		return d
	}
	for _, c := range []struct {
		list []time.Duration
		p    float64
		want time.Duration
	}{
		{ms(3), 0.99, 3 * time.Millisecond},
		{ms(4, 1, 3, 2), 0.5, 2500 * time.Microsecond},
		{ms(4, 1, 3, 2), 0.99, 3970 * time.Microsecond},
		{ms(4, 1, 3, 2), 0, time.Millisecond},
		{ms(4, 1, 3, 2), 1, 4 * time.Millisecond},
	} {
		v, known := quantile(slices.Sorted(slices.Values(c.list)), c.p)
		assert.True(t, known)
		assert.Equal(t, c.want, v)
	}
	_, known := quantile(nil, 0.5)
	assert.False(t, known)
	assert.Equal(t, unknown, millis(nil, 0.5))
}
