package smisource

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/energy"
)

// TestUnusable: it is said which fields the rows lack, with the first as it is.
func TestUnusable(t *testing.T) {
	const head = "timestamp, index, power.draw [W]\n"
	for text, says := range map[string]string{
		head: "it has a header, and no row that is complete\nrecord for a moment before the log is opened",
		head + "noon, 0, 500 W\nmidnight, 0, 500 W\n": `no row has a reading: 2 with no time stamp that is understood, the first is "noon"` + "\nwrite times as ",
		head + "noon, 0, 500 W\n2025/01/15 12:34:56.789, [N/A], 500 W\n2025/01/15 12:34:56.789, 0, [N/A]\n2025/01/15 12:34:57.789, 0, lots\n": `1 with no time stamp that is understood, the first is "noon"; 1 with no value, the first is "[N/A]"; 1 with a value that is not understood, the first is "lots"; 1 with no GPU that is certain, the first is "[N/A]"`,
		head + "2025/01/15 12:34:56.789, 0\n":         `1 with not as many cells as the header, the first is "2025/01/15 12:34:56.789, 0"`,
		head + strings.Repeat("x", 5000) + ", 0, 1\n": `the first is "` + strings.Repeat("x", longestQuote) + `"`,
		"": "nothing was written to it yet",
	} {
		_, err := Open(Config{Path: write(t, text), Location: time.UTC})
		require.ErrorIs(t, err, energy.ErrNoDevice, text)
		assert.Contains(t, err.Error(), says)
		assert.NotContains(t, err.Error(), "no such device", "it is the log that is at fault")
	}
}

// TestOneRecommendation: what is recommended to record is the same wherever it is said.
func TestOneRecommendation(t *testing.T) {
	query := regexp.MustCompile(`nvidia-smi --query-gpu=\S+ --format=csv -lms \d+`)
	for _, path := range []string{"doc.go", "../docs/harness.md"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		found := query.FindAllString(string(text), -1)
		assert.NotEmpty(t, found, path)
		for _, command := range found {
			assert.Equal(t, RecordCommand, command, path)
		}
	}
	assert.Contains(t, RecordCommand, "uuid")
	assert.Contains(t, RecordCommand, "power.draw.instant")
}
