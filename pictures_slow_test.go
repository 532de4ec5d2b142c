//go:build slow

package joulebench_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/atomicfile"
	"github.com/joulebench/joulebench/powertest/plot"
)

// TestSlowPictures draws the two pictures of the README, of the tour. With UPDATE_PICTURES=1
// they are written to docs:
//
//	UPDATE_PICTURES=1 go test -tags slow -run TestSlowPictures .
func TestSlowPictures(t *testing.T) {
	traces := t.TempDir()
	long, count := "200ms", 2
	if os.Getenv("UPDATE_PICTURES") != "" {
		long, count = "1s", 6
	}
	out := runTour(t, long, traces, "-bench=Phases|Parallel", fmt.Sprintf("-count=%d", count))
	text := filepath.Join(t.TempDir(), "tour.txt")
	require.NoError(t, os.WriteFile(text, []byte(out), 0o600))
	phases, err := filepath.Glob(filepath.Join(traces, "BenchmarkPhases*.json"))
	require.NoError(t, err)
	require.Len(t, phases, count)

	page := plot.Read(t.Context(), plot.Options{}, phases[0], text)
	require.Empty(t, page.Failures)
	var power *plot.Power
	var tokens *plot.Curve
	for _, s := range page.Sections {
		for _, f := range s.Figures {
			switch f := f.(type) {
			case *plot.Power:
				power = f
			case *plot.Curve:
				if f.Unit == "tokens/J" {
					tokens = f
				}
			}
		}
	}
	require.NotNil(t, power, "the power over time")
	require.NotNil(t, tokens, "tokens/J against users")
	names := map[string]bool{}
	for _, b := range power.Bands {
		names[b.Name] = true
	}
	assert.Equal(t, map[string]bool{"window": true, "prefill": true, "decode": true}, names)
	assert.Equal(t, "users", tokens.Key)
	require.Len(t, tokens.Lines[0].Points, 3)
	if os.Getenv("UPDATE_PICTURES") == "" {
		return
	}
	for path, f := range map[string]plot.Figure{"docs/power.svg": power, "docs/tokens.svg": tokens} {
		require.NoError(t, atomicfile.Write(path, func(w io.Writer) error { return plot.WriteSVG(w, f) }))
	}
}
