package annotate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHarnessesDocumented: the table of docs/results.md says what the fixtures show: of each
// harness what any of its results has.
func TestHarnessesDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "results.md"))
	require.NoError(t, err)
	documented := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) == 12 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			documented[strings.Trim(cells[2], "`")] = cells[3:11]
		}
	}
	type gives struct{ window, requests, prompt, output, concurrency, rate, model, latency bool }
	has := map[string]gives{}
	for _, c := range fixtures {
		_, list := read(t, fixture(t, c.file))
		g := has[c.harness]
		for _, x := range list {
			g.window = g.window || x.HasWindow()
			g.requests = g.requests || x.Requests > 0
			g.prompt = g.prompt || x.InputTokens > 0
			g.output = g.output || x.OutputTokens > 0
			g.concurrency = g.concurrency || x.Concurrency > 0
			g.rate = g.rate || x.Rate > 0
			g.model = g.model || x.Model != ""
			g.latency = g.latency || x.Latency > 0
		}
		has[c.harness] = g
	}
	for name, g := range has {
		cells := documented[name]
		require.Len(t, cells, 8, name)
		assert.Equal(t, g.window, cells[0] == "✓" || cells[0] == "without zone", "%s: window", name)
		for i, there := range []bool{g.requests, g.prompt, g.output, g.concurrency, g.rate, g.model, g.latency} {
			assert.Equal(t, there, cells[i+1] != "", "%s: column %d", name, i+1)
		}
	}
	for _, h := range harnesses() {
		assert.Contains(t, has, h.name, "there is a fixture")
	}
}
