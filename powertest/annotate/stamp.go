package annotate

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/joulebench/joulebench/internal/pyjson"
)

// latest is the last second of the years that are plausible: it fits in an int64 of
// nanoseconds.
const latest = 9_000_000_000

// unixTime returns the time of a number of seconds since 1970, rounded to
// nanoseconds from its decimals: a float64 has only 240 ns.
func unixTime(value []byte) (time.Time, bool) {
	s := string(value)
	f, err := strconv.ParseFloat(s, 64)
	if !pyjson.IsNumber(value) || err != nil || math.Abs(f) > latest {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	if head, decimals, found := strings.Cut(s, "."); found && !strings.ContainsAny(s, "eE") {
		whole, _ = strconv.ParseFloat(head, 64)
		part, _ = strconv.ParseFloat("0."+decimals, 64)
		part = math.Copysign(part, f)
	}
	return time.Unix(int64(whole), int64(math.Round(part*1e9))), true
}

// unixSeconds is the time in seconds since 1970, as files have it.
func unixSeconds(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}

// isoTime parses a time in ISO 8601. If it has no zone it is one of loc, and
// zoned is false; without a loc it is then only recognised.
func isoTime(s string, loc *time.Location) (t time.Time, zoned, ok bool) {
	s = strings.Replace(strings.TrimSpace(s), " ", "T", 1)
	if loc == nil {
		loc = time.UTC
	}
	for _, zone := range []string{"Z07:00", "Z0700", ""} {
		if t, err := time.ParseInLocation("2006-01-02T15:04:05"+zone, s, loc); err == nil {
			return t, zone != "", true
		}
	}
	return time.Time{}, false, false
}
