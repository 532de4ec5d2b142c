package annotate

import (
	"math"
	"strconv"

	"github.com/joulebench/joulebench/internal/pyjson"
	"github.com/joulebench/joulebench/powertest/energy"
)

// number returns a value that is a finite number.
func number(v []byte) (float64, bool) {
	if !pyjson.IsNumber(v) {
		return 0, false
	}
	x, err := strconv.ParseFloat(string(v), 64)
	return x, err == nil
}

// positive returns a value that is a number above 0; else 0, which is unknown.
func positive(v []byte) float64 {
	if x, ok := number(v); ok && x > 0 {
		return x
	}
	return 0
}

// whole returns a positive number that has no decimals, in whatever way it is spelled.
func whole(v []byte) (int64, bool) {
	x, ok := number(v)
	if !ok || x <= 0 || x >= 1<<53 || x != math.Trunc(x) {
		return 0, false
	}
	return int64(x), true
}

// member returns the value of a path of keys through objects; nil if there is none.
func member(o *pyjson.Object, path ...string) []byte {
	for _, key := range path[:len(path)-1] {
		inner, err := pyjson.Parse(o.Get(key))
		if err != nil {
			return nil
		}
		o = inner
	}
	return o.Get(path[len(path)-1])
}

// A tally collects the counts of a result, and what is wrong with them.
type tally struct{ found []energy.Finding }

// count returns a count, which is called what; 0 if there is none. What is there must be a
// positive whole number: a run in which nothing was done has no energy of it.
func (t *tally) count(v []byte, what string, r energy.Reason) int64 {
	n, ok := whole(v)
	if !ok && v != nil && string(v) != "null" {
		t.found = append(t.found, finding(r, "%s is %s: it must be a positive integer", what, shown(v))...)
	}
	return n
}

// duration returns the length of a run in seconds; 0 if there is none. What is there must be
// a time.
func (t *tally) duration(v []byte, what string) float64 {
	x := positive(v)
	if v != nil && (x == 0 || x > latest) {
		t.found = append(t.found, finding(energy.InvalidBenchmarkWindow, "%s is %s: it must be a time in seconds", what, shown(v))...)
		return 0
	}
	return x
}
