package powertest

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/joulebench/joulebench/internal/auto"
	"github.com/joulebench/joulebench/internal/presence"
	"github.com/joulebench/joulebench/powertest/energy"
	"github.com/joulebench/joulebench/powertest/profile"

	// What the default source chooses from.
	_ "github.com/joulebench/joulebench/nvmlsource"
	_ "github.com/joulebench/joulebench/raplsource"
)

// instrument is what a benchmark is measured with: a recorder of a source, of
// which there is one in the process however many benchmarks use the source.
type instrument struct {
	recorder *energy.Recorder
	// fallbackReason says why this is not the default source but the fallback.
	fallbackReason error
	// unused says why the profile of the user's own directory is not used.
	unused error
	// missing says which of several sources could not be opened, and why.
	missing error
}

// name is the source's name in the header and in traces.
func (i *instrument) name() string { return sourceName(i.recorder.Source().Info()) }

func (i *instrument) devices() []energy.Device { return i.recorder.Devices() }

// enter lets other processes know that the devices are measured. Simulated devices
// are the process's own.
func (i *instrument) enter() *presence.Presence {
	var real []string
	for _, src := range energy.Parts(i.recorder.Source()) {
		if src.Info().Simulated {
			continue
		}
		for _, d := range src.Devices() {
			real = append(real, d.UUID)
		}
	}
	var uuids []string
	for _, d := range i.devices() {
		if slices.Contains(real, d.UUID) {
			uuids = append(uuids, d.UUID)
		}
	}
	if len(uuids) == 0 {
		return nil
	}
	return presence.Enter(uuids...)
}

// leave ends that, and returns what to say of devices that others have measured
// meanwhile.
func leave(p *presence.Presence) []energy.Finding {
	var list []energy.Finding
	for _, other := range p.Leave() {
		list = append(list, energy.Finding{
			Reason: energy.SharedGPU,
			Device: other.Device,
			Detail: fmt.Sprintf("process %s ran a benchmark on this device at the same time: run one at a time", other.Process),
		})
	}
	return list
}

// openInstrument returns the instrument that options and environment ask for.
// It is nil if measuring is off, or if there is an error.
func openInstrument(c config, e environment) (*instrument, error) {
	selection := c.selection
	switch {
	case e.off():
		return nil, nil
	case len(c.sources) > 0:
		src, err := process.instruments.joined(c.sources)
		if err != nil {
			return nil, err
		}
		return process.instruments.of(src, selection, e.profile)
	}
	if len(selection.Devices) == 0 {
		selection.Devices = e.devices
	}
	ins, err := process.instruments.named(cmp.Or(e.source, auto.Name), e.arg, selection, e.profile)
	if err == nil && e.strict {
		if err = errors.Join(ins.missing, leavesOut(ins)); err != nil {
			return nil, err
		}
	}
	if err == nil || e.source != "" || c.fallback == nil || e.strict || !auto.Absent(err) {
		return ins, err
	}
	fallback, ferr := process.instruments.of(c.fallback, energy.Selection{Roles: selection.Roles}, e.profile)
	if ferr != nil {
		return nil, fmt.Errorf("%w; fallback: %w", err, ferr)
	}
	return &instrument{recorder: fallback.recorder, unused: fallback.unused, fallbackReason: err}, nil
}

// leavesOut is what to say of devices that are not measured although nobody chose to leave
// them out; nil if there are none.
func leavesOut(ins *instrument) error {
	left := ins.recorder.LeftOut()
	if len(left) == 0 {
		return nil
	}
	measured := make([]string, len(ins.devices()))
	for i, d := range ins.devices() {
		if measured[i] = strconv.Itoa(d.Index); d.Kind.OrGPU() != energy.GPU {
			measured[i] = string(d.Kind) + ":" + measured[i]
		}
	}
	const shown = 4
	names := make([]string, 0, shown)
	for _, l := range left[:min(len(left), shown)] {
		names = append(names, l.String())
	}
	what := "GPUs"
	if slices.ContainsFunc(left, func(l energy.LeftOut) bool { return l.Kind.OrGPU() != energy.GPU }) || len(energy.KindsOf(ins.devices())) > 1 {
		what = "devices"
	}
	return fmt.Errorf("%d of %d %s are not measured: %s\nto leave them out, set POWERTEST_DEVICES=%s",
		len(left), len(left)+len(measured), what, strings.Join(names, "; "), strings.Join(measured, ","))
}

// instruments keeps the instruments, and the errors, of a process: a source from
// the environment is opened once and never closed.
type instruments struct {
	mu    sync.Mutex
	made  map[instrumentKey]opened
	joins []join
}

// join is one source that several are joined in.
type join struct {
	of  []energy.Source
	src energy.Source
}

// instrumentKey is what an instrument is known by: the source, or how it was named.
type instrumentKey struct {
	source    energy.Source
	name, arg string
	selection string
	profile   string
}

type opened struct {
	*instrument
	err error
}

// named opens a source by its name. The source selects the devices itself: it need
// not look for others, or may have an order of its own.
func (c *instruments) named(name, arg string, s energy.Selection, profileName string) (*instrument, error) {
	return c.get(instrumentKey{name: name, arg: arg, selection: selectionKey(s), profile: profileName}, func() (*instrument, error) {
		src, err := energy.Open(name, arg, s.Devices)
		if err != nil {
			return nil, err
		}
		return newInstrument(src, energy.Selection{Roles: s.Roles}, profileName)
	})
}

// of takes a source as it is, or only some of its devices.
func (c *instruments) of(src energy.Source, s energy.Selection, profileName string) (*instrument, error) {
	open := func() (*instrument, error) { return newInstrument(src, s, profileName) }
	if !reflect.ValueOf(src).Comparable() {
		return open() // it cannot be recognised
	}
	return c.get(instrumentKey{source: src, selection: selectionKey(s), profile: profileName}, open)
}

// joined returns several sources as one: the same, for the same sources.
func (c *instruments) joined(sources []energy.Source) (energy.Source, error) {
	if len(sources) == 1 {
		return sources[0], nil
	}
	comparable := !slices.ContainsFunc(sources, func(s energy.Source) bool { return !reflect.ValueOf(s).Comparable() })
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, j := range c.joins {
		if comparable && slices.Equal(j.of, sources) {
			return j.src, nil
		}
	}
	src, err := energy.Join(sources...)
	if err == nil && comparable {
		c.joins = append(c.joins, join{sources, src})
	}
	return src, err
}

func (c *instruments) get(key instrumentKey, open func() (*instrument, error)) (*instrument, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.made[key]; ok {
		return o.instrument, o.err
	}
	ins, err := open()
	if c.made == nil {
		c.made = map[instrumentKey]opened{}
	}
	c.made[key] = opened{ins, err}
	return ins, err
}

// retry forgets what could not be opened.
func (c *instruments) retry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, o := range c.made {
		if o.err != nil {
			delete(c.made, key)
		}
	}
}

// newInstrument makes the instrument of a source. profileName is what POWERTEST_PROFILE says.
func newInstrument(src energy.Source, s energy.Selection, profileName string) (*instrument, error) {
	recorder, err := energy.NewRecorderOf(src, s)
	if err != nil {
		return nil, err
	}
	if len(recorder.Devices()) == 0 {
		return nil, fmt.Errorf("source %s: %w: it has none", src.Info().Name, energy.ErrNoDevice)
	}
	unused, err := profile.Apply(profileName, recorder)
	if err != nil {
		return nil, err
	}
	return &instrument{recorder: recorder, unused: unused, missing: energy.Missing(src)}, nil
}

// selectionKey is equal for equal selections only.
func selectionKey(s energy.Selection) string { return fmt.Sprintf("%q", s) }
