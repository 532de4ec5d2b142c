package energy

import "time"

// Span is a stretch of time [Start, End).
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// byWallClock reports whether one of the edges has no monotonic reading.
func (s Span) byWallClock() bool {
	return s.Start == s.Start.Round(0) || s.End == s.End.Round(0)
}

// span is a stretch of time in ns since the recorder's base. on is how much of
// it counts: all, except where many short spans were merged.
type span struct{ start, end, on int64 }

// toSpans returns spans in ns since base.
func toSpans(base time.Time, spans []Span) []span {
	in := make([]span, len(spans))
	for i, s := range spans {
		in[i] = span{start: int64(s.Start.Sub(base)), end: int64(s.End.Sub(base)), on: int64(s.End.Sub(s.Start))}
	}
	return in
}

// fromSpans returns what toSpans was given. Of one that is open the end is base.
func fromSpans(base time.Time, spans []span) []Span {
	list := make([]Span, len(spans))
	for i, s := range spans {
		list[i] = Span{Start: base.Add(time.Duration(s.start)), End: base.Add(time.Duration(s.end))}
	}
	return list
}

// counted returns how much of the time of the spans counts, in ns. It is not above 0
// for spans that are out of order.
func counted(spans []span) (on int64) {
	for i, s := range spans {
		if s.end < s.start || i > 0 && s.start < spans[i-1].end {
			return 0
		}
		on += s.on
	}
	return on
}

// maxSpans bounds the memory of a window whose timer is stopped in every
// operation.
const maxSpans = 8192

// merge halves the spans: each pair becomes one, of which only a part counts.
func merge(s []span) []span {
	n := 0
	for i := 0; i+1 < len(s); i += 2 {
		s[n] = span{s[i].start, s[i+1].end, s[i].on + s[i+1].on}
		n++
	}
	if len(s)%2 == 1 {
		s[n] = s[len(s)-1]
		n++
	}
	return s[:n]
}
