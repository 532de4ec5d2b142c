package command

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestPromptly: what ends by itself is waited for, also a little after an interrupt, and
// what does not is left behind.
func TestPromptly(t *testing.T) {
	for _, c := range []struct {
		name      string
		takes     time.Duration
		interrupt time.Duration // after so long
		ended     bool
		until     time.Duration
	}{
		{"no interrupt", time.Hour, 0, true, time.Hour},
		{"heeds it", time.Minute + 100*time.Millisecond, time.Minute, true, time.Minute + 100*time.Millisecond},
		{"does not", time.Hour, time.Minute, false, time.Minute + ReadGrace},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.interrupt > 0 {
					time.AfterFunc(c.interrupt, cancel)
				}
				began := time.Now()
				_, ended := Promptly(ctx, ReadGrace, func() int { time.Sleep(c.takes); return 7 })
				assert.Equal(t, c.ended, ended)
				assert.Equal(t, c.until, time.Since(began))
				time.Sleep(2 * time.Hour) // until what was left behind is over
			})
		})
	}
	assert.Less(t, ReadGrace, time.Second)
}
