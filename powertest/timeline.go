package powertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"

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

// errPhaseName says that a phase can't be reported under its name.
var errPhaseName = errors.New("is not measured: its name must have no spaces, and not be empty or \"net\"")

// isPartName reports whether a part of the energy can be reported under a name: it
// becomes the beginning of units.
func isPartName(name string) bool {
	return name != "" && name != "net" && !strings.ContainsFunc(name, unicode.IsSpace)
}

// begin begins a use of a phase, and returns the function that ends it.
func (t *timeline) begin(name string) (end func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.window == nil {
		return func() {}, nil
	}
	if !isPartName(name) {
		return func() {}, fmt.Errorf("phase %q %w", name, errPhaseName)
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

// cover says what of the time is measured, of the phases too.
func (t *timeline) cover(spans []energy.Span) {
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

// measure measures the phases, after the window was.
func (t *timeline) measure(ctx context.Context) []phaseMeasurement {
	t.mu.Lock()
	phases := t.phases
	t.mu.Unlock()
	var list []phaseMeasurement
	for _, p := range phases {
		list = append(list, phaseMeasurement{p.name, p.window.Measure(ctx)})
	}
	return list
}

type phaseMeasurement struct {
	name string
	energy.Measurement
}
