package main

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
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
		{"does not", time.Hour, time.Minute, false, time.Minute + readGrace},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.interrupt > 0 {
					time.AfterFunc(c.interrupt, cancel)
				}
				began := time.Now()
				_, ended := promptly(ctx, readGrace, func() int { time.Sleep(c.takes); return 7 })
				assert.Equal(t, c.ended, ended)
				assert.Equal(t, c.until, time.Since(began))
				time.Sleep(2 * time.Hour) // until what was left behind is over
			})
		})
	}
	assert.Less(t, readGrace, time.Second)
}

// TestInterruptedSource: a source that hangs while it opens, as one that reads a file
// may, does not keep these commands from ending.
func TestInterruptedSource(t *testing.T) {
	opening := make(chan struct{}, 1)
	energy.Register("hanging", func(string, []string) (energy.Source, error) {
		opening <- struct{}{}
		select {}
	})
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"doctor":   {[]string{"doctor", "-source", "hanging"}, "interrupted\n"},
		"annotate": {[]string{"annotate", "-source", "hanging", "-bench", "b.json", "-agg", "a.json"}, "source_stalled"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-opening
				cancel()
			}()
			var out, errs bytes.Buffer
			require.Equal(t, command.Failed, program.Run(ctx, c.args, command.Streams{Out: &out, Err: &errs}))
			assert.Contains(t, errs.String(), c.says)
		})
	}
}
