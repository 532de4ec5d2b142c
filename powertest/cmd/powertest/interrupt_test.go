package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

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
