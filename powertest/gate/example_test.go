package gate_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joulebench/joulebench/powertest/gate"
)

// results are ten samples of a benchmark, as go test -bench -count 10 prints them.
func results(joules float64) string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "BenchmarkChat-8 100 %g J/op\n", joules+float64(i)/1000)
	}
	return b.String()
}

func ExampleJudgeReaders() {
	report, err := gate.JudgeReaders(gate.Config{},
		"old.txt", strings.NewReader(results(1.203)),
		"new.txt", strings.NewReader(results(1.310)))
	if err != nil {
		fmt.Println(err)
		return
	}
	report.WriteText(os.Stdout, false)
	fmt.Println("exit code", report.Outcome.ExitCode())
	// Output:
	// FAIL: 1 regression in 1 comparison
	//   - 1 regression: Chat-8 J/op +8.86%; look for the cause, or waive it until a day
	//
	// old: old.txt (10 results)
	// new: new.txt (10 results)
	//
	// benchmark  unit          old          new  change        p  verdict
	// Chat-8     J/op  1.208 ±  0%  1.315 ±  0%  +8.86%  <0.0001  REGRESSION
	//
	// test: Mann-Whitney U test of all samples
	// exit code 1
}

func ExampleReadWaivers() {
	waivers, err := gate.ReadWaivers(strings.NewReader(`
# benchmark  unit  until       reason
Chat         J/op  2026-12-31  larger draft model, see issue 51
`), "waivers.txt")
	fmt.Println(waivers[0].Unit, waivers[0].Reason, err)
	// Output: J/op larger draft model, see issue 51 <nil>
}

// A test of your own, beside the benchmarks, holds what they printed to a baseline that
// is kept in the repository.
func Example_fromATest() {
	testEnergy := func(t *testing.T) { // func TestEnergy(t *testing.T)
		report, err := gate.Judge(gate.Config{Thresholds: map[string]float64{"J/op": 0.05}},
			gate.ParseSide("testdata/baseline.txt"), gate.ParseSide("new.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if report.Outcome != gate.Pass {
			var text strings.Builder
			report.WriteText(&text, false)
			t.Fatal(text.String())
		}
	}
	_ = testEnergy
}

func ExampleFlags() {
	var flags gate.Flags
	set := flag.NewFlagSet("energy", flag.ExitOnError)
	flags.Register(set)
	set.Parse([]string{"-q", "-threshold", "J/op=5%"})
	config, err := flags.Config()
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := gate.JudgeReaders(config,
		"old.txt", strings.NewReader(results(1.203)),
		"new.txt", strings.NewReader(results(1.310)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("exit code", flags.Publish(report, os.Stdout, os.Stderr))
	// Output:
	// FAIL: 1 regression in 1 comparison
	//   - 1 regression: Chat-8 J/op +8.86%; look for the cause, or waive it until a day
	// exit code 1
}

// TestBaseline is a test that one can have beside benchmarks: it compares what
// they printed with a baseline that is kept in the repository.
func TestBaseline(t *testing.T) {
	dir := t.TempDir()
	old, newer := filepath.Join(dir, "baseline.txt"), filepath.Join(dir, "new.txt")
	os.WriteFile(old, []byte(results(1.203)), 0o666)
	os.WriteFile(newer, []byte(results(1.205)), 0o666)

	report, err := gate.Judge(gate.Config{Thresholds: map[string]float64{"J/op": 0.05}},
		gate.ParseSide(old), gate.ParseSide(newer))
	if err != nil {
		t.Fatal(err)
	}
	if report.Outcome != gate.Pass {
		var text strings.Builder
		report.WriteText(&text, false)
		t.Fatal(text.String())
	}
}

// TestAllocBudget holds a benchmark to a budget, without a baseline: it runs it
// with testing.Benchmark, and judges the line that it would have printed.
func TestAllocBudget(t *testing.T) {
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = strings.Repeat("x", 100)
		}
	})
	line := fmt.Sprintf("BenchmarkRepeat %s %s\n", result, result.MemString())
	report, err := gate.BudgetReader(gate.Config{Max: map[string]float64{"allocs/op": 2}}, "Repeat", strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	if report.Outcome != gate.Pass {
		t.Fatal(report.Headline())
	}
}
