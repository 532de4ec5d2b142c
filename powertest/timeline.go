package powertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/joulebench/joulebench/internal/presence"
	"github.com/joulebench/joulebench/powertest/energy"
)

// timeline is a window with its phases: what of the time is measured, and under
// which names. The zero value measures nothing.
type timeline struct {
	instrument *instrument
	presence   *presence.Presence
	recorded   bool // for a trace

	mu      sync.Mutex
	window  *energy.Window // nil if nothing is measured
	phases  []*phase
	running bool // the window is open
	over    bool // it has ended, and nothing begins any more
}

// open makes a window, for a trace or not, in which nothing is measured yet.
func (t *timeline) open(ins *instrument, trace bool) {
	t.instrument, t.recorded = ins, trace
	t.presence = ins.enter()
	t.window = ins.recorder.Open()
	if trace {
		t.window.Record()
	}
}

// phase is a named part of a window, such as prefill, with a window of its own: the
// union of all its uses, less the time when the whole is paused.
type phase struct {
	name   string
	line   string         // of the user's, where it was begun first
	window *energy.Window // nil if nothing is measured
	begun  int            // uses, of which
	users  int            // have not ended
	again  string         // the line of a use that was ended twice
}

// uses says how many uses of a phase that is not ended there were.
func (p phase) uses() string { return fmt.Sprintf("%d of %d uses", p.users, p.begun) }

// twice says where another use was ended instead, perhaps.
func (t *timeline) twice() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.phases {
		if p.again != "" {
			return fmt.Sprintf("; %q was ended twice at %s", p.name, p.again)
		}
	}
	return ""
}

// unended returns the phases that have uses which are not ended.
func (t *timeline) unended() (list []phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.phases {
		if p.users > 0 {
			list = append(list, *p)
		}
	}
	return list
}

// resume goes on with the window and the phases that are under way.
func (t *timeline) resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.window == nil {
		return
	}
	t.running = true
	t.window.Resume()
	for _, p := range t.phases {
		if p.users > 0 {
			p.window.Resume()
		}
	}
}

// each calls f for the window, if there is one, and those of the phases. The caller
// holds mu.
func (t *timeline) each(f func(*energy.Window)) {
	if t.window == nil {
		return
	}
	f(t.window)
	for _, p := range t.phases { // which have windows then
		f(p.window)
	}
}

// pause interrupts the window and the phases.
func (t *timeline) pause() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.running = false
		t.each((*energy.Window).Pause)
	}
}

// restart forgets what was measured so far.
func (t *timeline) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.each((*energy.Window).Restart)
	}
}

// cut keeps of what was measured so far only what lies in a span.
func (t *timeline) cut(s energy.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.window == nil {
		return
	}
	t.window.Cut(s)
	for _, p := range t.phases {
		p.window.Clip(s)
	}
}

// ended returns when the last span of the window ended; zero if there is none.
func (t *timeline) ended() time.Time {
	spans := t.window.Spans()
	if len(spans) == 0 {
		return time.Time{}
	}
	return spans[len(spans)-1].End
}

// end lets nothing begin any more, and reports whether that is so already.
func (t *timeline) end() (ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ended, t.over = t.over, true
	return ended
}

// cancel releases the windows and the devices without waiting for anything. What is
// measured already stays.
func (t *timeline) cancel() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.each((*energy.Window).Cancel)
	t.presence.Leave()
}

// begin begins a use of a phase, and returns the function that ends it. Its line is that of
// the caller's caller.
func (t *timeline) begin(name string) (end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return func() {}, nil
	}
	if !energy.IsPartName(name) {
		return func() {}, fmt.Errorf("phase %q is not measured: %w: a phase's name has no spaces, and is not empty or \"net\"",
			name, energy.ErrMalformed)
	}
	if t.instrument != nil && slices.Contains(kindsBeside(t.instrument.devices()), energy.Kind(name)) {
		return func() {}, fmt.Errorf("phase %q is not measured: %w: devices of that kind are, and their metrics have that name",
			name, energy.ErrMalformed)
	}
	p := t.phase(name)
	if p.begun == 0 {
		p.line = callerLine(1)
	}
	p.begun++
	p.users++
	if p.users == 1 && t.running {
		p.window.Resume()
	}
	ended := false
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if ended {
			p.again = callerLine(0)
			return
		}
		ended = true
		if p.users--; p.users == 0 && !t.over && p.window != nil {
			p.window.Pause()
		}
	}, nil
}

// phase returns the phase of the name, a new one if need be. The caller holds mu.
func (t *timeline) phase(name string) *phase {
	for _, p := range t.phases {
		if p.name == name {
			return p
		}
	}
	p := &phase{name: name}
	if t.window != nil {
		p.window = t.window.Sub()
	}
	t.phases = append(t.phases, p)
	return p
}

// setSpans sets what of the time is measured, of the phases too.
func (t *timeline) setSpans(spans []energy.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.window.SetSpans(spans...)
	for _, p := range t.phases {
		p.window.Clip(spans...)
	}
}

// names returns the names of the phases, in the order of their first use.
func (t *timeline) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, p := range t.phases {
		list = append(list, p.name)
	}
	return list
}

// measure fills in what was measured of the window and its phases, with the findings
// that are about all of them.
func (t *timeline) measure(ctx context.Context, r *Report, found ...energy.Finding) {
	whole := t.window.Measure(ctx)
	r.Measurement = &whole
	found = append(found, leave(t.presence)...)
	t.mu.Lock()
	phases := t.phases
	t.mu.Unlock()
	for _, p := range phases {
		r.Phases = append(r.Phases, PhaseReport{Name: p.name, Attribution: timeSliced, Measurement: p.window.Measure(ctx)})
	}
	r.add(found...)
	r.SourceCalls = t.instrument.recorder.Calls()
	if t.recorded {
		recording := t.window.Recording()
		r.Recording, r.Spans = &recording, t.window.Spans()
		for i, p := range phases {
			r.Phases[i].Spans = p.window.Spans()
		}
	}
}
