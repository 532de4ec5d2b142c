package powertest

import (
	"flag"
	"strconv"
	"strings"
	"time"
)

// round is one call of the benchmark function.
type round struct {
	nBefore int // b.N when it was wrapped
	n       int // b.N at the end
	elapsed time.Duration
}

// maxN is where package testing stops raising b.N.
const maxN = 1_000_000_000

// reported says whether testing reports this round, rather than run another
// with a larger b.N. Only then is it worth the wait for the counters' ticks.
// It repeats what testing's launch does:
//
//   - With -benchtime=Nx the first round has b.N = 1, and the one with b.N = N
//     is reported; these are the same if N is 1.
//   - With a duration, the round that lasted as long is reported, or that with
//     the largest b.N there is.
//   - b.Loop does it all in the first round: b.N changes while it runs. (It does
//     not if there is one iteration; but then that lasted long enough.)
func (r round) reported() bool {
	d, count := benchtime()
	if count > 0 {
		return r.n == count
	}
	return r.n != r.nBefore || r.elapsed >= d || r.n >= maxN
}

// benchtime returns the value of -test.benchtime: a duration, or a count if that
// is not 0.
func benchtime() (d time.Duration, count int) {
	const standard = time.Second
	f := flag.Lookup("test.benchtime")
	if f == nil {
		return standard, 0
	}
	v := f.Value.String()
	if digits, ok := strings.CutSuffix(v, "x"); ok {
		if n, err := strconv.Atoi(digits); err == nil {
			return 0, n
		}
	}
	if d, err := time.ParseDuration(v); err == nil {
		return d, 0
	}
	return standard, 0
}
