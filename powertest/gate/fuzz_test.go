package gate

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// FuzzJudgeReaders: whatever files contain, the gate does not panic, all writers
// can write the report, and a side that is corrupt or has no results never passes.
// (To look for more, give -fuzzminimizetime 10x: what is covered is not the same in
// every run, and minimizing goes on for a minute.)
func FuzzJudgeReaders(f *testing.F) {
	f.Add(before, after)
	f.Add(before, before+"BenchmarkDraft 1 2\n")
	f.Add("gpu: a\n"+before, "gpu: b\n"+after)
	f.Add("Unit J/op better=lower assume=exact\n"+before, "Unit J/op better=higher\n"+after)
	f.Add("Benchmark 1 NaN J/op\nBenchmark 1 -Inf J/op 1 err-%", "Benchmark 1 0 J/op -3 W 1 invalid\n")
	f.Add("\xef\xbb\xbfBenchmarkA 1 1e308 J/op\r\n", "\xff\xfeB\x00")
	f.Add(strings.Repeat("x", 300)+"\n"+before, "BenchmarkA "+strings.Repeat("1", 300))
	paired, too := taken{count: 6, value: func(run, side int) float64 { return 1e300 / float64(1+run*run+side) }}.files()
	f.Add(paired, too)
	f.Fuzz(func(t *testing.T, old, newer string) {
		cfg := Config{Missing: Warn, MaxUnseen: map[string]float64{"": 0.5}}
		if _, err := PlanReader(cfg, "old", strings.NewReader(old)); err != nil {
			t.Fatalf("strings can be read: %v", err)
		}
		r, err := JudgeReaders(cfg, "old", strings.NewReader(old), "new", strings.NewReader(newer))
		if err != nil {
			t.Fatalf("strings can be read: %v", err)
		}
		plain := len(r.Warnings) == 0 || !strings.Contains(strings.Join(r.Warnings, "\n"), "left out")
		if r.Outcome == Pass && plain && (corrupt(old) || corrupt(newer)) {
			t.Fatalf("passes: %q %q", old, newer)
		}
		if r.Outcome != Pass && len(r.Reasons) == 0 {
			t.Fatal("there is no reason")
		}
		for _, write := range []func(io.Writer) error{
			func(w io.Writer) error { return r.WriteText(w, true) }, r.WriteMarkdown, r.WriteJSON, r.WriteJUnit, r.WriteGitHub,
		} {
			if err := write(io.Discard); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// corrupt is what must not pass, by another way than the gate's.
func corrupt(s string) bool {
	results := 0
	r := benchfmt.NewReader(strings.NewReader(s), "")
	for r.Scan() {
		switch r.Result().(type) {
		case *benchfmt.SyntaxError:
			return !strings.Contains(s, "Unit") // a line about a unit matters if that is judged
		case *benchfmt.Result:
			results++
		}
	}
	return results == 0 && r.Err() == nil || strings.Contains("\n"+s, "\n--- FAIL") || strings.Contains("\n"+s, "\npanic: ")
}

// FuzzReadWaivers: no panic, and what was read is whole.
func FuzzReadWaivers(f *testing.F) {
	f.Add([]byte("Chat-8 J/op 2026-12-31 larger model\n# comment\n\nEmbed * 2027-01-01 gone # note\n"))
	f.Add([]byte("Chat J/op"))
	f.Add([]byte("\xff\xfe a b 2026-13-01 c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ReadWaivers(bytes.NewReader(data), "waivers")
		if err != nil && list != nil {
			t.Fatal("waivers of a file that cannot be read")
		}
		for _, w := range list {
			if w.Benchmark == "" && w.Unit == "" || w.Reason == "" || w.Until.IsZero() || w.Line == 0 {
				t.Fatalf("half a waiver: %+v", w)
			}
		}
	})
}

// FuzzShares: whatever -threshold and -max-unseen are given, what is taken is a share that
// a configuration can have.
func FuzzShares(f *testing.F) {
	for _, s := range []string{"5%", "J/op=3%,ns/op=5 %", "=1%", "J/op=-1%", "J/op=1e400%", "NaN%", "a=b=1%", "%", ",", "5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := unitValues{parse: parseShare, alone: true}
		if v.Set(s) != nil {
			return
		}
		if len(v.values) != strings.Count(s, ",")+1 {
			t.Fatalf("%q: %v", s, v.values)
		}
		if err := (Config{Thresholds: v.values, MaxUnseen: v.values}).Check(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
	})
}
