package promapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A server's time is known here no better than the round trip allows.
func TestClockWithin(t *testing.T) {
	now := time.Now()
	c := Clock{Server: 5000, Local: now, Err: 7 * time.Millisecond}
	from, to := c.Within(6500)
	assert.Equal(t, 1493*time.Millisecond, from.Sub(now))
	assert.Equal(t, 1507*time.Millisecond, to.Sub(now))
}
