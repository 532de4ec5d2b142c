package energy

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Resume opens a span now, if none is open.
func (w *Window) Resume() {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	if w.open || w.done || w.keepsWarm {
		return
	}
	if len(w.spans) == maxSpans {
		w.spans = merge(w.spans)
	}
	now := w.rec.now()
	w.spans = append(w.spans, span{start: now})
	w.open = true
	w.rec.edge(now)
}

// Pause closes the open span now, if there is one.
func (w *Window) Pause() {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	w.pause(w.rec.now())
}

func (w *Window) pause(now int64) {
	if !w.open {
		return
	}
	w.open = false
	s := &w.spans[len(w.spans)-1]
	s.end, s.on = now, now-s.start
	w.rec.edge(now)
}

// Restart forgets the spans so far. If one is open, a new one opens now.
func (w *Window) Restart() {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	if w.done {
		return
	}
	w.spans, w.apart = w.spans[:0], nil
	if w.open {
		now := w.rec.now()
		w.spans = append(w.spans, span{start: now})
		w.rec.edge(now)
	}
}

// EveryTick makes every tick be seen while the window is open, instead of a few
// between the edges: for windows that SetSpans will move, or whose recording is to be
// measured in parts. Each tick of each device is read once or twice. Where calls are so
// slow that this would occupy the driver for more than 3 % of the time, ticks are passed
// over all the same, and intervals are wider: [CallStats] says how many.
func (w *Window) EveryTick() {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	w.everyTick = true
	w.rec.edge(w.rec.now())
}

// SetSpans replaces the spans so far by others, in order and without overlap: what
// was to be measured may be known only afterwards. They lie between the opening
// of the window and now, unless the source knows the past. Times without a
// monotonic reading are joined by the wall clock. Where the window was not opened
// with EveryTick, ticks next to the new edges may have been passed over, and the
// interval is then as wide as what the device can have drawn there.
func (w *Window) SetSpans(spans ...Span) {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	if w.done || w.keepsWarm {
		return
	}
	w.open, w.spans = false, toSpans(w.rec.base, spans)
	if slices.ContainsFunc(spans, Span.byWallClock) {
		w.step = clockStep(w.rec.base)
	}
}

// Spans returns the spans so far; one that is open ends now.
func (w *Window) Spans() []Span {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	list := fromSpans(w.rec.base, w.spans)
	if w.open {
		list[len(list)-1].End = w.rec.base.Add(time.Duration(w.rec.now()))
	}
	return list
}

// Clip keeps of the spans so far only what lies within others, as for a part of a
// window that SetSpans has moved.
func (w *Window) Clip(spans ...Span) {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	if w.done {
		return
	}
	w.pause(w.rec.now())
	w.clip(toSpans(w.rec.base, spans))
}

func (w *Window) clip(limits []span) {
	kept := make([]span, 0, cap(w.spans)) // Resume does not allocate
	for _, s := range w.spans {
		for _, limit := range limits {
			from, to := max(s.start, limit.start), min(s.end, limit.end)
			if from < to {
				on := float64(s.on) * float64(to-from) / float64(s.end-s.start)
				kept = append(kept, span{start: from, end: to, on: int64(math.Round(on))})
			}
		}
	}
	w.spans = kept
}

// leastApart is how long what is cut off must be to have a power of its own.
const leastApart = int64(time.Millisecond)

// Cut keeps of the spans so far only what lies in a span, as Clip does. Something else than
// the load ran in what is cut off: it has a power of its own.
func (w *Window) Cut(s Span) {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	if w.done {
		return
	}
	w.pause(w.rec.now())
	in := toSpans(w.rec.base, []Span{s})[0]
	for _, old := range w.spans {
		for _, b := range [2]span{{start: old.start, end: min(old.end, in.start)}, {start: max(old.start, in.end), end: old.end}} {
			if b.on = b.end - b.start; b.on >= leastApart {
				w.apart = append(w.apart, b)
			}
		}
	}
	// An earlier Cut may have cut off what lies later.
	slices.SortFunc(w.apart, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	w.clip([]span{in})
}

// Duration returns the length of the spans so far, up to now.
func (w *Window) Duration() time.Duration {
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	var d int64
	for _, s := range w.spans {
		d += s.on
	}
	if w.open {
		d += w.rec.now() - w.spans[len(w.spans)-1].start
	}
	return time.Duration(d)
}
