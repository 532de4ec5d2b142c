package energy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestClockSet(t *testing.T) {
	for _, tt := range []struct {
		moved, passed, unsure time.Duration
		set                   bool
	}{
		{10 * time.Second, 10 * time.Second, 0, false},
		{10*time.Second + 200*time.Millisecond, 10 * time.Second, 0, false},
		{10*time.Second - 200*time.Millisecond, 10 * time.Second, 0, false},
		{10*time.Second + 260*time.Millisecond, 10 * time.Second, 0, true},
		{10*time.Second - 260*time.Millisecond, 10 * time.Second, 0, true},
		{10*time.Second + 260*time.Millisecond, 10 * time.Second, 100 * time.Millisecond, false},
		{time.Hour + 300*time.Millisecond, time.Hour, 0, false}, // it drifts
		{time.Hour + time.Second, time.Hour, 0, true},
	} {
		by, set := ClockSet(tt.moved, tt.passed, tt.unsure)
		assert.Equal(t, tt.moved-tt.passed, by)
		assert.Equal(t, tt.set, set, "%+v", tt)
	}
}

func TestClockSetBetween(t *testing.T) {
	now := time.Now()
	_, set := ClockSetBetween(now, now.Add(time.Hour))
	assert.False(t, set)
	_, set = ClockSetBetween(now.Round(0).Add(-time.Hour), now)
	assert.False(t, set, "nothing is known without the monotonic clock")
}
