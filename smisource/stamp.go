package smisource

import (
	"bytes"
	"slices"
	"strconv"
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

// lastSecond is the last whose nanoseconds since 1970 an int64 can hold whatever
// the zone is: the end of 2261.
const lastSecond = 9214646399

// parseStamp parses seconds, ms, µs or ns since 1970, by magnitude, and dates
// with a time as nvidia-smi (2026/07/23 12:00:09.000) and ISO 8601 write them. Others,
// such as 07/08/2026, are not guessed at.
func parseStamp(b []byte) (stamp, bool) {
	n := digits(b)
	switch {
	case n == 2 && len(b) > len("23.07.") && b[5] == '.':
		return date(b)
	case n == 0:
		return stamp{}, false
	case n == len(b) || b[n] == '.' || b[n] == ',':
		return epoch(b[:n], b[n:])
	}
	return date(b)
}

// digits returns how many digits b begins with.
func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// epoch makes a stamp of a number: a second of our time has ten digits, a
// millisecond thirteen, and so on. Digits beyond nanoseconds are cut off.
func epoch(whole, fraction []byte) (stamp, bool) {
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || len(whole) > 19 {
		return stamp{}, false
	}
	unit := int64(1) // of the number, in a second
	for _, limit := range []int64{1e11, 1e14, 1e17} {
		if n >= limit {
			unit *= 1000
		}
	}
	var nanos int64
	if len(fraction) > 0 {
		point := fraction[1:]
		if digits(point) != len(point) || len(point) == 0 {
			return stamp{}, false
		}
		for i := range 9 {
			nanos *= 10
			if i < len(point) {
				nanos += int64(point[i] - '0')
			}
		}
	}
	s := stamp{sec: n / unit, nanos: n%unit*(1e9/unit) + nanos/unit, whole: unit == 1 && len(fraction) == 0}
	return s, s.sec <= lastSecond
}

const iso = "2006-01-02T15:04:05"

// date parses 2026/07/23 12:00:09.000, with slashes or dashes, a blank or a T,
// and a zone or none, 23.07.2026 12:00:09, and 20260723 12:00:09.
func date(b []byte) (stamp, bool) {
	const day = len("2006-01-02")
	if len(b) > day && b[2] == '.' && b[5] == '.' { // 23.07.2026, which is no other day elsewhere
		b = slices.Concat(b[6:day], []byte{'-'}, b[3:5], []byte{'-'}, b[:2], b[day:])
	}
	if digits(b) == len("20260723") {
		b = slices.Concat(b[:4], []byte{'-'}, b[4:6], []byte{'-'}, b[6:])
	}
	if len(b) <= day || b[4] != b[7] || b[4] != '/' && b[4] != '-' || b[day] != ' ' && b[day]|0x20 != 't' {
		return stamp{}, false
	}
	clock := trimLeft(b[day+1:])
	// Where the digits and points of the time end, its zone begins.
	end := 0
	for end < len(clock) && (clock[end] >= '0' && clock[end] <= ':' || clock[end] == '.' || clock[end] == ',') {
		end++
	}
	if end < len("15:04:05") || clock[2] != ':' { // time.Parse takes an hour of one digit
		return stamp{}, false
	}
	var spelling [64]byte // as time.Parse wants it
	text := append(spelling[:0], b[:day]...)
	text[4], text[7] = '-', '-'
	text = append(append(text, 'T'), clock[:end]...)
	zone := trimLeft(clock[end:])
	layout := time.RFC3339 // which has a fast path
	switch {
	case len(zone) == 0, bytes.EqualFold(zone, []byte("Z")), string(zone) == "UTC", string(zone) == "GMT":
		text = append(text, 'Z')
	case len(zone) == len("+02"):
		layout, text = iso+"Z07", append(text, zone...)
	case len(zone) == len("+0200"):
		layout, text = iso+"Z0700", append(text, zone...)
	default:
		text = append(text, zone...)
	}
	t, err := time.Parse(layout, string(text))
	s := stamp{sec: t.Unix(), nanos: int64(t.Nanosecond()), naive: len(zone) == 0, whole: end == len("15:04:05")}
	return s, err == nil && s.sec >= 0 && s.sec <= lastSecond
}

// wall turns wall-clock times of a place into times.
type wall struct {
	place *time.Location
	// Of the hour of the last call, in which the offset is known not to
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
