package energy

import (
	"slices"
	"time"

	"github.com/joulebench/joulebench/powertest/energy/internal/estimate"
)

// family is what is measured at once: a window, the parts of it, and the other windows
// near it, whose edges are edges of the load too.
type family struct {
	spans   []span
	members [][]span
	others  []span
	apart   []span
}

// of returns the spans of the window, for i = 0, and of its parts.
func (f family) of(i int) []span {
	if i == 0 {
		return f.spans
	}
	return f.members[i-1]
}

func (f family) size() int { return 1 + len(f.members) }

func toEstimate(spans []span) []estimate.Span {
	list := make([]estimate.Span, len(spans))
	for i, s := range spans {
		list[i] = estimate.Span{Start: s.start, End: s.end, On: s.on}
	}
	return list
}

// maxPast is how many spans of windows that were released a recorder remembers: those of
// the counts of a benchmark follow each other closely.
const maxPast = 64

// remember keeps the spans of a window that ends, for those that come next. The caller
// holds mu.
func (r *Recorder) remember(w *Window) {
	if w.parent != nil {
		root := w.root()
		root.parts = slices.DeleteFunc(root.parts, func(p *Window) bool { return p == w })
	}
	if w.keepsWarm || w.parent != nil {
		return
	}
	r.past = append(r.past, w.spans[max(len(w.spans)-maxPast, 0):]...)
	if n := len(r.past) - maxPast; n > 0 {
		r.past = slices.Delete(r.past, 0, n)
	}
}

// nearOthers is how near other windows must be to matter, at the least.
const nearOthers = int64(time.Minute)

// family returns the window with its parts that have ended, and with the other windows
// near it. The caller holds mu.
func (w *Window) family() (f family, parts []*Window) {
	f.spans = w.spans
	if len(w.spans) == 0 {
		return f, nil
	}
	f.apart = w.apart
	from, till := w.spans[0].start, w.spans[len(w.spans)-1].end
	for _, p := range w.parts {
		if n := len(p.spans); !p.open && !p.done && n > 0 && p.spans[0].start >= from && p.spans[n-1].end <= till && counted(p.spans) > 0 {
			p.done = true
			f.members, parts = append(f.members, p.spans), append(parts, p)
		}
	}
	add := func(s span) {
		if s.end > from-nearOthers && s.start < till+nearOthers && (s.end <= from || s.start >= till) {
			f.others = append(f.others, s)
		}
	}
	for _, s := range w.rec.past {
		add(s)
	}
	for _, other := range w.rec.windows {
		if other.root() == w.root() || other.keepsWarm || other.parent != nil {
			continue
		}
		for i, s := range other.spans {
			if other.open && i == len(other.spans)-1 {
				s.end = w.rec.now()
			}
			add(s)
		}
	}
	slices.SortFunc(f.others, func(a, b span) int { return int(a.start - b.start) })
	return f, parts
}

// clones returns copies of the curves since shortly before from. The caller holds mu.
func (r *Recorder) clones(from int64) []*curve {
	list := make([]*curve, len(r.curves))
	for i, c := range r.curves {
		list[i] = c.clone(from)
	}
	return list
}

// root returns the window that this one is a part of, or itself.
func (w *Window) root() *Window {
	for w.parent != nil {
		w = w.parent
	}
	return w
}
