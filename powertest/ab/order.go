package ab

import "iter"

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
