package plot

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/internal/progress"
	"github.com/joulebench/joulebench/internal/terminal/terminaltest"
	"github.com/joulebench/joulebench/powertest/energy"
	_ "github.com/joulebench/joulebench/smisource" // is what draws logs
)

// TestLog: a log is drawn whole, and what lasts for one of its rows is seen, however many
// there are; its energy is measured.
func TestLog(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("timestamp, index, name, power.draw [W]\n")
	const rows = 70_000
	for i := range rows {
		watts := 300 + i%2
		if i == rows/2+1 {
			watts = 650
		}
		fmt.Fprintf(&b, "%s, 0, NVIDIA H200, %d.00 W\n", start.Add(time.Duration(i)*10*time.Millisecond).Format("2006/01/02 15:04:05.000"), watts)
	}
	path := filepath.Join(t.TempDir(), "gpu.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	page := Read(t.Context(), Options{}, path+"?tz=UTC")
	require.Empty(t, page.Failures)
	p, ok := page.Sections[0].Figures[0].(*Power)
	require.True(t, ok)
	assert.Equal(t, "GPU 0 (NVIDIA H200)", p.Series[0].Name)
	assert.WithinDuration(t, start, p.Start, time.Second)
	highest := 0.0
	for _, x := range p.Series[0].Points {
		highest = max(highest, x.Watts)
	}
	assert.InDelta(t, 650, highest, 0.1)
	assert.Len(t, p.Series[0].Points, rows)
	from, to := p.extent()
	assert.InDelta(t, rows*0.01, (to - from).Seconds(), 1)
	assert.Contains(t, page.Sections[0].Tables[0].Rows[0], "W")
}

// TestSourceOfPast: what a source knows of a span is drawn, between the edges too.
func TestSourceOfPast(t *testing.T) {
	t.Parallel()
	recording := recorded(2, time.Minute, 700)
	src, err := energy.NewReplay(recording)
	require.NoError(t, err)
	s, err := OfSource(t.Context(), "fleet", src, energy.Span{Start: start.Add(10 * time.Second), End: start.Add(50 * time.Second)})
	require.NoError(t, err)
	p, ok := s.Figures[0].(*Power)
	require.True(t, ok)
	assert.Len(t, p.Series, 2)
	assert.Greater(t, len(p.Series[0].Ticks), 400)
	require.NotEmpty(t, p.Bands)
	assert.Equal(t, Window, p.Bands[0].Kind)
	assert.Equal(t, 40*time.Second, p.Bands[0].To.At)
	assert.Contains(t, p.Bands[0].Label, "kJ ±")
}

// slow is a source that takes its time to answer.
type slow struct{ energy.HistorySource }

func (s slow) ReadRange(ctx context.Context, spans []energy.Span, to []*energy.History) ([]energy.Finding, error) {
	time.Sleep(3300 * time.Millisecond)
	return s.HistorySource.ReadRange(ctx, spans, to)
}

// TestProgress: a source that takes its time is named on a terminal, in a line that is gone
// when it has answered.
func TestProgress(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("CI", "")
	tty, written := terminaltest.Pty(t, 80)
	synctest.Test(t, func(t *testing.T) {
		line := progress.New(tty)
		require.NotNil(t, line)
		defer line.Stop()
		src, err := energy.NewReplay(recorded(1, 20*time.Second, 700))
		require.NoError(t, err)
		_, err = OfSource(progress.With(t.Context(), line), "fleet", slow{src}, energy.Span{Start: start.Add(5 * time.Second), End: start.Add(15 * time.Second)})
		require.NoError(t, err)
	})
	text := written()
	assert.Contains(t, text, "asking for the past of fleet, ")
	assert.Contains(t, text, "reading the past, ")
	assert.True(t, strings.HasSuffix(text, "\r\x1b[K"), "%q", text)
}

// TestCredentials: an address with a password is named nowhere.
func TestCredentials(t *testing.T) {
	t.Parallel()
	page := Read(t.Context(), Options{}, "smi=/nowhere/user:secret@gpu.csv")
	require.Len(t, page.Failures, 1)
	assert.Equal(t, "smi", page.Title)
	assert.Equal(t, "smi", page.Failures[0].Name)
	for _, misspelt := range []string{"promethus=http://user:SECRET@host:9090", "http://user:SECRET@host", "promethus=user:SECRET@host", "http://host/?token=SECRET"} {
		page := Read(t.Context(), Options{}, misspelt)
		require.Len(t, page.Failures, 1)
		assert.ErrorContains(t, page.Failures[0].Err, "there is no file and no source of that name")
		lacks(t, pageText(t, page)+page.Failures[0].Error()+page.Failures[0].Name+page.Title, "SECRET")
	}
}
