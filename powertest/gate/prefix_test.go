package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logged is a text as a CI system shows it: each line in a format, in which %d is its
// number.
func logged(text, format string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		before := format
		if strings.Contains(format, "%") {
			before = fmt.Sprintf(format, i)
		}
		b.WriteString(before + line + "\n")
	}
	return b.String()
}

// TestLogs of CI systems are read as what is in them, with a note.
func TestLogs(t *testing.T) {
	head := "goos: linux\npkg: example.com/p\nUnit J/op better=lower\ngpu: H200\n"
	old, newer := head+before+"PASS\n\nok \texample.com/p\t1s\n", head+after+"PASS\n\nok \texample.com/p\t1s\n"
	want := run(t, Config{}, old, newer)
	for name, format := range map[string]string{
		"GitHub":              "2026-01-02T10:00:%02d.1234567Z ",
		"gh run view":         "energy / gate\tUNKNOWN STEP\t2026-01-02T10:00:%02d.1234567Z ",
		"GitLab":              "2026-01-02T10:00:%02d.123456Z 01O ",
		"Jenkins":             "[2026-01-02T10:00:%02d.123Z] ",
		"ts":                  "2026-01-02 10:00:%02d,123+01:00 ",
		"only the time":       "10:00:%02d ",
		"docker compose":      "bench-1  | ",
		"docker compose -t":   "bench-1  | 2026-01-02T10:00:%02d.123456789Z ",
		"kubectl --prefix":    "[pod/bench-x7z/go] ",
		"colours":             "\x1b[36m",
		"colours and a stamp": "2026-01-02T10:00:%02dZ \x1b[1;31m",
	} {
		t.Run(name, func(t *testing.T) {
			a, b := logged(old, format), logged(newer, format)
			if name == "docker compose" { // white space at a line's end is lost easily
				a = strings.ReplaceAll(a, "| \n", "|\n")
			}
			r := run(t, Config{}, a, b)
			requireReason(t, r, Regression, "Chat-8 J/op +10.00%")
			assert.Equal(t, want.Rows[0].Config, r.Rows[0].Config)
			assert.Equal(t, want.Rows[0].P, r.Rows[0].P)
			require.NotEmpty(t, r.Warnings)
			assert.Contains(t, strings.Join(r.Warnings, "\n"), "left out")
			// A run that failed fails.
			requireReason(t, run(t, Config{}, a, b+logged("--- FAIL: BenchmarkX\n", format)), CannotJudge, "the run failed")
		})
	}
	assert.Empty(t, want.Warnings)
	requireReason(t, recorded(t, Config{}, "ci-log"), Regression, "Chat-8 J/op +19.65%")
}

// TestOtherLogs: what is not recognised is said, and never passes in silence.
func TestOtherLogs(t *testing.T) {
	for name, log := range map[string]string{
		"unknown":      logged(before, "runner=7 >> "),
		"two services": logged(before, "a  | ") + logged(before, "b  | "),
		"not all":      "starting\n" + logged(before, "bench-1 | "),
	} {
		t.Run(name, func(t *testing.T) {
			requireReason(t, run(t, Config{}, before, log), CannotJudge, "new.txt has no results at the beginning of a line, but", "cut off what precedes them")
		})
	}
	// Of another service, after the beginning by which the log was recognised.
	late := logged(strings.Repeat("log\n", 20_000)+before, "a | ")
	assert.Equal(t, Pass, run(t, Config{}, before, late).Outcome)
	requireReason(t, run(t, Config{}, before, late+logged(before, "b | ")), CannotJudge, "the result is not at the beginning of the line, as others are")
	// A log that quotes a result is no other log.
	assert.Equal(t, Pass, run(t, Config{}, before, before+"    x_test.go:3: BenchmarkChat-8 100 5 J/op\n").Outcome)
}

// FuzzLogs: whatever precedes the lines, there are as many results as without it, or
// the gate does not pass.
func FuzzLogs(f *testing.F) {
	for _, s := range []string{"2026-01-02T10:00:00Z ", "a | ", "\x1b[0m", "[x] ", "\t", "Benchmark ", "#", "::"} {
		f.Add(s, before)
	}
	f.Fuzz(func(t *testing.T, prefix, text string) {
		r := run(t, Config{}, before, logged(before, strings.ReplaceAll(prefix, "%", "")))
		if r.Outcome == Pass {
			require.Equal(t, 10, r.NewFile.Results)
		}
		r = run(t, Config{}, text, text)
		if r.Outcome != Pass {
			require.NotEmpty(t, r.Reasons)
		}
	})
}
