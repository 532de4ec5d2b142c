package smisource

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/joulebench/joulebench/powertest/energy"
)

// longestQuote is how much of a cell is quoted.
const longestQuote = 60

// quote remembers the first cell that a reason is about.
func (l *log) quote(reason uint8, cell []byte) {
	if l.quotes[reason] == "" {
		l.quotes[reason] = strconv.Quote(string(cell[:min(len(cell), longestQuote)]))
	}
}

// unusable says why a log has a header and no reading: what its rows lack, and how
// the first that lacks it looks.
func (s *Source) unusable() error {
	l := s.log
	var count [len(faultReasons)]int
	for _, f := range l.faults {
		count[f.reason]++
	}
	what := [...]string{badStamp: "time that is understood", badValue: "power", badIdentity: "GPU"}
	var lacks []string
	for _, r := range []uint8{badStamp, badIdentity, badValue} {
		if count[r] > 0 {
			lacks = append(lacks, fmt.Sprintf("%d with no %s, the first is %s", count[r], what[r], l.quotes[r]))
		}
	}
	if len(lacks) == 0 {
		return s.fail(NoUsablePowerSamples, energy.ErrNoDevice, "it has a header, and no row that is complete: record for a moment before it is opened")
	}
	return s.fail(NoUsablePowerSamples, energy.ErrNoDevice, "no row has a reading: %s: record with %s", strings.Join(lacks, "; "), record)
}
