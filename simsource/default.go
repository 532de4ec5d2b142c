package simsource

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/joulebench/joulebench/powertest/energy"
)

func init() { energy.Register("sim", open) }

// process is the simulation of the process.
var process struct {
	sync.Mutex
	source *Source
}

// Default returns the source of the process's own simulation: the one that
// POWERTEST_SOURCE=sim opens. Its first use starts it, with the configuration
// in POWERTEST_SOURCE if there is a valid one.
//
// Opening the source "sim" with another configuration replaces the simulation,
// and load that is on the old one stays there: open first, then work. Tests
// that run in several testing/synctest bubbles, each with its own clock, had
// better call [New] in each.
func Default() *Source {
	process.Lock()
	defer process.Unlock()
	if process.source == nil {
		process.source = New(fromEnvironment())
	}
	return process.source
}

// Busy is [Source.Busy] of [Default].
func Busy(devices ...int) (done func()) { return Default().Busy(devices...) }

// BusyLoad is [Source.BusyLoad] of [Default].
func BusyLoad(fraction float64, devices ...int) (done func()) {
	return Default().BusyLoad(fraction, devices...)
}

// fromEnvironment returns the configuration in POWERTEST_SOURCE, and the zero
// one if there is none or a malformed one, which opening the source reports.
func fromEnvironment() Config {
	arg, ok := strings.CutPrefix(os.Getenv("POWERTEST_SOURCE"), "sim=")
	if !ok {
		return Config{}
	}
	cfg, _ := parse(arg)
	return cfg
}

// open is the [energy.OpenFunc] of this package.
func open(arg string, devices []string) (energy.Source, error) {
	cfg, err := parse(arg)
	if err != nil {
		return nil, err
	}
	process.Lock()
	defer process.Unlock()
	if s := process.source; s == nil || s.sim.cfg != cfg || !s.sim.onClock() {
		process.source = New(cfg)
	}
	// A source of its own, so that closing it leaves Default open.
	s, err := process.source.Select(devices...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// onClock reports whether the simulation's time can be that of this goroutine:
// a test's fake clock is decades away from the real one, and the next test's
// fake clock starts again where the last one did.
func (m *machine) onClock() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	const aYear = 365 * 24 * time.Hour
	d := time.Since(m.base) - time.Duration(m.time)
	return 0 <= d && d < aYear
}
