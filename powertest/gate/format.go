package gate

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/perf/benchunit"
)

// percent is a share in percent, with as few digits as it needs.
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/1e2, 'f', -1, 64) + " %"
}

// formatDelta is a change in percent, as benchstat writes it.
func formatDelta(delta float64) string {
	switch {
	case math.IsNaN(delta):
		return "?"
	case math.IsInf(delta, 0):
		return "+∞"
	}
	return fmt.Sprintf("%+.2f%%", delta*100)
}

// formatP is a p-value: never 0, which it is not.
func formatP(p float64) string {
	switch {
	case math.IsNaN(p):
		return ""
	case p < 0.0001:
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// formatValue is a value with its unit, for a sentence.
func formatValue(v float64, unit string) string {
	return benchunit.Scale(v, benchunit.ClassOf(unit)) + " " + unit
}
