package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/joulebench/joulebench/powertest/gate"
)

// TestGateSampleTable: as many rows as docs/gate.md says can be judged with so
// many samples, and not one more.
func TestGateSampleTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "gate.md"))
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| [\d.]+ \| (\d+|none) \|$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 7)
	for _, row := range rows {
		n, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		family, _ := strconv.Atoi(row[2]) // none is 0
		if family > 0 {
			assert.Equal(t, gate.Pass, judgeFamily(t, family, n), "%d rows of %d samples", family, n)
		}
		assert.Equal(t, gate.CannotJudge, judgeFamily(t, family+1, n), "%d rows of %d samples", family+1, n)
	}
}

// judgeFamily judges many benchmarks that have so many samples on each side.
func judgeFamily(t *testing.T, benchmarks, samples int) gate.Outcome {
	t.Helper()
	side := func(offset float64) io.Reader {
		var b strings.Builder
		for i := range benchmarks {
			for k := range samples {
				fmt.Fprintf(&b, "BenchmarkLoad/n=%d 1 %v J/op\n", i, 8+0.01*(float64(k)+offset))
			}
		}
		return strings.NewReader(b.String())
	}
	report, err := gate.JudgeReaders(gate.Config{}, "old", side(0), "new", side(0.5))
	require.NoError(t, err)
	return report.Outcome
}

// TestGateScriptTable: docs/gate.md has each script of what went wrong elsewhere,
// and names none that is not there.
func TestGateScriptTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "gate.md"))
	require.NoError(t, err)
	var named []string
	for _, m := range regexp.MustCompile("`(gate_\\w+)`").FindAllStringSubmatch(string(text), -1) {
		named = append(named, m[1])
		_, err := os.Stat(filepath.Join("testdata", "script", m[1]+".txtar"))
		assert.NoError(t, err)
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "gate_*[0-9]*_*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, script := range scripts {
		assert.Contains(t, named, strings.TrimSuffix(filepath.Base(script), ".txtar"))
	}
}

// TestGateWaiverExample: the file of waivers in docs/gate.md is one.
func TestGateWaiverExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "gate.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```\n(# benchmark .*?)```").FindSubmatch(text)
	require.NotNil(t, block)
	waivers, err := gate.ReadWaivers(bytes.NewReader(block[1]), "gate.md")
	require.NoError(t, err)
	require.Len(t, waivers, 2)
	assert.Equal(t, "larger draft model, see issue 51", waivers[0].Reason)
	assert.Equal(t, "*", waivers[1].Unit)
}
