package gate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everything is a report with all there can be in one.
func everything(t *testing.T) *Report {
	t.Helper()
	const config = "goos: linux\npkg: example.com/client\ngpu: NVIDIA H200\nUnit allocs/op assume=exact\n"
	five := func(name string, old, newer float64) [2]string {
		return [2]string{file(name, "J/op", spread(old, 12)...), file(name, "J/op", spread(newer, 12)...)}
	}
	old, newer := config, config
	for _, f := range [][2]string{
		five("Chat/model=llama-3.1-70b/concurrency=64/quantization=fp8-8", 1.203, 1.31),
		five("Embed-8", 0.0512, 0.0448), five("Rerank-8", 7, 7.01), five("Vision|*_<b>`-8", 3, 3.6),
		{file("Chat/model=llama-3.1-70b/concurrency=64/quantization=fp8-8", "goodput-tokens/J", spread(8.5, 12)...), file("Chat/model=llama-3.1-70b/concurrency=64/quantization=fp8-8", "goodput-tokens/J", spread(8.4, 12)...)},
		{file("Embed-8", "allocs/op", 12), file("Embed-8", "allocs/op", 13)},
		{file("Few-8", "J/op", 1), file("Few-8", "J/op", 1)},
		{file("Gone-8", "J/op", spread(3, 12)...), file("Added-8", "J/op", spread(3, 12)...)},
	} {
		old, newer = old+f[0], newer+f[1]
	}
	waivers, err := ReadWaivers(strings.NewReader("Vision|*_<b>` J/op 2026-12-31 a larger picture\n"), "waivers")
	require.NoError(t, err)
	return run(t, Config{
		Thresholds: map[string]float64{"goodput-tokens/J": 0.03, "allocs/op": 0},
		Max:        map[string]float64{"J/op": 3.5},
		Waivers:    waivers, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}, old, newer)
}

func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b))
	return b.String()
}

func plain(r *Report) func(io.Writer) error {
	return func(w io.Writer) error { return r.WriteText(w, false) }
}

// TestWriteText: the verdict first, and no line of the table wider than a
// terminal, but for the names that are.
func TestWriteText(t *testing.T) {
	r := everything(t)
	out := written(t, plain(r))
	t.Log("\n" + out)
	assert.True(t, strings.HasPrefix(out, "FAIL: 2 regressions in 7 comparisons, 1 of 6 budgets over (1 better, 1 inconclusive, 2 waived, 1 new, 1 missing)\n"), out)
	_, table, _ := strings.Cut(out, "\nold: old.txt")
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "Chat/model") && !strings.HasPrefix(line, "  ") {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSpace(line)), textWidth, line)
		}
	}
	for _, want := range []string{
		"goos: linux, pkg: example.com/client, gpu: NVIDIA H200\n", "REGRESSION\n", "OVER-BUDGET\n", "improvement\n", "waived\n",
		"  exact  ", "max 3.500", "waived until 2026-12-31: a larger picture", "missing:\n  Gone-8\n", "new, not compared:\n  Added-8\n",
	} {
		assert.Contains(t, out, want)
	}
	assert.NotContains(t, out, "\x1b")
	color := written(t, func(w io.Writer) error { return r.WriteText(w, true) })
	assert.True(t, strings.HasPrefix(color, "\x1b[31mFAIL: "), color[:20])
	assert.Contains(t, color, "\x1b[32mimprovement\x1b[0m")
}

// TestWriteTextReasons: one reason is the headline; of more, the headline has the
// first and the others follow.
func TestWriteTextReasons(t *testing.T) {
	assert.Equal(t, "CANNOT JUDGE: new.txt has no results: give the output of go test -bench\n",
		strings.SplitAfter(written(t, plain(run(t, Config{Missing: Warn}, before, ""))), "\n")[0])
	out := written(t, plain(run(t, Config{}, "", "")))
	assert.Contains(t, out, "(and 1 more reason)\n  - new.txt has no results")
	bad := before + "BenchmarkA 1 2\nBenchmarkB 1 2\n"
	out = written(t, plain(run(t, Config{}, before, bad)))
	assert.Contains(t, out, "lines that cannot be used:\n  new.txt:11: missing units: BenchmarkA 1 2\n")
}

// TestControlCharacters: a benchmark's name cannot clear the terminal.
func TestControlCharacters(t *testing.T) {
	evil := strings.ReplaceAll(before, "Chat", "Chat\x1b[2J\xff\u0085")
	for _, out := range []string{
		written(t, plain(run(t, Config{}, evil, before))),
		written(t, run(t, Config{}, evil, before+evil+"Benchmark\x1b[2J 1 2\n").WriteGitHub),
	} {
		assert.NotContains(t, out, "\x1b")
		assert.True(t, utf8.ValidString(out))
	}
}

func TestWriteMarkdown(t *testing.T) {
	out := written(t, everything(t).WriteMarkdown)
	assert.True(t, strings.HasPrefix(out, "\n**FAIL**: 2 regressions"), out)
	assert.Contains(t, out, "| benchmark | unit | old.txt | new.txt | change | p | verdict |\n|---|---|--:|--:|--:|--:|---|\n")
	assert.Contains(t, out, `| Vision\|\*\_&lt;b&gt;\`+"`"+`-8 | J/op | `)
	assert.Contains(t, out, "<details><summary>")
	changed, same, _ := strings.Cut(out, "<details>")
	assert.Contains(t, same, "| benchmark | unit | old.txt | new.txt | change | p | unseen | verdict |\n|---|---|--:|--:|--:|--:|--:|---|\n")
	for part, columns := range map[string]int{changed: 7, same: 8} {
		for line := range strings.Lines(part) {
			if strings.HasPrefix(line, "|") {
				assert.Equal(t, columns+1, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
			}
		}
	}
	// GitHub takes no more than 1 MiB.
	var many strings.Builder
	for i := range 5000 {
		many.WriteString(file("Case"+strings.Repeat("y", i%7)+strings.Repeat("x", i/7), "J/op", 1, 1))
	}
	assert.Less(t, len(written(t, run(t, Config{}, many.String(), many.String()).WriteMarkdown)), 1<<20)
}

// TestWriteJSON: the keys that are documented, and null or nothing for what is no
// number.
func TestWriteJSON(t *testing.T) {
	r := everything(t)
	var doc struct {
		Schema   int    `json:"schema_version"`
		Outcome  string `json:"outcome"`
		Code     int    `json:"exit_code"`
		Headline string `json:"headline"`
		Rows     []map[string]any
		Reasons  []string
		Old, New File
	}
	out := written(t, r.WriteJSON)
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, 1, doc.Schema)
	assert.Equal(t, "regression", doc.Outcome)
	assert.Equal(t, 1, doc.Code)
	assert.Equal(t, r.Headline(), doc.Headline)
	assert.Len(t, doc.Rows, len(r.Rows))
	assert.Equal(t, "old.txt", doc.Old.Name)
	first := doc.Rows[0]
	assert.Equal(t, "regression", first["verdict"])
	assert.InDelta(t, 0.0889, first["delta"], 0.001)
	assert.Equal(t, "lower", first["better"])
	for _, key := range []string{"p", "p_adjusted", "threshold", "old", "new"} {
		assert.Contains(t, first, key)
	}
	infinite := written(t, run(t, Config{}, file("A", "J/op", 0), file("A", "J/op", 1)).WriteJSON)
	assert.True(t, json.Valid([]byte(infinite)))
	assert.NotContains(t, infinite, `"delta"`)
	empty := written(t, run(t, Config{}, "", "").WriteJSON)
	assert.Contains(t, empty, `"rows": []`)
}

func TestWriteJUnit(t *testing.T) {
	r := everything(t)
	var doc junitSuites
	require.NoError(t, xml.Unmarshal([]byte(written(t, r.WriteJUnit)), &doc))
	s := doc.Suite
	assert.Len(t, s.Cases, 1+len(r.Rows)+len(r.Missing))
	assert.Equal(t, []int{len(s.Cases), 4, 2, 2}, []int{s.Tests, s.Failures, s.Errors, s.Skipped})
	require.NotNil(t, s.Cases[0].Failure)
	assert.Equal(t, r.Headline(), s.Cases[0].Failure.Message)
	evil := strings.ReplaceAll(before, "Chat", "Chat\x01<&\"")
	require.NoError(t, xml.Unmarshal([]byte(written(t, run(t, Config{}, evil, evil).WriteJUnit)), &doc))
}

// TestWriteGitHub: each annotation is one line, with what would end it escaped.
func TestWriteGitHub(t *testing.T) {
	r := everything(t)
	r.Reasons = append(r.Reasons, "50 % more\r\n::error::")
	out := written(t, r.WriteGitHub)
	assert.Contains(t, out, "::error title=powertest gate::FAIL: 2 regressions")
	assert.Contains(t, out, "::error title=powertest gate::50 %25 more%0A: :error::\n")
	assert.Contains(t, out, "::warning title=powertest gate::Vision|*_<b>`-8 J/op regression is waived until 2026-12-31: a larger picture\n")
	for line := range strings.Lines(out) {
		assert.Regexp(t, "^::(error|warning|notice) title=powertest gate::.", line)
	}
	assert.Equal(t, "::notice title=powertest gate::PASS: no regression in 1 comparison; one of up to 0.31 %25 in Chat-8 J/op could have gone unseen\n",
		written(t, run(t, Config{}, before, before).WriteGitHub))
}

// TestReadJSON: what was written as JSON is read as it was, but for what is not in it.
func TestReadJSON(t *testing.T) {
	t.Parallel()
	r := everything(t)
	var first, again bytes.Buffer
	require.NoError(t, r.WriteJSON(&first))
	read, err := ReadJSON(bytes.NewReader(first.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, r.Headline(), read.Headline())
	require.NoError(t, read.WriteJSON(&again))
	assert.Equal(t, first.String(), again.String())
	_, err = ReadJSON(strings.NewReader(`{"schema_version":99}`))
	require.ErrorIs(t, err, ErrInput)
}

// TestReadJSONRuns: runs are those of the values, or the report is refused.
func TestReadJSONRuns(t *testing.T) {
	t.Parallel()
	for runs, refused := range map[string]bool{`[1,2]`: false, `null`: false, `[1]`: true, `[]`: true, `[1,2,3]`: true, `[0,1]`: true, `[1,9223372036854775807]`: true} {
		for _, row := range []string{`{"new":{"values":[5,6],"runs":%s}}`, `{"new":{"values":[5]},"old":{"values":[5,6],"runs":%s}}`} {
			_, err := ReadJSON(strings.NewReader(fmt.Sprintf(`{"rows":[`+row+`]}`, runs)))
			if !refused {
				require.NoError(t, err, runs)
				continue
			}
			require.ErrorIs(t, err, ErrInput, runs)
			assert.ErrorContains(t, err, "row 1: ")
		}
	}
}

// TestReadSamples: all units of a file, each value in its order, with the median and the
// interval that a comparison has.
func TestReadSamples(t *testing.T) {
	t.Parallel()
	const text = "Unit X better=higher\nBenchmarkA-8 1 10 J/op 2 err-% 3 X\nBenchmarkA-8 1 8 J/op 1 err-% 4 X\nBenchmarkA-8 1 9 J/op 3 err-% 5 X\nBenchmarkB 1 NaN J/op\n"
	list, warnings, err := ReadSamples(Config{}, "a.txt", strings.NewReader(text))
	require.NoError(t, err)
	require.Len(t, list, 3)
	joules := list[0]
	assert.Equal(t, "A-8", joules.Name())
	assert.Equal(t, "J/op", joules.Unit)
	assert.Equal(t, -1, joules.Better)
	assert.Equal(t, []float64{10, 8, 9}, joules.Values)
	assert.Equal(t, []float64{2, 1, 3}, joules.Errors)
	assert.InDelta(t, 9, joules.Summary.Center, 0)
	assert.Equal(t, +1, list[2].Better)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "a.txt:5: J/op is not a number")
}

// TestReasonsAreSaidOnce: a reason why there is no verdict is in each output once, and rows with
// one cause have it once.
func TestReasonsAreSaidOnce(t *testing.T) {
	for _, reasons := range [][]string{{"first"}, {"first", "second"}, {"first\nwith a hint", "second", "third"}} {
		r := &Report{Outcome: CannotJudge, Reasons: reasons}
		for _, unit := range []string{"J/op", "ns/op"} {
			r.Rows = append(r.Rows, Row{Benchmark: "Chat", Unit: unit, Verdict: VerdictInconclusive, Why: "3+3 samples are too few"})
		}
		r.Rows = append(r.Rows, Row{Benchmark: "Chat", Unit: "J/token", Verdict: VerdictInconclusive, Why: "another cause"})
		for name, write := range map[string]func(io.Writer) error{
			"text":  func(w io.Writer) error { return r.WriteText(w, false) },
			"brief": r.writeBrief, "markdown": r.WriteMarkdown, "github": r.WriteGitHub,
		} {
			var b strings.Builder
			require.NoError(t, write(&b))
			for _, reason := range reasons {
				for line := range strings.SplitSeq(reason, "\n") {
					assert.Equal(t, 1, strings.Count(b.String(), line), "%s in %s:\n%s", line, name, b.String())
				}
			}
			if name == "text" {
				assert.Equal(t, 1, strings.Count(b.String(), "3+3 samples are too few"), b.String())
				assert.Less(t, strings.Index(b.String(), "ns/op"), strings.Index(b.String(), "3+3"), "below the last row of its cause")
				assert.Equal(t, 1, strings.Count(b.String(), "another cause"))
			}
		}
	}
}
