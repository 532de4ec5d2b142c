package powertest

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"sync"

	"github.com/joulebench/joulebench/powertest/energy"

	// The default source.
	_ "github.com/joulebench/joulebench/nvmlsource"
)

// instrument is what a benchmark is measured with: a recorder of a source, of
// which there is one in the process however many benchmarks use the source.
type instrument struct {
	recorder *energy.Recorder
	// instead says why this is not the default source but the fallback.
	instead error
}

// name is the source's name in the header and in traces.
func (i *instrument) name() string { return sourceName(i.recorder.Source().Info()) }

func (i *instrument) devices() []energy.Device { return i.recorder.Source().Devices() }

const defaultSource = "nvml"

// openInstrument returns the instrument that options and environment ask for.
// It is nil if measuring is off, or if there is an error.
func openInstrument(c config, e environment) (*instrument, error) {
	switch {
	case e.off():
		return nil, nil
	case c.source != nil:
		return instruments.of(c.source, c.devices, c.roles)
	}
	devices := e.devices
	if len(c.devices) > 0 {
		devices = c.devices
	}
	name := e.source
	if name == "" {
		name = defaultSource
	}
	ins, err := instruments.named(name, e.arg, devices, c.roles)
	if err == nil || e.source != "" || c.fallback == nil || e.strict || !absent(err) {
		return ins, err
	}
	instead, ferr := instruments.of(c.fallback, nil, c.roles)
	if ferr != nil {
		return nil, fmt.Errorf("%w; fallback: %w", err, ferr)
	}
	return &instrument{recorder: instead.recorder, instead: err}, nil
}

// absent reports whether the error says that there is nothing to measure here
// (no GPU, no driver's library, no support in this build), rather than that
// something keeps us from it.
func absent(err error) bool {
	for _, e := range []error{errors.ErrUnsupported, energy.ErrNoDevice, fs.ErrNotExist} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// advice follows an error that says what is missing.
const advice = "POWERTEST_SOURCE names another source, and POWERTEST_SOURCE=off stops looking"

// instrumentCache keeps the instruments, and the errors, of this process: a
// source from the environment is opened once and never closed.
type instrumentCache struct {
	mu   sync.Mutex
	made map[any]opened
}

type opened struct {
	*instrument
	err error
}

// What an instrument is known by: how its source was named, or the source.
type (
	nameKey   struct{ name, arg, devices, roles string }
	sourceKey struct {
		source         energy.Source
		devices, roles string
	}
)

var instruments = instrumentCache{made: map[any]opened{}}

// retry forgets what could not be opened.
func (c *instrumentCache) retry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, o := range c.made {
		if o.err != nil {
			delete(c.made, key)
		}
	}
}

// named opens a source by its name.
func (c *instrumentCache) named(name, arg string, devices []string, roles []role) (*instrument, error) {
	return c.get(nameKey{name, arg, strings.Join(devices, ","), rolesKey(roles)}, func() (energy.Source, error) {
		src, err := energy.Open(name, arg, devices)
		if err != nil {
			return nil, err
		}
		return choose(src, nil, roles)
	})
}

// of takes a source as it is, or only some of its devices.
func (c *instrumentCache) of(src energy.Source, devices []string, roles []role) (*instrument, error) {
	open := func() (energy.Source, error) { return choose(src, devices, roles) }
	if !reflect.TypeOf(src).Comparable() {
		return newInstrument(open) // it cannot be recognised
	}
	return c.get(sourceKey{src, strings.Join(devices, ","), rolesKey(roles)}, open)
}

func (c *instrumentCache) get(key any, open func() (energy.Source, error)) (*instrument, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.made[key]; ok {
		return o.instrument, o.err
	}
	ins, err := newInstrument(open)
	c.made[key] = opened{ins, err}
	return ins, err
}

func newInstrument(open func() (energy.Source, error)) (*instrument, error) {
	src, err := open()
	if err != nil {
		return nil, err
	}
	if len(src.Devices()) == 0 {
		return nil, fmt.Errorf("source %s: %w: it has none", src.Info().Name, energy.ErrNoDevice)
	}
	return &instrument{recorder: energy.NewRecorder(src)}, nil
}

// rolesKey tells different roles apart.
func rolesKey(roles []role) string {
	if len(roles) == 0 {
		return ""
	}
	return fmt.Sprint(roles)
}
