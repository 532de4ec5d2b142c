package annotate

import (
	"errors"
	"fmt"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

// A Past is a window of the past as people write it. An empty End is now; instead of a
// Start there may be Last, how long before the end it begins.
type Past struct {
	Start, End string
	Last       time.Duration
}

// Given reports whether anything was written.
func (p Past) Given() bool { return p != Past{} }

// Window is the time that is meant. Times without a zone are of zone; nil means that they
// are not understood. now is when it is asked for: what is not over can't be measured.
func (p Past) Window(zone *time.Location, now time.Time) (window energy.Span, err error) {
	switch {
	case p.Start != "" && p.Last != 0:
		return window, errors.New("-start and -last both say when the window begins: give one")
	case p.Last < 0:
		return window, fmt.Errorf("-last=%v: it must be more than 0, such as 5m", p.Last)
	case p.Start == "" && p.Last == 0:
		return window, errors.New("-end says when the window ends: say when it begins with -start or -last")
	}
	window.End = now
	if p.End != "" {
		if window.End, err = ParseTime(p.End, zone); err != nil {
			return window, fmt.Errorf("-end: %w", err)
		}
	}
	if p.Start == "" {
		window.Start = window.End.Add(-p.Last)
	} else if window.Start, err = ParseTime(p.Start, zone); err != nil {
		return window, fmt.Errorf("-start: %w", err)
	}
	return window, p.check(window, now)
}

// check returns an error unless the window has a length and is over.
func (p Past) check(w energy.Span, now time.Time) error {
	length, future := w.End.Sub(w.Start), w.End.Sub(now)
	switch {
	case p.End == "" && length < 0:
		return fmt.Errorf("-start is %v in the future: a window of the past is over", -length.Round(time.Second))
	case length < 0:
		return fmt.Errorf("the window ends %v before it starts: exchange -start and -end", -length)
	case length == 0:
		return errors.New("the window has no length: -start and -end are the same")
	case future > 0:
		return fmt.Errorf("-end is %v in the future: a window of the past is over", future.Round(time.Second))
	}
	return nil
}

// ParseTime parses a time as people write it: in RFC 3339, with a space instead of the T if
// they like, or in seconds since 1970. One without a zone is of zone, and not understood if
// that is nil.
func ParseTime(s string, zone *time.Location) (time.Time, error) {
	if t, ok := unixTime([]byte(s)); ok {
		return t, nil
	}
	t, zoned, ok := isoTime(s, zone)
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("%.40q is not a time\ngive one such as 2026-11-25T10:00:00Z, or seconds since 1970", s)
	case !zoned && zone == nil:
		return time.Time{}, fmt.Errorf("%.40q has no zone\nadd Z or an offset such as +02:00, or say with -tz where it is from, such as -tz Local", s)
	}
	return t, nil
}
