package gate

import (
	"bytes"
	"errors"
	"flag"
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
)

// brokenWriter fails, as a pipe does that nobody reads any more.
type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// runFlags judges and publishes as the command does.
func runFlags(t *testing.T, stdout io.Writer, args ...string) (code int, stderr string) {
	t.Helper()
	t.Setenv("GITHUB_ACTIONS", "")
	var g Flags
	set := flag.NewFlagSet("gate", flag.ContinueOnError)
	g.Register(set)
	require.NoError(t, set.Parse(args))
	sides, err := g.Sides(set.Args())
	require.NoError(t, err)
	var errs bytes.Buffer
	code = g.Publish(g.Judge(sides...), stdout, &errs)
	return code, errs.String()
}

// recordings are the fixtures that prove that the gate can fail.
func recordings(name string) string {
	return filepath.Join("..", "..", "testdata", "gate", name)
}

// TestPublishFails: a verdict that could not be written is no pass, and a regression
// stays one.
func TestPublishFails(t *testing.T) {
	for _, flag := range []string{"-q", "-json=-", "-missing=fail"} {
		code, errs := runFlags(t, brokenWriter{}, flag, recordings("old.txt"), recordings("new-same.txt"))
		assert.Equal(t, 2, code, flag)
		assert.Contains(t, errs, "powertest gate: broken pipe", flag)
		code, _ = runFlags(t, brokenWriter{}, flag, recordings("old.txt"), recordings("new-regressed.txt"))
		assert.Equal(t, 1, code, flag)
	}
}

// TestPublishKeepsOldFile: where writing fails, what was there stays.
func TestPublishKeepsOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	require.NoError(t, os.Mkdir(path, 0o755))
	code, errs := runFlags(t, io.Discard, "-q", "-json", path, recordings("old.txt"), recordings("new-same.txt"))
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "it is not a regular file")
}

// TestPublishEverywhere: one report in each of its forms, Markdown after what is in
// its file already.
func TestPublishEverywhere(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(in("summary.md"), []byte("before\n"), 0o644))
	var out bytes.Buffer
	code, errs := runFlags(t, &out, "-q", "-markdown", in("summary.md"), "-junit", in("gate.xml"), "-json", in("gate.json"),
		recordings("old.txt"), recordings("new-regressed.txt"))
	assert.Equal(t, 1, code)
	assert.Empty(t, errs)
	assert.Regexp(t, "^FAIL: 6 regressions .*\n  - 6 regressions: ", out.String())
	for name, want := range map[string]string{"summary.md": "before\n\n**FAIL**: 6 reg", "gate.xml": "<?xml ", "gate.json": "{\n  \"schema_version\": 1,"} {
		text, err := os.ReadFile(in(name))
		require.NoError(t, err)
		assert.Truef(t, bytes.HasPrefix(text, []byte(want)), "%s: %.40s", name, text)
	}
	out.Reset()
	code, errs = runFlags(t, &out, "-json", "-", recordings("old.txt"), "no-such-file")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "no-such-file: no such file or directory; is the path right, and was the file written?")
	assert.True(t, bytes.HasPrefix(out.Bytes(), []byte("{")), out.String())
}

// TestRefuse: after arguments that cannot be followed, no file of an earlier verdict
// is left, and none is written that may be a side.
func TestRefuse(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(in("old.txt"), []byte(before), 0o644))
	var g Flags
	set := flag.NewFlagSet("gate", flag.ContinueOnError)
	g.Register(set)
	require.NoError(t, set.Parse([]string{"-json", in("gate.json"), "-junit", in("old.txt"), "-markdown", in("gate.json"), in("old.txt"), "-q"}))
	_, err := g.Sides(set.Args())
	require.ErrorContains(t, err, "-q is after a file")
	var out, errs bytes.Buffer
	assert.Equal(t, 2, g.Refuse(err, set.Args(), &out, &errs))
	assert.Empty(t, out.String()+errs.String())
	text, err := os.ReadFile(in("gate.json"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "-q is after a file: flags stand before the files; powertest gate -h lists the flags")
	text, err = os.ReadFile(in("old.txt"))
	require.NoError(t, err)
	assert.Equal(t, before, string(text))
}

// TestFlagsMissing: a policy that there is not is refused with those that there are.
func TestFlagsMissing(t *testing.T) {
	var g Flags
	set := flag.NewFlagSet("gate", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	g.Register(set)
	assert.ErrorContains(t, set.Parse([]string{"-missing", "no"}), "it is fail or warn")
}

// TestFlagsCheck: flags that contradict each other, and files in two roles.
func TestFlagsCheck(t *testing.T) {
	for want, args := range map[string][]string{
		"-alpha=1: it must be":              {"-alpha", "1", "a", "b"},
		"-markdown is appended to a file":   {"-markdown", "-", "a", "b"},
		"-junit is written to a file":       {"-junit", "-", "a", "b"},
		"-q and -json - are two things":     {"-q", "-json", "-", "a", "b"},
		"./b would be read and overwritten": {"-json", "./b", "a", "b"},
		"w would be read and overwritten":   {"-junit", "w", "-waivers", "w", "a", "b"},
		"out would be read and overwritten": {"-junit", "out", "-json", "out", "a", "b"},
		"what is to be judged?":             {},
		"a is one side":                     {"a"},
		"there are 3 files":                 {"a", "b", "c"},
		"both sides are the standard input": {"-", "x=-"},
	} {
		var g Flags
		set := flag.NewFlagSet("gate", flag.ContinueOnError)
		g.Register(set)
		require.NoError(t, set.Parse(args))
		_, err := g.Sides(set.Args())
		assert.ErrorContains(t, err, want)
	}
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestColours: what is no terminal gets no escape sequences, and the coloured
// text is the same but for them.
func TestColours(t *testing.T) {
	report, err := Judge(Config{}, Side{Path: recordings("old.txt")}, Side{Path: recordings("new-regressed.txt")})
	require.NoError(t, err)
	var plain, coloured bytes.Buffer
	require.NoError(t, report.WriteText(&plain, false))
	require.NoError(t, report.WriteText(&coloured, true))
	assert.NotContains(t, plain.String(), "\x1b")
	assert.Contains(t, coloured.String(), "\x1b[")
	assert.Equal(t, plain.String(), escapes.ReplaceAllString(coloured.String(), ""))
}

// TestDocumentedSamples: as many rows as docs/gate.md says can be judged with so
// many samples, and not one more.
func TestDocumentedSamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "gate.md"))
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| [\d.]+ \| (\d+|none) \|$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 7)
	for _, row := range rows {
		n, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		family, _ := strconv.Atoi(row[2]) // none is 0
		if family > 0 {
			assert.Equal(t, Pass, judgeFamily(t, family, n), "%d rows of %d samples", family, n)
		}
		assert.Equal(t, CannotJudge, judgeFamily(t, family+1, n), "%d rows of %d samples", family+1, n)
	}
}

// judgeFamily judges many benchmarks that have so many samples on each side.
func judgeFamily(t *testing.T, benchmarks, samples int) Outcome {
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
	report, err := JudgeReaders(Config{}, "old", side(0), "new", side(0.5))
	require.NoError(t, err)
	return report.Outcome
}

// TestDocumentedWaivers: the file of waivers in docs/gate.md is one.
func TestDocumentedWaivers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "gate.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```\n(# benchmark .*?)```").FindSubmatch(text)
	require.NotNil(t, block)
	waivers, err := ReadWaivers(bytes.NewReader(block[1]), "gate.md")
	require.NoError(t, err)
	require.Len(t, waivers, 3)
	assert.Equal(t, "larger draft model, see issue 51", waivers[0].Reason)
	assert.Equal(t, "*", waivers[1].Unit)
}
