package ab_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/joulebench/joulebench/powertest/ab"
	"github.com/joulebench/joulebench/powertest/gate"
)

// The work tree is compared with the branch main, by the energy of the benchmarks of
// one package, and the exit code is the verdict.
func ExampleSession() {
	s := ab.Session{
		Base:     "main",
		Bench:    "Chat",
		Packages: []string{"./client"},
		Dir:      "energy",
		MaxCount: 30, // where 10 samples of each side do not decide
		Cooldown: time.Minute,
		Gate:     gate.Config{Units: []string{"J/op"}, Thresholds: map[string]float64{"": 0.02}},
		Progress: os.Stderr,
	}
	result, err := s.Run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if result.Ledger != nil {
			fmt.Fprintf(os.Stderr, "%d samples are kept; Resume goes on\n", result.Ledger.Samples())
		}
		os.Exit(2)
	}
	result.Report.WriteText(os.Stdout, false)
	os.Exit(result.Report.Outcome.ExitCode())
}

func ExampleOrder() {
	for s := range ab.Order(1, 0, 4) {
		fmt.Print(s.Side, " ")
	}
	// Output: base head head base base head head base
}

func ExampleLooks() {
	looks, err := ab.Looks(0.05, 10, 30)
	for _, l := range looks {
		fmt.Printf("at %d samples: alpha %.4f\n", l.Count, l.Alpha)
	}
	fmt.Println(err)
	// Output:
	// at 10 samples: alpha 0.0007
	// at 20 samples: alpha 0.0157
	// at 30 samples: alpha 0.0336
	// <nil>
}
