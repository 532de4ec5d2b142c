package smisource

import (
	"math"
	"time"
)

// stamp is a time stamp as it is written: seconds since 1970 and nanoseconds, of
// the zone it has, or of the wall clock of a place that it does not name.
type stamp struct {
	sec   int64
	nanos int64
	naive bool
	// whole says that it is written without a fraction of a second.
	whole bool
}

// lastYear is the last whose nanoseconds since 1970 an int64 can hold.
const lastYear = 2261

// parseStamp parses seconds, ms, µs or ns since 1970, by magnitude, and dates
// with a time as nvidia-smi (2026/07/23 12:00:09.000) and ISO 8601 write them.
func parseStamp(b []byte) (stamp, bool) {
	whole, rest := digits(b)
	if len(whole) == 0 {
		return stamp{}, false
	}
	if len(rest) == 0 || rest[0] == '.' {
		return epoch(whole, rest)
	}
	return date(b)
}

// digits divides b after its first digits.
func digits(b []byte) (d, rest []byte) {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return b[:i], b[i:]
}

// fraction parses a point and digits behind it, as parts of 1e9. Digits beyond
// the ninth are cut off.
func fraction(b []byte) (nanos int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' && b[0] != ',' {
		return 0, b, true
	}
	d, rest := digits(b[1:])
	for i := range 9 {
		nanos *= 10
		if i < len(d) {
			nanos += int64(d[i] - '0')
		}
	}
	return nanos, rest, len(d) > 0
}

// epoch makes a stamp of a number: a second of our time has ten digits, a
// millisecond thirteen, and so on.
func epoch(whole, rest []byte) (stamp, bool) {
	pointed := len(rest) > 0
	nanos, rest, ok := fraction(rest)
	if !ok || len(rest) > 0 || len(whole) > 19 {
		return stamp{}, false
	}
	var n int64
	for _, c := range whole {
		if n > (math.MaxInt64-9)/10 {
			return stamp{}, false
		}
		n = n*10 + int64(c-'0')
	}
	unit := int64(1) // of the number, in a second
	for _, limit := range []int64{1e11, 1e14, 1e17} {
		if n >= limit {
			unit *= 1000
		}
	}
	s := stamp{sec: n / unit, whole: unit == 1 && !pointed}
	s.nanos = n%unit*(1e9/unit) + nanos/unit
	return s, s.sec < math.MaxInt64/int64(1e9)
}

// fixed parses a number of exactly n digits.
func fixed(b []byte, n int) (v int64, rest []byte, ok bool) {
	if len(b) < n {
		return 0, b, false
	}
	for _, c := range b[:n] {
		if c < '0' || c > '9' {
			return 0, b, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, b[n:], true
}

// date parses 2026/07/23 12:00:09.000, with slashes or dashes, a blank or a T,
// and a zone or none.
func date(b []byte) (stamp, bool) {
	var f [6]int64
	ok := true
	for i, width := range [...]int{4, 2, 2, 2, 2, 2} {
		if i > 0 {
			if len(b) == 0 || !between(i, b[0]) {
				return stamp{}, false
			}
			b = b[1:]
			if i == 3 {
				b = trimLeft(b)
			}
		}
		if f[i], b, ok = fixed(b, width); !ok {
			return stamp{}, false
		}
	}
	pointed := len(b) > 0 && (b[0] == '.' || b[0] == ',')
	nanos, b, ok := fraction(b)
	if !ok || f[0] < 1970 || f[0] > lastYear || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > monthDays(f[0], f[1]) || f[3] > 23 || f[4] > 59 || f[5] > 59 {
		return stamp{}, false
	}
	s := stamp{sec: days(f[0], f[1], f[2])*86400 + f[3]*3600 + f[4]*60 + f[5], nanos: nanos, whole: !pointed}
	b = trimLeft(b)
	if len(b) == 0 {
		s.naive = true
		return s, true
	}
	offset, ok := zone(b)
	s.sec -= offset
	return s, ok && s.sec >= 0
}

// between reports whether c may stand before the i-th field of a date.
func between(i int, c byte) bool {
	switch i {
	case 1, 2:
		return c == '/' || c == '-'
	case 3:
		return c == ' ' || c == 'T' || c == 't'
	}
	return c == ':'
}

// zone parses Z, UTC, +02, +0200 and +02:00, as seconds east of Greenwich.
func zone(b []byte) (int64, bool) {
	switch string(b) {
	case "Z", "z", "UTC", "GMT":
		return 0, true
	}
	sign := int64(1)
	switch b[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	hours, b, ok := fixed(b[1:], 2)
	if !ok || hours > 15 {
		return 0, false
	}
	if len(b) > 0 && b[0] == ':' {
		b = b[1:]
		ok = len(b) > 0
	}
	minutes := int64(0)
	if len(b) > 0 {
		minutes, b, ok = fixed(b, 2)
	}
	return sign * (hours*3600 + minutes*60), ok && len(b) == 0 && minutes < 60
}

func leap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func monthDays(y, m int64) int64 {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	}
	return 31
}

// days returns the days from 1970-01-01 to a date of the Gregorian calendar.
func days(y, m, d int64) int64 {
	// Years that begin in March have their leap day at the end.
	if m <= 2 {
		y--
		m += 12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - 719468
}

// wall turns wall-clock times of a place into times.
type wall struct {
	place *time.Location
	// Of the hour that was looked up last, in which the offset is known not to
	// change.
	hour, offset int64
	known        bool
}

// instant returns the seconds since 1970 of a wall-clock time. One that occurs
// twice, as clocks are set back, is the first that is not before earliest. ok is
// false for one that does not occur, as clocks are set forward.
func (w *wall) instant(civil, earliest int64) (sec int64, ok bool) {
	if w.known && civil/3600 == w.hour {
		return civil - w.offset, true
	}
	const day = 86400
	a, b := w.offsetAt(civil-day), w.offsetAt(civil+day)
	if a == b {
		w.hour, w.offset, w.known = civil/3600, a, true
		return civil - a, true
	}
	first, second := civil-a, civil-b
	if first > second {
		first, second = second, first
		a, b = b, a
	}
	isFirst, isSecond := w.offsetAt(first) == a, w.offsetAt(second) == b
	switch {
	case isFirst && (!isSecond || first >= earliest):
		return first, true
	case isSecond:
		return second, true
	}
	return 0, false
}

func (w *wall) offsetAt(sec int64) int64 {
	_, offset := time.Unix(sec, 0).In(w.place).Zone()
	return int64(offset)
}
