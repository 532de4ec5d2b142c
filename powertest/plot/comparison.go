package plot

import (
	"fmt"

	"github.com/joulebench/joulebench/powertest/gate"
)

// A Comparison is the samples of a benchmark in one unit: of two builds, or of one, which
// is New then.
type Comparison struct {
	// Benchmark is as gate writes it, Unit a unit of base, such as J/op or sec/op.
	Benchmark, Unit string
	// Old has no samples where there is one build.
	Old, New Samples
	// Change is that of the median as a share of the old one, Low and High the interval in
	// which it is with a confidence of, for instance, 0.95. Not a number if there is none.
	Change, Low, High, Confidence float64
	// Unseen is the largest change for the worse that the samples could not have shown, as
	// a share; not a number where that is no question.
	Unseen float64
	// Threshold is the share by which the median must have moved; not a number if there
	// is none.
	Threshold float64
	// Verdict is the gate's; empty if there was nothing to judge. Why says more.
	Verdict gate.Verdict
	Why     string
}

// Samples are those of one build.
type Samples struct {
	// Name is what the build is called: its file.
	Name string
	// Samples are in the order in which they were run.
	Samples []Sample
	// Median, and the interval in which it is with a confidence of 95 %; Low and High are
	// not numbers where there are too few samples to say.
	Median, Low, High float64
}

// A Sample is one run.
type Sample struct {
	// Order is its place among the samples of both builds, from 0, where it is known in
	// which order they were taken; otherwise that among those of its own.
	Order int
	Value float64
	// Error is the half-width of the instrument's interval, in the unit; not a number if
	// there is none.
	Error float64
}

// Title implements [Figure].
func (c *Comparison) Title() string { return c.Benchmark + ": " + c.Unit }

// Describe implements [Figure].
func (c *Comparison) Describe() string {
	if len(c.Old.Samples) == 0 {
		return fmt.Sprintf("%d samples of %s in %s, in the order in which they were run.", len(c.New.Samples), c.Benchmark, c.Unit)
	}
	return fmt.Sprintf("%d samples of %s and %d of %s in %s, in the order in which they were run: %s.",
		len(c.Old.Samples), c.Old.Name, len(c.New.Samples), c.New.Name, c.Unit, c.Verdict)
}

// Changes are several comparisons at a glance: the change of each, with its interval.
type Changes struct {
	// Headline is the gate's verdict on all of them.
	Headline string
	Old, New string
	// Rows are in the order in which they matter: the first ones are drawn.
	Rows []*Comparison
}

// Title implements [Figure].
func (c *Changes) Title() string { return c.Old + " → " + c.New }

// Describe implements [Figure].
func (c *Changes) Describe() string {
	words := fmt.Sprintf("How the median of %s and units has changed, with the interval of the test", count(len(c.Rows), "benchmark"))
	if len(c.Rows) > maxChanges {
		words = fmt.Sprintf("The %d of %d changes with the worst verdicts, the largest first, with the intervals of the tests", maxChanges, len(c.Rows))
	}
	return words + ". Grey: what is less than the threshold."
}
