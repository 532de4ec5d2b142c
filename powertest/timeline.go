package powertest

import (
	"context"
	"fmt"
	"sync"

	"github.com/joulebench/joulebench/powertest/energy"
)

// timeline is a window with its phases: what of the time is measured, and under
// which names. The zero value measures nothing.
type timeline struct {
	mu      sync.Mutex
	window  *energy.Window // nil if nothing is measured
	phases  []*phase
	running bool // the window is open
	over    bool // it has ended, and nothing begins any more
}

// phase is a named part of a window, such as prefill, with a window of its own: the
// union of all its uses, less the time when the whole is paused.
type phase struct {
	name   string
	window *energy.Window
	users  int // uses that have begun and not ended
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

// pause interrupts the window and the phases.
func (t *timeline) pause() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.window == nil {
		return
	}
	t.running = false
	t.window.Pause()
	for _, p := range t.phases {
		p.window.Pause()
	}
}

// restart forgets what was measured so far.
func (t *timeline) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.window == nil {
		return
	}
	t.window.Restart()
	for _, p := range t.phases {
		p.window.Restart()
	}
}

// end lets nothing begin any more, and reports whether that is so already.
func (t *timeline) end() (ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ended, t.over = t.over, true
	return ended
}

// cancel releases the windows without waiting for anything. What is measured
// already stays.
func (t *timeline) cancel() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.window != nil {
		t.window.Cancel()
	}
	for _, p := range t.phases {
		p.window.Cancel()
	}
}

// begin begins a use of a phase, and returns the function that ends it.
func (t *timeline) begin(name string) (end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.window == nil {
		return func() {}, nil
	}
	if !energy.IsPartName(name) {
		return func() {}, fmt.Errorf("phase %q is not measured: %w: a phase's name has no spaces, and is not empty or \"net\"", name, energy.ErrMalformed)
	}
	p := t.phase(name)
	p.users++
	if p.users == 1 && t.running {
		p.window.Resume()
	}
	ended := false
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if ended {
			return
		}
		ended = true
		if p.users--; p.users == 0 && !t.over {
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
	p := &phase{name: name, window: t.window.Sub()}
	t.phases = append(t.phases, p)
	return p
}

// setSpans says what of the time is measured, of the phases too.
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

// measured measures the phases, after the whole was, with the findings that are about
// all of them.
func (t *timeline) measured(ctx context.Context, whole energy.Measurement, found []energy.Finding, ins *instrument, recording bool) *measured {
	t.mu.Lock()
	phases := t.phases
	t.mu.Unlock()
	m := &measured{whole: whole, found: found}
	for _, p := range phases {
		m.phases = append(m.phases, PhaseReport{Name: p.name, Attribution: timeSliced, Measurement: p.window.Measure(ctx)})
	}
	m.calls = ins.recorder.Calls()
	if recording {
		r := t.window.Recording()
		m.recording = &r
	}
	return m
}
