package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/stretchr/testify/assert"
)

// TestProgress: what takes longer than two seconds says on a terminal how long it will take, in
// a line that is gone when the result is written, and elsewhere nothing.
func TestProgress(t *testing.T) {
	const cleared = "\r\x1b[K"
	for _, c := range []struct {
		name, says string
		env        []string
		args       []string
	}{
		{"watch", "watching the counters, about 3s to go", nil, []string{"doctor", "-source", "sim", "-for", "5s"}},
		{"without colours", "watching the counters, about 3s to go", []string{"NO_COLOR", "1"}, []string{"doctor", "-source", "sim", "-for", "5s"}},
		{"short", "", nil, []string{"doctor", "-source", "sim", "-for", "1500ms"}},
		{"dumb", "", []string{"TERM", "dumb"}, []string{"doctor", "-source", "sim", "-for", "5s"}},
		{"CI", "", []string{"CI", "true"}, []string{"doctor", "-source", "sim", "-for", "5s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TERM", "xterm")
			t.Setenv("CI", "")
			t.Setenv("NO_COLOR", "")
			if c.env != nil {
				t.Setenv(c.env[0], c.env[1])
			}
			tty, written := terminaltest.Pty(t, 80)
			var out bytes.Buffer
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				assert.Equal(t, command.OK, program.Run(t.Context(), c.args, command.Streams{Out: &out, Err: tty}))
				assert.Less(t, time.Since(began), 20*time.Second)
			})
			assert.True(t, strings.HasPrefix(out.String(), "simulated joules can be measured"), out.String())
			text := written()
			if c.says == "" {
				assert.Empty(t, text)
				return
			}
			assert.Contains(t, text, c.says)
			assert.True(t, strings.HasSuffix(text, cleared), "%q", text)
			assert.NotContains(t, text, "\n")
		})
	}
}
