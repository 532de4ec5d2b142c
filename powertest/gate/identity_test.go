package gate

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded judges two recordings of a folder of testdata.
func recorded(t *testing.T, cfg Config, folder string) *Report {
	t.Helper()
	side := func(name string) Side {
		return Side{Label: name, Path: filepath.Join("testdata", folder, name)}
	}
	r, err := Judge(cfg, side("old.txt"), side("new.txt"))
	require.NoError(t, err)
	return r
}

// waive is a list of one waiver.
func waive(t *testing.T, line string) []Waiver {
	t.Helper()
	list, err := ReadWaivers(strings.NewReader(line), "waivers")
	require.NoError(t, err)
	return list
}

// outputs are all that a report is written as.
func outputs(t *testing.T, r *Report) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":       func(b *bytes.Buffer) error { return r.WriteText(b, false) },
		"brief":      func(b *bytes.Buffer) error { return r.writeBrief(b) },
		"markdown":   func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
		"JSON":       func(b *bytes.Buffer) error { return r.WriteJSON(b) },
		"JUnit":      func(b *bytes.Buffer) error { return r.WriteJUnit(b) },
		"annotation": func(b *bytes.Buffer) error { return r.WriteGitHub(b) },
	} {
		var b bytes.Buffer
		require.NoError(t, write(&b))
		all[name] = b.String()
	}
	return all
}

// TestSameNameInTwoPackages: of benchmarks that are called alike the package is said
// wherever they stand alone.
func TestSameNameInTwoPackages(t *testing.T) {
	r := recorded(t, Config{}, "same-name-two-pkgs")
	requireReason(t, r, Regression, "2 regressions: example.com/q.Chat-8 sec/op +", ", example.com/q.Chat-8 J/op +")
	all := outputs(t, r)
	assert.Contains(t, all["brief"], "example.com/q.Chat-8 J/op +")
	assert.Contains(t, all["annotation"], "::error title=powertest gate::example.com/q.Chat-8 J/op regression: ")
	assert.NotContains(t, all["annotation"], "example.com/p")
	assert.Contains(t, all["JSON"], `"package": "example.com/q"`)

	var suites junitSuites
	require.NoError(t, xml.Unmarshal([]byte(all["JUnit"]), &suites))
	cases := map[string]bool{} // whether each failed
	for _, c := range suites.Suite.Cases {
		id := c.Class + " " + c.Name
		_, twice := cases[id]
		assert.False(t, twice, id)
		cases[id] = c.Failure != nil
	}
	assert.Equal(t, map[string]bool{"powertest gate": true,
		"example.com/p.Chat-8 sec/op": false, "example.com/p.Chat-8 J/op": false,
		"example.com/q.Chat-8 sec/op": true, "example.com/q.Chat-8 J/op": true}, cases)
}

// TestWaiverOfOnePackage: it holds for that one, and a name alone that means two
// benchmarks waives none.
func TestWaiverOfOnePackage(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for line, want := range map[string]Outcome{
		"example.com/q.Chat * 2026-12-31 x":            Pass,
		"example.com/q.Chat-8 * 2026-12-31 x":          Pass,
		"example.com/q.BenchmarkChat-8 * 2026-12-31 x": Pass,
		"example.com/q.Chat J/op 2026-12-31 x":         Regression,
		"example.com/p.Chat * 2026-12-31 x":            Regression,
		"Chat * 2026-12-31 x":                          Regression,
		"Chat-8 * 2026-12-31 x":                        Regression,
	} {
		r := recorded(t, Config{Waivers: waive(t, line), Now: now}, "same-name-two-pkgs")
		assert.Equal(t, want, r.Outcome, line)
		if strings.HasPrefix(line, "Chat") {
			assert.Len(t, r.Warnings, 1)
			assert.Contains(t, r.Warnings[0], "(line 1) waives nothing, for 2 packages have that benchmark: write example.com/p.Chat")
		}
	}
	// A package that has the only one need not be said, and may be.
	one := "pkg: example.com/p\n"
	for _, line := range []string{"Chat * 2026-12-31 x", "example.com/p.Chat * 2026-12-31 x"} {
		r := run(t, Config{Waivers: waive(t, line), Now: now}, one+before, one+after)
		assert.Equal(t, Pass, r.Outcome, line)
	}
	// What is ambiguous only with another GOMAXPROCS is so, too.
	two := func(a, b string) string {
		return "pkg: p\n" + a + "pkg: q\n" + strings.ReplaceAll(b, "Chat-8", "Chat-16")
	}
	r := run(t, Config{Waivers: waive(t, "Chat * 2026-12-31 x"), Now: now}, two(before, before), two(before, after))
	assert.Equal(t, Regression, r.Outcome)
}

// TestSameNameInTwoConfigurations: any line may be what tells benchmarks apart.
func TestSameNameInTwoConfigurations(t *testing.T) {
	on := func(a, b string) string { return "gpu: A100\n" + a + "gpu: H200\n" + b }
	r := run(t, Config{}, on(before, before), on(before, after))
	requireReason(t, r, Regression, "1 regression: Chat-8 (gpu: H200) J/op +10.00%")
	assert.Equal(t, "Chat-8", r.Rows[1].Benchmark)
	r = run(t, Config{}, on(before, before), "gpu: A100\n"+before)
	requireReason(t, r, CannotJudge, "missing in new.txt: Chat-8 (gpu: H200)")
	in := func(pkg, gpu string) string { return "pkg: " + pkg + "\ngpu: " + gpu + "\n" + before }
	all := in("p", "A") + in("p", "B") + in("q", "A")
	r = run(t, Config{}, all, all+in("q", "B")+in("q", "C"))
	var names []string
	for _, n := range r.New {
		names = append(names, n.String())
	}
	assert.Equal(t, []string{"q.Chat-8 (gpu: B)", "q.Chat-8 (gpu: C)"}, names)
	// Sides that differ are no two benchmarks.
	requireReason(t, run(t, Config{}, in("p", "A"), in("p", "B")), CannotJudge, "gpu differs: A in old.txt, B in new.txt")
}

// TestAnnotationOfEachRegression, and what is left out is said.
func TestAnnotationOfEachRegression(t *testing.T) {
	for _, n := range []int{14, 60} {
		var old, newer strings.Builder
		for i := range n {
			old.WriteString(file(fmt.Sprintf("Chat%d-8", i), "J/op", spread(100, 10)...))
			newer.WriteString(file(fmt.Sprintf("Chat%d-8", i), "J/op", spread(120, 10)...))
		}
		r := run(t, Config{}, old.String(), newer.String())
		text := outputs(t, r)["annotation"]
		assert.Contains(t, text, fmt.Sprintf("::FAIL: %d regressions in %[1]d comparisons\n", n))
		each := strings.Count(text, " J/op regression: ")
		if n < maxAnnotations {
			assert.Equal(t, n, each)
			assert.Contains(t, text, "::Chat13-8 J/op regression: 99.95 ± 0%25 -> 119.94 ± 0%25 (+20.00%25, p=0.0002); look for the cause, or waive it until a day\n")
			continue
		}
		assert.Equal(t, maxAnnotations-2, each)
		assert.Contains(t, text, "::error title=powertest gate::and 12 more, which are in the log\n")
	}
}

// TestUnjudgedMetric: one that is infinite, and that nobody judges, is not in the way.
func TestUnjudgedMetric(t *testing.T) {
	requireReason(t, recorded(t, Config{}, "inf"), Regression, "2 regressions: Chat-8 sec/op +19.60%, Chat-8 J/op +20.93%")
	requireReason(t, recorded(t, Config{Units: []string{"rows/op"}, Better: map[string]int{"rows/op": -1}}, "inf"), CannotJudge, "rows/op is infinite")
}
