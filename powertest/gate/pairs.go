package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A series has the values of a unit in a cell, in the order of the file, and the marks
// of the runs that they are of: as many, or none.
type series struct {
	values []float64
	marks  []*Mark
}

func (s *series) add(value float64, mark *Mark) {
	s.values = append(s.values, value)
	if mark != nil {
		s.marks = append(s.marks, mark)
	}
}

// runs are the numbers of the runs that values are of; nil if the file does not say.
func (s series) runs() []int {
	if len(s.marks) != len(s.values) {
		return nil
	}
	list := make([]int, len(s.marks))
	for i, m := range s.marks {
		if list[i] = m.Run; m.Run == 0 {
			return nil
		}
	}
	return list
}

// A sampleID says of which sample a value is.
type sampleID struct {
	session, pkg string
	number       int
}

// bySample are the values by sample; nil if some are of none, or two of one.
func (s series) bySample() map[sampleID]float64 {
	if len(s.marks) != len(s.values) {
		return nil
	}
	all := make(map[sampleID]float64, len(s.values))
	for i, m := range s.marks {
		if m.Session == "" {
			return nil
		}
		all[sampleID{m.Session, m.Package, m.Number}] = s.values[i]
	}
	if len(all) != len(s.values) {
		return nil
	}
	return all
}

// pairsOf are the differences of the logarithms of pairs, new less old, in the order of
// their numbers. Two samples of one number and session ran one right after the other,
// and two such pairs, of which the first has an odd number, are a block in which the
// order was turned round: base head head base. Only whole blocks have pairs, for in half
// of one a drift would be a difference.
func pairsOf(older, newer series) (differences []float64) {
	before, after := older.bySample(), newer.bySample()
	if before == nil || after == nil {
		return nil
	}
	var ids []sampleID
	for id := range before {
		if _, both := after[id]; both {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b sampleID) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), a.number-b.number, cmp.Compare(a.session, b.session))
	})
	for i := 0; i+1 < len(ids); i++ {
		first, second := ids[i], ids[i+1]
		if first.number%2 == 0 || second != (sampleID{first.session, first.pkg, first.number + 1}) {
			continue
		}
		for _, id := range []sampleID{first, second} {
			if !(before[id] > 0 && after[id] > 0) {
				return nil // there is no ratio
			}
			differences = append(differences, math.Log(after[id])-math.Log(before[id]))
		}
		i++
	}
	return differences
}

// smallestPaired is the least p-value that the signed-rank test of n pairs can give.
func smallestPaired(n int) float64 { return math.Min(1, math.Exp2(float64(1-n))) }

// unpaired reports rows of samples that powertest ab has taken, and that are too few
// pairs to be judged by them.
func (j *judging) unpaired(candidates []candidate) {
	var list names
	for i := range candidates {
		c := &candidates[i]
		if r := &c.row; r.Test == TestUnpaired && r.Old.Runs != nil && r.New.Runs != nil {
			list.add(fmt.Sprintf("%s %s (%s)", r.Name(), r.Unit, count(r.Pairs, "pair")))
		}
	}
	if list.n > 0 {
		j.report.warn("judged by all samples, and not by pairs: %s; among %s it takes %d pairs, in whole blocks that one session of ab has taken",
			&list, count(j.report.Family, "comparison"), fewest(TestPaired, j.alpha/float64(j.report.Family)))
	}
}

// signedRank is the two-sided p-value of Wilcoxon's signed-rank test of differences:
// how often the sum of the ranks of those above 0 is as far from its mean, if each may
// as well have the other sign. Equal ones share their ranks, and a 0 has a rank but no
// sign (Pratt, "Remarks on Zeros and Ties in the Wilcoxon Signed Rank Procedures", JASA
// 54, 1959). It is exact up to 64 pairs.
func signedRank(differences []float64) float64 {
	d := slices.Clone(differences)
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	var ranks []int // doubled, of what is not 0
	above, tied := 0, false
	for i := 0; i < len(d); {
		end := i + 1
		for end < len(d) && math.Abs(d[end]) == math.Abs(d[i]) {
			end++
		}
		for _, v := range d[i:end] {
			if v != 0 {
				ranks = append(ranks, i+1+end)
			}
			if v > 0 {
				above += i + 1 + end
			}
		}
		tied = tied || end > i+1 || d[i] == 0
		i = end
	}
	switch {
	case len(d) > exactPairs:
		return signedRankNormal(ranks, above)
	case !tied:
		return twoSided(signedRankNull(len(d)), above/2)
	}
	return twoSided(cumulated(signSums(ranks)), above)
}

// twoSided is the probability of a value that is as far out as one, at either end.
func twoSided(d null, value int) float64 {
	return math.Min(1, 2*d[min(value, len(d)-1-value)])
}

// signedRankNormal is the normal approximation, with a correction for continuity, from
// doubled ranks.
func signedRankNormal(ranks []int, above int) float64 {
	total, squares := 0.0, 0.0
	for _, r := range ranks {
		total += float64(r)
		squares += float64(r) * float64(r)
	}
	if squares == 0 {
		return 1
	}
	off := math.Max(0, math.Abs(float64(above)-total/2)-1)
	return math.Erfc(off / math.Sqrt(squares/4) / math.Sqrt2)
}
