package annotate

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// latest is the last second of the years that are plausible: it fits in an int64 of
// nanoseconds.
const latest = 9_000_000_000

// unixTime returns the time of a number of seconds since 1970, rounded to
// nanoseconds from its decimals: a float64 has only 240 ns.
func unixTime(value []byte) (time.Time, bool) {
	s := string(value)
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > latest {
		return time.Time{}, false
	}
	if strings.ContainsAny(s, "eE") || len(s) > 64 {
		whole, frac := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(frac*1e9))), true
	}
	s, negative := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	// Ten digits: nine of nanoseconds, and the one that rounds them.
	frac = (frac + "0000000000")[:10]
	tenth, err := strconv.ParseInt(frac, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	ns := (tenth + 5) / 10
	if negative {
		sec, ns = -sec, -ns
	}
	return time.Unix(sec, ns), true
}

// unixSeconds is the time in seconds since 1970, as files have it.
func unixSeconds(t time.Time) float64 {
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}

// isoLayouts are the shapes of ISO 8601 that programs write, with a zone or
// without. time.Parse accepts fractions of a second in all of them.
var isoLayouts = []struct {
	layout string
	zoned  bool
}{
	{"2006-01-02T15:04:05Z07:00", true},
	{"2006-01-02T15:04:05Z0700", true},
	{"2006-01-02T15:04:05", false},
}

// isoTime parses a time in ISO 8601. If it has no zone it is one of loc, and
// zoned is false; without a loc it is then only recognised.
func isoTime(s string, loc *time.Location) (t time.Time, zoned, ok bool) {
	s = strings.Replace(strings.TrimSpace(s), " ", "T", 1)
	if loc == nil {
		loc = time.UTC
	}
	for _, l := range isoLayouts {
		if t, err := time.ParseInLocation(l.layout, s, loc); err == nil {
			return t, l.zoned, true
		}
	}
	return time.Time{}, false, false
}
