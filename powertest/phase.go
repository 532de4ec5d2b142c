package powertest

import (
	"strings"
	"unicode"

	"github.com/joulebench/joulebench/powertest/energy"
)

// phase is a named part of a benchmark, such as prefill, with a window of its
// own: the union of all its uses, less the time when the timer is stopped.
type phase struct {
	name   string
	window *energy.Window
	users  int // uses that have begun and not ended
}

// phaseUnits are the units that a phase is reported in: its joules, and the
// half-width of their interval.
func phaseUnits(name string) []unit {
	return []unit{{name + "-J/op", "lower"}, {name + "-err-%", "lower"}}
}

// Phase begins a phase of the benchmark, such as "prefill" or "decode", and
// returns the function that ends it. Its energy is reported as NAME-J/op,
// and how far that can be wrong as NAME-err-%.
//
// Phases of one name may overlap: the energy is that from when the first begins
// until the last ends, since a device cannot tell them apart. Phases of
// different names may overlap too; their energies then have a part in common.
// A phase that is not ended ends with the benchmark, and end may be called more
// than once. Both may be called from any goroutine. A phase that lasts for less
// than a few refresh periods of the counter in all is withheld, as a window is.
//
// A call of Phase allocates twice, some 50 bytes, and the first of a name more.
func (b *B) Phase(name string) (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.window == nil {
		return func() {}
	}
	if name == "" || name == "net" || strings.ContainsFunc(name, unicode.IsSpace) {
		b.logOnce("phase "+name, "phase %q is not measured: its name must have no spaces, and not be empty or \"net\"", name)
		return func() {}
	}
	p := b.phase(name)
	p.users++
	if p.users == 1 && b.running {
		p.window.Resume()
	}
	ended := false
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !ended {
			ended = true
			p.leave()
		}
	}
}

// phase returns the phase of the name, a new one if need be. The caller holds mu.
func (b *B) phase(name string) *phase {
	for _, p := range b.phases {
		if p.name == name {
			return p
		}
	}
	p := &phase{name: name, window: b.window.Sub()}
	b.phases = append(b.phases, p)
	return p
}

// leave ends one use of the phase. The caller holds mu of the benchmark.
func (p *phase) leave() {
	if p.users--; p.users == 0 {
		p.window.Pause()
	}
}
