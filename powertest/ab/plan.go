package ab

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/joulebench/joulebench/powertest/gate"
)

// Side is one of the two builds.
type Side int

const (
	// Base is what is compared with.
	Base Side = iota
	// Head is what is judged.
	Head
)

// String returns "base" or "head".
func (s Side) String() string {
	if s == Head {
		return "head"
	}
	return "base"
}

// Sample is one run of one build.
type Sample struct {
	// Round is how many samples there are of the same side and package before.
	Round int
	// Package is the number of the package, from 0.
	Package int
	Side    Side
}

// Order yields the samples of the rounds [from, to) of so many packages, in the
// order in which they are to be run. In each round every package is run once per
// side, one side right after the other; which goes first alternates from round to
// round, so that of each package a drift that is linear in the number of runs
// adds the same to both sides in every two rounds.
func Order(packages, from, to int) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		for round := from; round < to; round++ {
			first := Side(round % 2)
			for p := range packages {
				if !yield(Sample{round, p, first}) || !yield(Sample{round, p, Head - first}) {
					return
				}
			}
		}
	}
}

// ErrLooks says that there is no such plan of looks.
var ErrLooks = errors.New("no such looks")

// Look is a time at which the samples are judged.
type Look struct {
	// Count is how many samples there are per side.
	Count int `json:"count"`
	// Alpha is the level at which they are judged then.
	Alpha float64 `json:"alpha"`
}

// Looks plans to look at count samples, at twice as many, and so on, and at last
// at most samples, such that the probability of a false alarm at any look is at
// most alpha. If most is count there is one look, with all of alpha. The error
// wraps [ErrLooks].
func Looks(alpha float64, count, most int) ([]Look, error) {
	switch {
	case !(alpha > 0 && alpha < 1):
		return nil, fmt.Errorf("%w: the level is %v, and must be between 0 and 1", ErrLooks, alpha)
	case count < 1:
		return nil, fmt.Errorf("%w: the first is at %d samples, and must be at 1 or more", ErrLooks, count)
	case most < count:
		return nil, fmt.Errorf("%w: the last, at %d samples, would be before the first, at %d", ErrLooks, most, count)
	}
	var looks []Look
	before := 0.0
	for n := count; ; n += count {
		if n > most-count {
			n = most // the rest is no look of its own: it would add almost nothing
		}
		s := spent(alpha, float64(n)/float64(most))
		looks = append(looks, Look{n, s - before})
		before = s
		if n == most {
			return looks, nil
		}
	}
}

// spent is how much of alpha may have been spent when the share t of the samples
// is there: 2 - 2Φ(z/√t), where Φ(z) = 1 - alpha/2, so that all is at 1.
func spent(alpha, t float64) float64 {
	if t >= 1 {
		return alpha
	}
	return math.Erfc(math.Erfcinv(alpha) / math.Sqrt(t))
}

// undecided reports whether more samples might change a verdict: there is no
// regression, and a benchmark that is inconclusive, if it is not for what no number of
// samples would show, or one whose median has moved by the threshold, though not
// significantly. That samples are no longer taken where there is nothing to be seen
// raises no false alarms.
func undecided(r *gate.Report) bool {
	if r.Outcome == gate.Regression {
		return false
	}
	return slices.ContainsFunc(r.Rows, func(row gate.Row) bool {
		change := math.Abs(row.Delta)
		return row.Verdict == gate.VerdictInconclusive && !row.Hopeless() || row.Verdict == gate.VerdictSame && !row.Exact && row.P > 0 &&
			change >= row.Threshold && !(change <= row.InstrumentError)
	})
}
